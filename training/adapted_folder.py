"""The weights folder of an adapted network: quantised, held against the network, calibrated, measured, described."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from data.rows import FeedbackRow
from model.calibration import HeadLogits
from model.classifier import Classifier, load
from model.config import Thresholds, WeightsConfig
from model.manifest import CONFIG, GRAPH, TOKENIZER, write_manifest
from model.tokenizer import id_of, read_tokenizer
from training.adaptation_words import ADAPTATION
from training.blend import Blend, blend
from training.card import write_card
from training.comparison import MIN_UNCHANGED, Comparison, compare
from training.export import COMPARISON
from training.finetune import Settings
from training.graph import matrix_names
from training.lesson import Lesson
from training.reference import torch_logits, windows_of
from training.rehearsal import Rehearsal
from training.requantise import requantised_graph
from training.restore import Restored

log = logging.getLogger(__name__)

_WATCHED_TEXTS = 384
"""Own texts, and as many rehearsed, whose activations are measured: together as many as `rida export` takes."""


@dataclass(frozen=True, slots=True)
class Adapted:
    """A network that was trained further, and what it was trained on; `config` is yet without its topics."""

    base: Path
    config: WeightsConfig
    restored: Restored
    lesson: Lesson
    rehearsal: Rehearsal
    settings: Settings


def write_folder(
    folder: Path, adapted: Adapted, record: Callable[[Blend, Classifier], dict[str, Any]]
) -> dict[str, Any]:
    """Writes all files of the folder; `record` says what is kept of the adaptation once its weights can be scored with.

    Raises:
        WeightsError: the weights that came of it cannot be loaded.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copyfile(adapted.base / TOKENIZER, folder / TOKENIZER)
    config = _with_topics(adapted.config, adapted.lesson.topics)
    compared = [*adapted.lesson.sides.validation, *adapted.rehearsal.held_out]
    found, in_float = _write_graph(folder, adapted, config, compared)
    heads, kept = load(folder).logits([row.text for row in adapted.lesson.sides.validation])
    fitted = blend(
        config.calibration, adapted.config.thresholds, heads,
        [adapted.lesson.sides.validation[at] for at in kept], adapted.lesson.topics,
    )  # fmt: skip
    config = config.model_copy(update={**fitted.calibration._asdict(), "thresholds": fitted.thresholds})
    _write_config(folder, config)
    write_manifest(folder)
    adaptation = record(fitted, load(folder))
    _write_json(folder / ADAPTATION, adaptation)
    _write_json(
        folder / COMPARISON,
        {
            "matrices": len(matrix_names(adapted.restored.shape)),
            "in_float32": in_float,
            "kept": found.moods_unchanged >= MIN_UNCHANGED,
            **asdict(found),
        },
    )
    write_card(folder, evaluations=[])
    write_manifest(folder)
    return adaptation


def _with_topics(config: WeightsConfig, topics: tuple[str, ...]) -> WeightsConfig:
    thresholds = {name: config.thresholds.topics[name] for name in topics}
    return config.model_copy(
        update={
            "topics": topics,
            "thresholds": Thresholds(
                angry=config.thresholds.angry, needs_review=config.thresholds.needs_review, topics=thresholds
            ),
        }
    )


def _write_graph(
    folder: Path, adapted: Adapted, config: WeightsConfig, rows: Sequence[FeedbackRow]
) -> tuple[Comparison, list[str]]:
    """Writes graph and config; how far the graph is from the network on `rows`, and its matrices in float32."""
    tokenizer, limits = read_tokenizer(adapted.base / TOKENIZER), config.limits
    pad_id = id_of(tokenizer, "<pad>")

    def windows(texts: Sequence[str]) -> list[list[list[int]]]:
        return windows_of(
            texts, tokenizer,
            window_tokens=limits.window_tokens, max_tokens=limits.max_tokens, max_characters=limits.max_characters,
        )  # fmt: skip

    reference = torch_logits(adapted.restored.network, windows([row.text for row in rows]), pad_id=pad_id)
    found: list[Comparison] = []

    def keeps_answers(made: onnx.ModelProto) -> bool:
        (folder / GRAPH).write_bytes(made.SerializeToString())
        _write_config(folder, config)
        write_manifest(folder)
        heads, kept = load(folder).logits([row.text for row in rows])
        ours = HeadLogits(*(logits[np.array(kept, dtype=np.int64)] for logits in reference))
        of_kept = [rows[at] for at in kept]
        found.append(compare(heads, ours, of_kept, config.calibration, config.thresholds))
        log.info("%s", found[-1].summary())
        return found[-1].moods_unchanged >= MIN_UNCHANGED

    watched = [
        window
        for side in (adapted.lesson.sides.train, adapted.rehearsal.rows)
        for row in _spread(side, _WATCHED_TEXTS)
        for window in windows([row.text])[0]
    ]
    frozen = adapted.settings.encoder.frozen_layers
    _, in_float = requantised_graph(
        adapted.restored.network, adapted.restored, watched,
        frozen_layers=frozen, pad_id=pad_id, keeps_answers=keeps_answers,
    )  # fmt: skip
    return found[-1], in_float


def _spread(rows: Sequence[FeedbackRow], most: int) -> Sequence[FeedbackRow]:
    """At most so many rows, evenly over all of them."""
    return rows[:: max(1, -(-len(rows) // most))]


def _write_config(folder: Path, config: WeightsConfig) -> None:
    (folder / CONFIG).write_text(config.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
