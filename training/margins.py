"""How sure the small graph must be: the margins that pass the fewest texts on and keep what the full graph can do."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from data.rows import FeedbackRow
from model.calibration import HeadLogits, mood_probabilities, topic_probabilities
from model.config import Fast, Margins, SpeedFigures, WeightsConfig
from model.decision import mood_margins, topic_margins
from model.labels import FIRST_CLASS_LANGUAGES
from training.measures import measure

log = logging.getLogger(__name__)

LOST: Final = 0.007
"""Of mood macro-F1 and topic micro-F1, the most that a first-class language may lose."""

_STEPS: Final = tuple(np.round(np.concatenate([np.arange(0, 2, 0.2), np.arange(2, 5.1, 0.5)]), 1).tolist())
"""Log odds to choose from; at 5 a decision is as good as certain."""

ALL: Final = "all"


def choose_margins(full: HeadLogits, small: HeadLogits, rows: Sequence[FeedbackRow], config: WeightsConfig) -> Fast:
    """Tries margins on labelled rows, given what both graphs say of them.

    Of those that keep every first-class language within `LOST`, and the recall of angry texts at 5 % false alarms over
    all languages, the ones that pass on the fewest rows are chosen; the widest ones if none do.
    """
    thresholds = np.array([config.thresholds.topics[name] for name in config.topics])
    moods = mood_margins(mood_probabilities(small, config.calibration), config.thresholds.angry)
    topics = topic_margins(topic_probabilities(small, config.calibration), thresholds)
    alone = figures(full, rows, config)
    tried: dict[tuple[float, float], npt.NDArray[np.bool_]] = {
        (of_moods, of_topics): (moods < of_moods) | (topics < of_topics)
        for of_moods, of_topics in itertools.product(_STEPS, _STEPS)
    }
    for chosen in sorted(tried, key=lambda each: (int(tried[each].sum()), each)):
        found = figures(mixed(full, small, tried[chosen]), rows, config)
        if keeps(found, alone):
            break
    else:
        log.warning("no margins keep what the full graph can do; the widest are taken")
    passed_on = float(tried[chosen].mean())
    return Fast(margins=Margins(moods=chosen[0], topics=chosen[1]), passed_on=passed_on, full=alone, fast=found)


def mixed(full: HeadLogits, small: HeadLogits, passed_on: npt.NDArray[np.bool_]) -> HeadLogits:
    """What the two graphs say together: the full one where `passed_on`."""
    return HeadLogits(*(np.where(passed_on.reshape(-1, *(1,) * (one.ndim - 1)), one, other)
                        for one, other in zip(full, small, strict=True)))  # fmt: skip


def figures(heads: HeadLogits, rows: Sequence[FeedbackRow], config: WeightsConfig) -> SpeedFigures:
    """Measures of rows by first-class language, and of all rows together."""
    langs = np.array([row.lang for row in rows])
    by_lang: dict[str, dict[str, Any]] = {}
    for lang in (*FIRST_CLASS_LANGUAGES, ALL):
        at = np.flatnonzero((langs == lang) | (lang == ALL))
        if len(at):
            part = HeadLogits(*(each[at] for each in heads))
            by_lang[lang] = measure(part, [rows[each] for each in at.tolist()], config.calibration, config.thresholds)
    return SpeedFigures(
        mood_macro_f1=_each(by_lang, "mood", "macro_f1"),
        topic_micro_f1=_each(by_lang, "topics", "micro_f1"),
        angry_recall_at_5=_each(by_lang, "angry", "recall_at_5_percent_false_alarms"),
    )


def _each(by_lang: dict[str, dict[str, Any]], head: str, name: str) -> dict[str, float]:
    return {lang: round(found[head][name], 4) for lang, found in by_lang.items() if head in found}


def keeps(found: SpeedFigures, alone: SpeedFigures) -> bool:
    """Whether all languages lose little enough, and as many angry texts are found."""
    pairs = ((found.mood_macro_f1, alone.mood_macro_f1), (found.topic_micro_f1, alone.topic_micro_f1))
    lost = [before[lang] - after[lang] for after, before in pairs for lang in before]
    recall = found.angry_recall_at_5.get(ALL, 0.0) >= alone.angry_recall_at_5.get(ALL, 0.0)
    return max(lost, default=0.0) <= LOST and recall
