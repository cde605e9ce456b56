"""A comparison as JSON, for programs. docs/own-labels.md describes it."""

from __future__ import annotations

import json
from typing import Any, Final

from model.labels import MOODS
from serving.document.marks import unmarked
from serving.report.intervals import Share
from serving.teaching.comparison.content import ChangedText, Comparison, Weights
from serving.teaching.comparison.words import interval_of, methods, verdict_text
from training.side_by_side import Measured

FORMAT: Final = 1
"""Rises when a key goes or changes its meaning."""


def as_json(comparison: Comparison) -> str:
    """Indented JSON; texts on one line and without control characters."""
    return json.dumps(_comparison(comparison), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _comparison(comparison: Comparison) -> dict[str, Any]:
    changes, labelled = comparison.changes, comparison.labelled
    return {
        "format": FORMAT,
        "a": _weights(comparison.first, comparison.topics_of_one[0]),
        "b": _weights(comparison.second, comparison.topics_of_one[1]),
        "alike": comparison.alike,
        "sources": list(comparison.sources),
        "texts": comparison.rows,
        "compared": changes.texts,
        "not_scorable": {
            "by_a": comparison.unscored.first,
            "by_b": comparison.unscored.second,
            "by_both": comparison.unscored.both,
        },
        "headline": [unmarked(sentence) for sentence in comparison.headline],
        "measures": [_measured(each) for each in labelled.measured] if labelled else None,
        "confusion": {"a": _table(labelled.confusion[0]), "b": _table(labelled.confusion[1])}
        if labelled and labelled.confusion
        else None,
        "languages": [
            {
                "language": part.name,
                "texts": part.changed.of,
                "moods_changed": _share(part.changed),
                "measures": [_measured(each) for each in part.measured],
            }
            for part in comparison.languages
        ],
        "moods_changed": _share(comparison.moods_changed),
        "moods": _table(changes.moods),
        "alarms": {"lost": changes.alarms_lost, "gained": changes.alarms_gained},
        "changed_and_labelled": dict(zip(("now_right", "now_wrong", "both_wrong"), changes.settled, strict=True))
        if changes.settled
        else None,
        "topics": {
            name: {"a": each.first, "b": each.second, "gained": each.gained, "lost": each.lost}
            for name, each in changes.topics.items()
        },
        "labelled_topics_that_neither_knows": list(comparison.topics_of_none),
        "mean_probability": {
            mood: {"a": round(means[0], 6), "b": round(means[1], 6), "mean_change": round(changes.mean_change[mood], 6)}
            for mood, means in changes.mean_probability.items()
        },
        "needs_review": dict(zip("ab", changes.needs_review, strict=True)),
        "changed_texts": [_text(each) for each in comparison.texts] if comparison.texts is not None else None,
        "notes": [unmarked(sentence) for sentence in methods(comparison)],
    }


def _weights(weights: Weights, own: tuple[str, ...]) -> dict[str, Any]:
    return {
        "folder": weights.folder,
        "name": weights.name,
        "version": weights.version,
        "sha256": weights.sha256,
        "topics_that_only_it_knows": list(own),
        "megabytes": round(weights.megabytes, 3),
        "texts_per_second": round(weights.texts_per_second, 1),
    }


def _measured(measured: Measured) -> dict[str, Any]:
    found = measured.difference
    low, high = interval_of(found) if found else (None, None)
    return {
        "head": measured.head,
        "measure": measured.measure,
        "topic": measured.topic,
        "texts": measured.texts,
        "a": measured.first,
        "b": measured.second,
        "difference": found.difference if found else None,
        "low": low,
        "high": high,
        "less_is_better": measured.less_is_better,
        "b_is": verdict_text(measured),
    }


def _table(counts: list[list[int]]) -> dict[str, dict[str, int]]:
    return {mood: dict(zip(MOODS, line, strict=True)) for mood, line in zip(MOODS, counts, strict=True)}


def _share(share: Share) -> dict[str, Any]:
    return {
        "count": share.count,
        "of": share.of,
        "share": round(share.share, 6),
        "low": round(share.low, 6),
        "high": round(share.high, 6),
    }


def _text(text: ChangedText) -> dict[str, Any]:
    return {
        "text": text.text,
        "place": text.place,
        "id": text.id,
        "language": text.language,
        "label": text.label,
        "a": {"mood": text.before, "probability": round(text.before_probability, 6)},
        "b": {"mood": text.after, "probability": round(text.after_probability, 6)},
    }
