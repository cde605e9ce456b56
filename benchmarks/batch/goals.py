"""What scoring files is meant to reach, beside what was measured; from results as `compare` and `workers` keep them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.batch.contestants import CEILING, SAME_BATCHES, SAME_ONE, XLM_R

DISTINCT: Final = "rida score, distinct texts"
NATURAL: Final = "rida score, repeats as in the sources"
FOURFOLD: Final = "rida score, each text four times"

Results = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of some repeats, and their ends."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value."""
        return cls(statistics.median(values), min(values), max(values))

    def shown(self, form: str) -> str:
        """The median, with the ends behind it."""
        return f"{self.median:{form}} ({self.lowest:{form}} to {self.highest:{form}})"


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio that should be at least `aim`; of the medians' repeat by repeat."""

    what: str
    aim: float
    ratio: Spread

    @property
    def holds(self) -> bool:
        """Whether the median reaches the aim."""
        return self.ratio.median >= self.aim


def rates(results: Results, name: str) -> list[float]:
    """Rows a second of a contestant in each repeat."""
    return [repeat[name]["rows"] / repeat[name]["seconds"] for repeat in results["repeats"]]


def ratio(results: Results, name: str, other: str) -> Spread:
    """How many times as fast one is as another, within each repeat: a busy neighbour then hits both."""
    return Spread.of([a / b for a, b in zip(rates(results, name), rates(results, other), strict=True)])


def goals(results: Results) -> list[Goal]:
    """All aims of `compare`."""
    pipeline = max((SAME_BATCHES, SAME_ONE), key=lambda name: statistics.median(rates(results, name)))
    return [
        Goal(f"the faster torch pipeline of the same network ({pipeline})", 2.5, ratio(results, DISTINCT, pipeline)),
        Goal("a pipeline of XLM-R base's shape", 8.0, ratio(results, DISTINCT, XLM_R)),
        Goal("the bare onnxruntime session on tokens cut beforehand", 0.9, ratio(results, DISTINCT, CEILING)),
        Goal("itself on distinct texts, where each stands four times", 1.0, ratio(results, FOURFOLD, DISTINCT)),
    ]


def workers_goal(results: Results) -> Goal:
    """The aim of `workers`: whole commands, start included."""
    ratios = [repeat["1"]["seconds"] / repeat["2"]["seconds"] for repeat in results["repeats"]]
    return Goal("two Ray workers of one core beside one", 1.7, Spread.of(ratios))
