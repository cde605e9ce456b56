"""Measuring a weights folder on labelled rows, by language and by source."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.cleaning import says_something
from data.rows import FeedbackRow, Split
from data.sources import read_source
from model.calibration import HeadLogits
from model.classifier import Classifier
from model.config import Calibration, Thresholds
from model.errors import RecipeError
from model.labels import FIRST_CLASS_LANGUAGES
from training.measures import measure
from training.report import write_report

EVALUATION = "evaluation.json"


def evaluate(
    classifier: Classifier,
    *,
    data_root: Path,
    sources: Sequence[str],
    split: Split,
    output: Path,
    limit: int | None = None,
    command: str = "",
) -> dict[str, Any]:
    """Measures a classifier on one split of sources and writes `evaluation.json`, `report.md` and plots.

    `limit` measures at most so many rows of a source, chosen by a hash of their ids. `command` is kept with
    the figures, so that who reads them can make them again.

    Raises:
        SourceError: a source cannot be used.
        RecipeError: no source has a labelled row in that split.
    """
    # The same rows that the recipe held out, else rows that were trained on would count as validation.
    validation_share = classifier.info.config.validation_share
    rows = rows_to_measure(data_root, sources, split=split, validation_share=validation_share, limit=limit)
    evaluation = measure_groups(classifier, rows) | {"split": split, "row_limit": limit, "command": command}
    output.mkdir(parents=True, exist_ok=True)
    (output / EVALUATION).write_text(json.dumps(evaluation, indent=1) + "\n", encoding="utf-8")
    write_report(evaluation, output)
    return evaluation


def rows_to_measure(
    data_root: Path,
    sources: Sequence[str],
    *,
    split: Split,
    validation_share: float,
    limit: int | None = None,
) -> list[FeedbackRow]:
    """The labelled rows of one split.

    Raises:
        SourceError: a source cannot be read.
        RecipeError: there are none.
    """
    rows: list[FeedbackRow] = []
    for name in sources:
        read = read_source(data_root / name, validation_share=validation_share)
        found = [row for row in read if row.split == split and says_something(row)]
        found.sort(key=lambda row: hashlib.sha256(row.id.encode()).digest())
        rows.extend(found[:limit])
    if not rows:
        raise RecipeError(f"no labelled {split} row in {', '.join(sources)} under {data_root}")
    return rows


def measure_groups(classifier: Classifier, rows: Sequence[FeedbackRow]) -> dict[str, Any]:
    """Measures all rows, each language and each source; a text that cannot be scored is counted, not measured."""
    heads, kept = classifier.logits([row.text for row in rows])
    scored = [rows[at] for at in kept]
    config = classifier.info.config
    return {
        "weights": classifier.info.identity(),
        "texts": len(rows),
        "not_scorable": len(rows) - len(scored),
        **measured_groups(heads, scored, config.calibration, config.thresholds),
    }


def measured_groups(
    heads: HeadLogits, scored: Sequence[FeedbackRow], calibration: Calibration, thresholds: Thresholds
) -> dict[str, Any]:
    """Measures all of the scored rows, each language, each source, and the means over languages."""

    def of(chosen: Sequence[int]) -> dict[str, Any]:
        at = np.array(chosen, dtype=np.int64)
        picked = HeadLogits(*(logits[at] for logits in heads))
        return measure(picked, [scored[index] for index in chosen], calibration, thresholds)

    languages, sources = (_positions(scored, name) for name in ("lang", "source"))
    by_language = {name: of(languages[name]) for name in _first_class_first(languages)}
    by_source = {name: of(sources[name]) for name in sorted(sources)}
    return {
        "overall": of(range(len(scored))),
        "languages": by_language,
        "sources": by_source,
        "averages": _averages(by_language),
    }


def _positions(rows: Sequence[FeedbackRow], field: str) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for at, row in enumerate(rows):
        groups.setdefault(getattr(row, field), []).append(at)
    return groups


def _first_class_first(languages: Iterable[str]) -> list[str]:
    return sorted(languages, key=lambda lang: (lang not in FIRST_CLASS_LANGUAGES, lang))


def _averages(by_language: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Means over languages, first-class and other ones apart, of what headline figures are quoted from."""
    averages = {}
    for head, name in (("mood", "macro_f1"), ("topics", "micro_f1")):
        for group, first_class in (("first_class", True), ("other", False)):
            found = [
                measured[head][name]
                for lang, measured in by_language.items()
                if (lang in FIRST_CLASS_LANGUAGES) is first_class and head in measured
            ]
            if found:
                averages[f"{group}_{head}_{name}"] = float(np.mean(found))
    return averages
