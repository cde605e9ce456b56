"""Putting heads of own topics onto a weights folder, whose encoder and other heads stay bit for bit as they are."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model.config import WeightsConfig, read_config
from model.errors import InputError
from model.labels import MAX_OWN_TOPICS, TOPICS
from model.manifest import CARD, CONFIG, GRAPH, SMALL_GRAPH, write_manifest
from training.fitted_topics import HEADING, FittedTopics, section, write_fits
from training.folders import check_output, fresh_folder, replace_folder
from training.own_heads import own_heads, set_own_heads
from training.pooled import read_graph
from training.speed_words import note_speed
from training.topic_head import TopicHead


def kept_topics(config: WeightsConfig, new: Sequence[str]) -> list[str]:
    """The own topics that stay where `new` ones are added.

    Raises:
        InputError: there would be too many.
    """
    kept = [name for name in config.own_topics if name not in new]
    if len(kept) + len(new) > MAX_OWN_TOPICS:
        raise InputError(
            f"the weights have {len(kept)} own topics that stay, and {len(new)} are new; {MAX_OWN_TOPICS} are the most"
        )
    return kept


def graft(
    weights: Path,
    heads: Sequence[TopicHead],
    output: Path,
    *,
    name: str,
    version: str,
    fits: Sequence[FittedTopics],
) -> None:
    """Writes the folder `output`: `weights` with own topics under a name and version, and what `fits` tell of them.

    An own topic that `weights` has already is replaced where a head has its name, and kept else. What stands at
    `output` is replaced once the new folder is whole.

    Raises:
        InputError: `output` cannot be written, or there would be too many own topics.
        WeightsError: the graph is none that rida exported.
    """
    check_output(output)
    config = read_config(weights / CONFIG)
    kept = kept_topics(config, [head.name for head in heads])
    model = read_graph(weights / GRAPH)
    # The runtime divides the logits of all topics by one temperature, which was not fitted on these.
    temperature = config.temperatures.topics
    rows = np.array([temperature * head.weights for head in heads])
    biases = np.array([temperature * head.bias for head in heads])
    before = own_heads(model)
    if before is not None:
        columns = [config.own_topics.index(name) for name in kept]
        rows = np.concatenate([before[0].T[columns], rows])
        biases = np.concatenate([before[1][columns], biases])
    set_own_heads(model, rows.T, biases)

    fresh = fresh_folder(output)
    shutil.copytree(weights, fresh, ignore=shutil.ignore_patterns(SMALL_GRAPH))
    (fresh / GRAPH).write_bytes(model.SerializeToString())
    made = _with_topics(config, kept, heads, name=name, version=version)
    (fresh / CONFIG).write_text(made.model_dump_json(indent=1) + "\n", encoding="utf-8")
    write_fits(fresh, fits)
    _note(fresh / CARD, config, made, fits)
    note_speed(fresh)
    write_manifest(fresh)
    replace_folder(output, fresh)


def _with_topics(
    config: WeightsConfig, kept: Sequence[str], heads: Sequence[TopicHead], *, name: str, version: str
) -> WeightsConfig:
    thresholds = {name: config.thresholds.topics[name] for name in (*TOPICS, *kept)}
    thresholds |= {head.name: head.threshold for head in heads}
    # The small graph knows nothing of own topics.
    content = config.model_dump(mode="json") | {"speed": "full", "fast": None}
    content |= {"name": name, "version": version, "topics": list(thresholds)}
    content["thresholds"]["topics"] = thresholds
    # Built anew and not copied, so that it is checked.
    return WeightsConfig.model_validate(content)


def _note(card: Path, before: WeightsConfig, made: WeightsConfig, fits: Sequence[FittedTopics]) -> None:
    """Gives the card the new name, and at its end the section on own topics, in the place of the one before."""
    text = card.read_text(encoding="utf-8").partition(f"{HEADING}\n")[0].rstrip() if card.exists() else ""
    title = f"# {before.name} {before.version}\n"
    if text.startswith(title):
        text = f"# {made.name} {made.version}\n{text.removeprefix(title)}"
    card.write_text("\n".join([text, "", *section(fits)]), encoding="utf-8")
