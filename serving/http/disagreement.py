"""How far two sets of weights disagree about the same texts: counts alone, never a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from model.labels import MOODS, Mood
from model.prediction import Prediction
from serving.report.intervals import share_of


@dataclass(frozen=True, slots=True)
class Change:
    """From the first answer on a text to the second: its mood, the topics gained and lost, and `score`, the largest
    change of a mood's probability.
    """

    before: Mood
    after: Mood
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    score: float


def change_of(first: Prediction, second: Prediction, shared: frozenset[str]) -> Change:
    """What the second answer on a text changes; topics that are not `shared` do not count."""
    before, after = ({topic.name for topic in each.topics} & shared for each in (first, second))
    return Change(
        before=first.mood,
        after=second.mood,
        gained=tuple(sorted(after - before)),
        lost=tuple(sorted(before - after)),
        score=max(abs(second.scores[mood] - first.scores[mood]) for mood in MOODS),
    )


class Disagreement:
    """What has been counted so far. Not safe to use from several threads: whoever shares it holds a lock."""

    def __init__(self, first: Sequence[str] = (), second: Sequence[str] = ()) -> None:
        """`first` and `second` are the topics that the two know; only those of both are compared."""
        self.shared = frozenset(first) & frozenset(second)
        self._only = {"first": sorted(set(first) - self.shared), "shadow": sorted(set(second) - self.shared)}
        self._moods: Counter[tuple[Mood, Mood]] = Counter()
        self._gained: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._score_changes = 0.0
        self.unscored = 0

    def add(self, changes: Iterable[Change]) -> None:
        """Count texts that both have scored."""
        for change in changes:
            self._moods[change.before, change.after] += 1
            self._gained.update(change.gained)
            self._lost.update(change.lost)
            self._score_changes += change.score

    @property
    def texts(self) -> int:
        """Texts that both have scored."""
        return self._moods.total()

    @property
    def changed(self) -> int:
        """Those whose mood is another one."""
        return sum(count for (before, after), count in self._moods.items() if before != after)

    @property
    def alarms_lost(self) -> int:
        """Texts that were angry and are not."""
        return sum(self._moods["angry", mood] for mood in MOODS if mood != "angry")

    @property
    def alarms_gained(self) -> int:
        """Texts that are angry and were not."""
        return sum(self._moods[mood, "angry"] for mood in MOODS if mood != "angry")

    def as_dict(self) -> dict[str, Any]:
        """The shape that GET /v1/shadow shows."""
        agreement = share_of(self.texts - self.changed, self.texts)
        return {
            "texts": self.texts,
            "unscored": self.unscored,
            "agreement": {
                "share": round(agreement.share, 6),
                "low": round(agreement.low, 6),
                "high": round(agreement.high, 6),
            }
            if self.texts
            else None,
            "moods": {before: {after: self._moods[before, after] for after in MOODS} for before in MOODS},
            "topics": {name: {"gained": self._gained[name], "lost": self._lost[name]} for name in sorted(self.shared)},
            "topics_of_one": self._only,
            "mean_score_change": round(self._score_changes / self.texts, 6) if self.texts else None,
        }
