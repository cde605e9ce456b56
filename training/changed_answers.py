"""What changes for texts when one set of weights takes the place of another; needs no labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.labels import MOODS, Mood
from training.reading import Reading
from training.targets import UNKNOWN, Classes

_ANGRY = MOODS.index("angry")


@dataclass(frozen=True, slots=True)
class TopicChange:
    """Texts with a topic by the first and by the second weights, and those in which it comes and goes."""

    first: int
    second: int
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class Changes:
    """`moods` counts texts by the first weights' mood, then by the second's, (4, 4)."""

    texts: int
    moods: list[list[int]]
    topics: dict[str, TopicChange]
    mean_probability: dict[Mood, tuple[float, float]]
    """Mean probability of each mood by the first and by the second weights: the shares that they expect."""
    mean_change: dict[Mood, float]
    """Mean size of the change of each mood's probability."""
    needs_review: tuple[int, int]
    settled: tuple[int, int, int] | None
    """Of texts with a labelled mood and another one given: now right, now wrong, wrong before and after."""

    @property
    def moods_changed(self) -> int:
        """Texts whose mood is another one."""
        return self.texts - sum(self.moods[at][at] for at in range(len(MOODS)))

    @property
    def alarms_lost(self) -> int:
        """Texts that were angry and are not any more."""
        return sum(self.moods[_ANGRY]) - self.moods[_ANGRY][_ANGRY]

    @property
    def alarms_gained(self) -> int:
        """Texts that are angry and were not."""
        return sum(line[_ANGRY] for line in self.moods) - self.moods[_ANGRY][_ANGRY]


def changes(first: Reading, second: Reading, gold: Classes) -> Changes:
    """Counts what changes; `gold` (texts,) are labelled moods, UNKNOWN where there is none."""
    table = np.zeros((len(MOODS), len(MOODS)), dtype=np.int64)
    np.add.at(table, (first.decided, second.decided), 1)
    sizes = np.abs(second.moods - first.moods).mean(axis=0)
    return Changes(
        texts=len(first.decided),
        moods=table.tolist(),
        topics=_topics(first, second),
        mean_probability={
            mood: (float(first.moods[:, at].mean()), float(second.moods[:, at].mean())) for at, mood in enumerate(MOODS)
        },
        mean_change={mood: float(sizes[at]) for at, mood in enumerate(MOODS)},
        needs_review=(int(first.needs_review.sum()), int(second.needs_review.sum())),
        settled=_settled(first, second, gold),
    )


def _topics(first: Reading, second: Reading) -> dict[str, TopicChange]:
    shared = tuple(name for name in first.topics if name in second.topics)
    before, after = first.found_of(shared), second.found_of(shared)
    return {
        name: TopicChange(
            first=int(before[:, at].sum()),
            second=int(after[:, at].sum()),
            gained=int((after[:, at] & ~before[:, at]).sum()),
            lost=int((before[:, at] & ~after[:, at]).sum()),
        )
        for at, name in enumerate(shared)
    }


def _settled(first: Reading, second: Reading, gold: Classes) -> tuple[int, int, int] | None:
    known = gold != UNKNOWN
    if not known.any():
        return None
    changed = known & (first.decided != second.decided)
    now_right, now_wrong = changed & (second.decided == gold), changed & (first.decided == gold)
    return int(now_right.sum()), int(now_wrong.sum()), int((changed & ~now_right & ~now_wrong).sum())


def worst_first(first: Reading, second: Reading, gold: Classes) -> Sequence[int]:
    """Positions of the texts whose mood changes: lost alarms first, of these the labelled ones, then by certainty.

    After them come new alarms, then all others, each by how much the probability of the first mood falls.
    """
    at = np.flatnonzero(first.decided != second.decided)
    lost = first.decided[at] == _ANGRY
    gained = second.decided[at] == _ANGRY
    really_angry = lost & (gold[at] == _ANGRY)
    before = first.decided[at]
    fall = first.moods[at, before] - second.moods[at, before]
    weight = np.where(lost, first.moods[at, _ANGRY], fall)
    order = np.lexsort((-weight, ~gained, ~lost, ~really_angry))
    chosen: list[int] = at[order].tolist()
    return chosen
