"""Putting heads of own topics onto a weights folder, whose encoder and other heads stay bit for bit as they are."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.classifier import SHIPPED_WEIGHTS
from model.config import WeightsConfig, read_config
from model.errors import InputError
from model.labels import MAX_OWN_TOPICS, TOPICS
from model.manifest import CARD, CONFIG, GRAPH, MANIFEST, SMALL_GRAPH, write_manifest
from training.folders import fresh_folder, recover_folder, replace_folder
from training.own_heads import own_heads, set_own_heads
from training.pooled import read_graph

HEADING = "## Own topics"


@dataclass(frozen=True, slots=True)
class TopicHead:
    """A linear head on the vectors of `feature_layers`, one after the other, (layers · width,).

    The sigmoid of what it gives is the probability of the topic, which counts from `threshold` on.
    """

    name: str
    weights: npt.NDArray[np.float64]
    bias: float
    threshold: float


def check_output(output: Path) -> None:
    """Whether a weights folder may be written there.

    Raises:
        InputError: something else stands there, or it is the folder that belongs to the package.
    """
    if output.resolve() == SHIPPED_WEIGHTS.resolve():
        raise InputError(f"{output} holds the weights that belong to rida; name another folder")
    recover_folder(output)
    if output.exists() and not (output.is_dir() and ((output / MANIFEST).exists() or not any(output.iterdir()))):
        raise InputError(f"{output} is there and no weights folder; name another one, or remove it")


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


def graft(weights: Path, heads: Sequence[TopicHead], output: Path, *, notes: str) -> None:
    """Writes the folder `output`: `weights` with own topics, and `notes` on them in its card.

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
    config = _with_topics(config, kept, heads)
    (fresh / CONFIG).write_text(config.model_dump_json(indent=1) + "\n", encoding="utf-8")
    _note(fresh / CARD, notes)
    write_manifest(fresh)
    replace_folder(output, fresh)


def _with_topics(config: WeightsConfig, kept: Sequence[str], heads: Sequence[TopicHead]) -> WeightsConfig:
    thresholds = {name: config.thresholds.topics[name] for name in (*TOPICS, *kept)}
    thresholds |= {head.name: head.threshold for head in heads}
    # The small graph knows nothing of own topics.
    content = config.model_dump(mode="json") | {"speed": "full", "fast": None}
    content["topics"] = list(thresholds)
    content["thresholds"]["topics"] = thresholds
    # Built anew and not copied, so that it is checked.
    return WeightsConfig.model_validate(content)


def _note(card: Path, notes: str) -> None:
    """Puts the section on own topics at the card's end, in the place of the one before."""
    before = card.read_text(encoding="utf-8").partition(f"{HEADING}\n")[0].rstrip() if card.exists() else ""
    card.write_text(f"{before}\n\n{HEADING}\n\n{notes.strip()}\n", encoding="utf-8")
