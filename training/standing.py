"""How adapted weights stand beside those they came from, on the same rows that neither has learned."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from data.rows import FeedbackRow
from model.calibration import Floats, mood_probabilities, topic_probabilities
from model.classifier import Classifier
from model.decision import decided_moods
from model.labels import MOODS
from training.measures import decided_satisfaction
from training.paired import Classes, Interval, Verdict, macro_f1, micro_f1, paired_difference
from training.targets import UNKNOWN, anger_targets, mood_targets, moods_are_told, satisfaction_targets, topic_targets

_ANGRY, _NEUTRAL = MOODS.index("angry"), MOODS.index("neutral")


class Reading(NamedTuple):
    """What weights decide of texts: moods (texts,), satisfaction (texts,), topics (texts, topics)."""

    moods: Classes
    satisfaction: Classes
    topics: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of both on the same rows, from 0 to 1, and the interval of what was gained."""

    name: str
    before: float
    after: float
    gain: Interval

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, which knows no infinity."""
        ends = [None if math.isinf(end) else end for end in (self.gain.low, self.gain.high)]
        return {
            "before": self.before, "after": self.after, "gain": self.gain.difference, "interval": ends,
            "texts": self.gain.rows, "verdict": self.gain.verdict,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """All measures that the rows allow, the telling one first, and F1 of topics that are new, with their texts."""

    texts: int
    measures: tuple[Measure, ...]
    new_topics: dict[str, tuple[float, int]]

    @property
    def verdict(self) -> Verdict:
        """That of the telling measure."""
        return self.measures[0].gain.verdict if self.measures else "not enough data to tell"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "texts": self.texts,
            "verdict": self.verdict,
            "measures": {measure.name: measure.as_dict() for measure in self.measures},
            "new_topics": {name: {"f1": score, "texts": texts} for name, (score, texts) in self.new_topics.items()},
        }


def stand(before: Classifier, after: Classifier, rows: Sequence[FeedbackRow]) -> Standing:
    """Measures both on the rows that both can score; topics are compared where both know them."""
    texts = [row.text for row in rows]
    two_way = _NEUTRAL not in satisfaction_targets(rows)
    (one, kept), (other, kept_too) = (_read(each, texts, two_way=two_way) for each in (before, after))
    both = sorted(set(kept) & set(kept_too))
    rows = [rows[at] for at in both]
    one, other = _at(one, np.searchsorted(kept, both)), _at(other, np.searchsorted(kept_too, both))
    names, known = after.info.config.topics, before.info.config.topics
    topics = topic_targets(rows, names)
    shared, new = [names.index(name) for name in known], [at for at, name in enumerate(names) if name not in known]
    return Standing(
        texts=len(rows),
        measures=tuple(_measures(rows, one, other, topics[:, shared], other.topics[:, shared])),
        new_topics={
            names[at]: (micro_f1(topics[:, [at]], other.topics[:, [at]]), int((topics[:, at] == 1).sum())) for at in new
        },
    )


def _measures(
    rows: Sequence[FeedbackRow], one: Reading, other: Reading, topics: Classes, decided: npt.NDArray[np.bool_]
) -> list[Measure]:
    moods, satisfaction, angry = mood_targets(rows), satisfaction_targets(rows), anger_targets(rows)
    of_mood, of_satisfaction = moods != UNKNOWN, satisfaction != UNKNOWN
    found = []
    if of_mood.any() and moods_are_told(rows):
        gold, pair = moods[of_mood], (one.moods[of_mood], other.moods[of_mood])
        found += [
            _measure("mood macro-F1", _macro_over(gold), gold, *pair),
            _measure("mood accuracy", _accuracy, gold, *pair),
        ]
    if (of_satisfaction & ~of_mood).any():  # stars, or labels that say no more than unhappy
        gold = satisfaction[of_satisfaction]
        pair = (one.satisfaction[of_satisfaction], other.satisfaction[of_satisfaction])
        found.append(_measure("satisfaction macro-F1", _macro_over(gold), gold, *pair))
    if {0, 1} <= set(angry.tolist()):
        gold = angry[angry != UNKNOWN]
        pair = tuple((each.moods[angry != UNKNOWN] == _ANGRY).astype(np.int64) for each in (one, other))
        found.append(_measure("angry F1", _angry_f1, gold, *pair))
    if (angry == 1).any():
        gold = angry[angry == 1]
        pair = (one.moods[angry == 1] == _ANGRY, other.moods[angry == 1] == _ANGRY)
        found.append(_measure("angry recall", _accuracy, gold.astype(bool), *pair))
    if (topics == 1).any():
        labelled = (topics != UNKNOWN).any(axis=1)
        found.append(_measure("topics micro-F1", micro_f1, topics[labelled], one.topics[labelled], decided[labelled]))
    return found


def _measure(name: str, score: Callable[..., float], gold: Any, before: Any, after: Any) -> Measure:
    gain = paired_difference(lambda gold, one, other: score(gold, other) - score(gold, one), gold, before, after)
    return Measure(name, score(gold, before), score(gold, after), gain)


def _macro_over(gold: Classes) -> Callable[[Classes, Classes], float]:
    """Macro-F1 over the classes of all rows, whichever of them are drawn."""
    present = np.unique(gold)
    return lambda gold, decided: macro_f1(gold, decided, present)


def _angry_f1(gold: Classes, decided: Classes) -> float:
    return macro_f1(gold, decided, np.array([1]))


def _accuracy(gold: Any, decided: Any) -> float:
    return float((gold == decided).mean())


def _read(classifier: Classifier, texts: Sequence[str], *, two_way: bool) -> tuple[Reading, list[int]]:
    heads, kept = classifier.logits(texts)
    config = classifier.info.config
    moods: Floats = mood_probabilities(heads, config.calibration)
    topics = topic_probabilities(heads, config.calibration) >= np.array(list(config.thresholds.topics.values()))
    return Reading(
        decided_moods(moods, config.thresholds.angry), decided_satisfaction(moods, two_way=two_way), topics
    ), kept


def _at(reading: Reading, positions: npt.NDArray[np.intp]) -> Reading:
    return Reading(reading.moods[positions], reading.satisfaction[positions], reading.topics[positions])
