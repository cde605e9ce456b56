"""How good each own topic is, and what would make it better, in figures and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score

from model.calibration import Floats
from training.report import percent
from training.targets import Classes
from training.topic_head import TopicHead

Verdict = Literal["good", "fair", "weak"]

_GOOD, _FAIR = 0.8, 0.6
"""F1 from which on a topic is called so."""

_MANY = 50
"""Examples after which other examples help more than further ones."""

_DRAWN = 2000
_MIXED_UP = 0.2


@dataclass(frozen=True, slots=True)
class TopicQuality:
    """Of one topic, on texts held out: shares from 0 to 1, F1 with a 95 % interval.

    `taken_for` is the own topic that texts of this one are wrongly given most often, if that is more than now and then.
    """

    name: str
    examples: int
    threshold: float
    precision: float
    recall: float
    f1: float
    f1_low: float
    f1_high: float
    average_precision: float
    verdict: Verdict
    needs_examples: bool
    taken_for: str | None

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        return asdict(self)

    def advice(self) -> str | None:
        """What would help, in a sentence; None where nothing needs to."""
        parts = []
        if self.needs_examples:
            parts.append("give more examples, with other words and in other languages")
        elif self.verdict == "weak":
            parts.append("look whether its examples are all about the same, and labelled alike")
        if self.taken_for is not None:
            parts.append(f"texts of it are often given {self.taken_for!r}: say which is which, or join the two")
        return f"{self.name}: {'; '.join(parts)}." if parts else None


def topic_qualities(
    heads: Sequence[TopicHead], held_out: Floats, said: npt.NDArray[np.bool_], gold: Classes
) -> tuple[TopicQuality, ...]:
    """Measures the topics of `heads`; all else is (texts, topics): probabilities, what is said, and 0 or 1."""
    names = [head.name for head in heads]
    return tuple(_quality(names, at, held_out, said, gold, heads[at].threshold) for at in range(len(names)))


def _quality(
    names: Sequence[str], at: int, held_out: Floats, said: np.ndarray, gold: Classes, threshold: float
) -> TopicQuality:
    right, chosen = gold[:, at] == 1, said[:, at]
    hits, alarms, missed = int((right & chosen).sum()), int((~right & chosen).sum()), int((right & ~chosen).sum())
    f1 = _f1(np.array([hits]), np.array([alarms]), np.array([missed]))[0]
    low, high = _interval(hits, alarms, missed, len(gold))
    examples = int(right.sum())
    # Saying it of every text is right that often, too.
    always = 2 * examples / (len(gold) + examples)
    return TopicQuality(
        name=names[at],
        examples=examples,
        threshold=threshold,
        precision=hits / max(hits + alarms, 1),
        recall=hits / max(hits + missed, 1),
        f1=float(f1),
        f1_low=low,
        f1_high=high,
        average_precision=float(average_precision_score(gold[:, at], held_out[:, at])),
        verdict="weak" if low <= always or f1 < _FAIR else "good" if f1 >= _GOOD else "fair",
        needs_examples=examples < _MANY and low < max(_FAIR, always),
        taken_for=_taken_for(at, said, gold, names),
    )


def _interval(hits: int, alarms: int, missed: int, texts: int) -> tuple[float, float]:
    """2.5 and 97.5 per cent of F1 after what became of so few texts, beginning with Jeffreys' prior.

    Drawing the texts anew would find no doubt where none of a handful went wrong (Goutte and Gaussier 2005, "A
    Probabilistic Interpretation of Precision, Recall and F-score").
    """
    counts = np.array([hits, alarms, missed, texts - hits - alarms - missed])
    drawn = np.random.default_rng(0).dirichlet(counts + 0.5, size=_DRAWN)
    low, high = np.quantile(_f1(drawn[:, 0], drawn[:, 1], drawn[:, 2]), (0.025, 0.975))
    return float(low), float(high)


def _f1(hits: np.ndarray, alarms: np.ndarray, missed: np.ndarray) -> np.ndarray:
    return np.asarray(2 * hits / np.maximum(2 * hits + alarms + missed, 1e-12))


def _taken_for(at: int, said: np.ndarray, gold: Classes, names: Sequence[str]) -> str | None:
    """The topic wrongly said of most of this one's texts, where this one is not said."""
    missed = (gold[:, at] == 1) & ~said[:, at]
    wrongly = (said[missed] & (gold[missed] == 0)).sum(axis=0)
    most = int(wrongly.argmax()) if len(wrongly) else at
    return names[most] if wrongly[most] > max(1, _MIXED_UP * gold[:, at].sum()) else None


def quality_table(qualities: Sequence[TopicQuality]) -> list[str]:
    """A Markdown table, padded so that it reads well as plain text; figures in per cent."""
    head = ("topic", "examples", "F1", "95 % interval", "precision", "recall", "verdict")
    rows = [
        (
            each.name.replace("|", r"\|"),
            str(each.examples),
            percent(each.f1),
            f"{percent(each.f1_low)} to {percent(each.f1_high)}",
            percent(each.precision),
            percent(each.recall),
            each.verdict,
        )
        for each in qualities
    ]
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return [line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *(line(row) for row in rows)]
