"""Planted label errors: how many of those doubted most are the ones that were planted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from benchmarks.labelling.figures import spread
from benchmarks.labelling.rows import Read
from data.rows import FeedbackRow, Sentiment
from model.calibration import mood_probabilities
from model.labels import MOODS, SATISFACTION, TOPICS
from training.label_errors import Classes, Floats, blended, doubtful, find_label_errors, left_out
from training.near_duplicates import first_alike
from training.targets import UNKNOWN, mood_targets, satisfaction_targets

SHARE: Final = 0.05
USED: Final = "mean of both (used)"
_MOODS: Final[dict[str, tuple[Sentiment, bool]]] = {
    "satisfied": ("satisfied", False),
    "neutral": ("neutral", False),
    "dissatisfied": ("dissatisfied", False),
    "angry": ("dissatisfied", True),
}
_SATISFACTION: Final[dict[str, tuple[Sentiment, None]]] = {
    "satisfied": ("satisfied", None),
    "neutral": ("neutral", None),
    "unhappy": ("dissatisfied", None),
}


def measure(read: Read, seeds: int) -> dict[str, Any]:
    """Of each way to doubt a label: of as many rows as were planted, the most doubted, the share that was planted."""
    groups = first_alike(row.text for row in read.rows)
    every_mood = bool((mood_targets(read.rows) != UNKNOWN).all())
    count = round(SHARE * len(read.rows))
    found: dict[str, list[tuple[float, float, float]]] = {}
    for seed in range(seeds):
        chance = np.random.default_rng(seed)
        wrong = set(chance.choice(len(read.rows), count, replace=False).tolist())
        rows = [_other(row, chance, every_mood) if at in wrong else row for at, row in enumerate(read.rows)]
        for name, doubted in _doubted(rows, read, groups, every_mood).items():
            found.setdefault(name, []).append(_hits(doubted, wrong))
        if every_mood:
            rows = [_other_topic(row, chance) if at in wrong else row for at, row in enumerate(read.rows)]
            errors = find_label_errors(rows, read.vectors, read.heads, groups, read.config, TOPICS)
            topics = dict.fromkeys(each.row for each in errors if not {each.given, each.likelier} & set(MOODS))
            found.setdefault("topics: mean of both (used)", []).append(_hits(list(topics), wrong))
    names = ("precision_at_planted", "found_among_all_doubted", "rows_doubted")
    return {
        "rows": len(read.rows),
        "planted": count,
        "ways": {
            way: dict(zip(names, (spread(values) for values in zip(*runs, strict=True)), strict=True))
            for way, runs in found.items()
        },
    }


def _doubted(
    rows: Sequence[FeedbackRow], read: Read, groups: Sequence[int], every_mood: bool
) -> dict[str, Sequence[int]]:
    """The rows doubted by each way, the most doubted first."""
    weights = mood_probabilities(read.heads, read.config.calibration)
    given: Classes = mood_targets(rows)
    if not every_mood:
        given = satisfaction_targets(rows)
        weights = np.column_stack([weights[:, :2], weights[:, 2:].sum(axis=1)])
    both = blended(read.vectors, given, groups, weights)
    assert both is not None
    ways: dict[str, Floats] = {
        "regression on vectors": left_out(read.vectors, given, groups, weights.shape[1]),
        "weights": weights,
        USED: both,
    }
    return {name: doubtful(given, probabilities) for name, probabilities in ways.items()}


def _hits(doubted: Sequence[int], wrong: set[int]) -> tuple[float, float, float]:
    count = len(wrong)
    return len(wrong.intersection(doubted[:count])) / count, len(wrong.intersection(doubted)) / count, len(doubted)


def _other(row: FeedbackRow, chance: np.random.Generator, every_mood: bool) -> FeedbackRow:
    if every_mood:
        sentiment, angry = _MOODS[str(chance.choice([mood for mood in MOODS if mood != row.mood]))]
        return replace(row, sentiment=sentiment, angry=angry)
    others = [label for label in SATISFACTION if _SATISFACTION[label][0] != row.sentiment]
    return replace(row, sentiment=_SATISFACTION[str(chance.choice(others))][0], angry=None)


def _other_topic(row: FeedbackRow, chance: np.random.Generator) -> FeedbackRow:
    """One topic is taken away, or one that is not there put on, as often the one as the other where both can be."""
    has = list(row.topics or ())
    if has and chance.random() < 0.5:
        has.remove(str(chance.choice(has)))
    else:
        has.append(str(chance.choice([name for name in TOPICS if name not in has])))
    return replace(row, topics=tuple(has))
