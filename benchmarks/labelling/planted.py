"""Planted label errors: how many of those doubted most are the ones that were planted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np

from benchmarks.labelling.rows import Read
from data.rows import FeedbackRow, Sentiment
from model.calibration import mood_probabilities
from model.labels import MOODS, TOPICS
from training.label_errors import Floats, blended, doubtful, find_label_errors, left_out
from training.near_duplicates import first_alike
from training.targets import mood_targets

SHARE: Final = 0.05
_FIELDS: Final[dict[str, tuple[Sentiment, bool]]] = {
    "satisfied": ("satisfied", False),
    "neutral": ("neutral", False),
    "dissatisfied": ("dissatisfied", False),
    "angry": ("dissatisfied", True),
}


def measure(read: Read, seeds: int) -> dict[str, Any]:
    """Of each way to doubt a label: of as many rows as were planted, the most doubted, the share that was planted."""
    groups = first_alike(row.text for row in read.rows)
    found: dict[str, list[float]] = {}
    flagged: dict[str, list[float]] = {}
    count = round(SHARE * len(read.rows))
    for seed in range(seeds):
        chance = np.random.default_rng(seed)
        wrong = set(chance.choice(len(read.rows), count, replace=False).tolist())
        rows = [_other_mood(row, chance) if at in wrong else row for at, row in enumerate(read.rows)]
        given = mood_targets(rows)
        weights = mood_probabilities(read.heads, read.config.calibration)
        ways: dict[str, Callable[[], Floats | None]] = {
            "regression on vectors": lambda: left_out(read.vectors, given, groups, len(MOODS)),
            "weights": lambda: weights,
            "mean of both (used)": lambda: blended(read.vectors, given, groups, weights),
        }
        for name, way in ways.items():
            probabilities = way()
            assert probabilities is not None
            doubted = doubtful(given, probabilities)
            found.setdefault(name, []).append(len(wrong.intersection(doubted[:count])) / count)
            flagged.setdefault(name, []).append(len(wrong.intersection(doubted)) / count)
        rows = [_other_topic(row, chance) if at in wrong else row for at, row in enumerate(read.rows)]
        errors = find_label_errors(rows, read.vectors, read.heads, groups, read.config, TOPICS)
        topics = [error.row for error in errors if not (error.given in MOODS or error.likelier in MOODS)]
        doubted = list(dict.fromkeys(topics))
        found.setdefault("topics, mean of both (used)", []).append(len(wrong.intersection(doubted[:count])) / count)
        flagged.setdefault("topics, mean of both (used)", []).append(len(wrong.intersection(doubted)) / count)
    return {
        "rows": len(read.rows),
        "planted": count,
        "ways": {
            name: {"precision_at_planted": _spread(found[name]), "found_among_all_doubted": _spread(flagged[name])}
            for name in found
        },
    }


def _other_mood(row: FeedbackRow, chance: np.random.Generator) -> FeedbackRow:
    sentiment, angry = _FIELDS[str(chance.choice([mood for mood in MOODS if mood != row.mood]))]
    return replace(row, sentiment=sentiment, angry=angry)


def _other_topic(row: FeedbackRow, chance: np.random.Generator) -> FeedbackRow:
    """One topic is taken away, or one that is not there put on, as often the one as the other where both can be."""
    has = list(row.topics or ())
    if has and chance.random() < 0.5:
        has.remove(str(chance.choice(has)))
    else:
        has.append(str(chance.choice([name for name in TOPICS if name not in has])))
    return replace(row, topics=tuple(has))


def _spread(values: list[float]) -> dict[str, float]:
    return {"mean": round(float(np.mean(values)), 4), "deviation": round(float(np.std(values, ddof=1)), 4)}
