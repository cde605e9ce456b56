"""A comparison in words. A value from the data stands between the marks that isolate its direction of writing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

from model.labels import TOPICS
from serving.report.wording import (
    SPACE,
    exact,
    listed,
    many,
    need,
    percent,
    plain_value,
    points,
    span,
    topic_words,
    value_text,
)
from serving.teaching.comparison.content import ChangedText, Comparison, LanguagePart, Weights
from training.paired import MIN_ROWS, RESAMPLES, Interval
from training.side_by_side import FALSE_DISCOVERY_RATE, Measured

__all__ = ["exact", "many", "percent", "plain_value", "span", "value_text"]

_MEASURES: Final = {
    ("mood", "macro_f1"): "mood, macro-F1",
    ("mood", "accuracy"): "mood, accuracy",
    ("mood", "calibration_error"): "mood, calibration error",
    ("satisfaction", "macro_f1"): "satisfaction, macro-F1",
    ("angry", "average_precision"): "angry, average precision",
    ("angry", "recall_at_5_percent_false_alarms"): f"angry, recall at 5{SPACE}% false alarms",
    ("angry", "recall_at_threshold"): "angry, recall at the threshold",
    ("angry", "false_alarms_at_threshold"): "angry, false alarms at the threshold",
    ("topics", "micro_f1"): "topics, micro-F1",
}
"""In the order in which they are shown."""

_NAMED: Final = 20
"""Topics that neither knows; more are counted: of a column that is none of topics there are as many as texts."""

NO_TELLING: Final = "not enough data to tell"


def topic_name(topic: str) -> str:
    """A topic in words; one of the user's own as a value of the data."""
    return topic_words(topic) if topic in TOPICS else value_text(topic)


def measure_name(measured: Measured) -> str:
    """What was measured."""
    if measured.topic is not None:
        return f"topic {topic_name(measured.topic)}, F1"
    return _MEASURES[measured.head, measured.measure]


def in_order(measured: Sequence[Measured]) -> list[Measured]:
    """Measures of everything before those of a single topic."""
    order = list(_MEASURES)
    return sorted(measured, key=lambda each: len(order) if each.topic else order.index((each.head, each.measure)))


def share_text(share: float | None) -> str:
    """A measure in a table; of weights that do not know a topic nothing."""
    return "–" if share is None else exact(share)


def difference_text(measured: Measured) -> str:
    """The difference in points."""
    return "–" if measured.difference is None else points(measured.difference.difference)


def interval_text(measured: Measured) -> str:
    """The ends of the difference's interval, in points; nothing where there are too few texts for one."""
    found = measured.difference
    if found is None or math.isinf(found.low):
        return ""
    return f"{points(found.low)} to {points(found.high)}"


def verdict_text(measured: Measured) -> str:
    """The verdict on B."""
    if measured.verdict is not None:
        return measured.verdict
    return "only A knows it" if measured.second is None else "only B knows it"


def language_name(part: LanguagePart) -> str:
    """A language as the table names it."""
    return "not known" if part.name is None else value_text(part.name)


def part_measure(part: LanguagePart, head: str) -> Measured | None:
    """What was measured of one head in a language, if it was."""
    heads = ("mood", "satisfaction") if head == "mood" else (head,)
    return next((each for name in heads for each in part.measured if each.head == name), None)


def headline(comparison: Comparison) -> tuple[str, ...]:
    """What to know first."""
    return tuple(sentence for sentence in _headline(comparison) if sentence)


def _headline(comparison: Comparison) -> Sequence[str]:
    if comparison.alike == "weights":
        same = "A and B are the same weights, file by file, so nothing can differ."
        return (same,) if not comparison.moods_changed.count else (same, _changed_sentence(comparison))
    return (
        _verdicts_sentence(comparison),
        _changed_sentence(comparison),
        "A and B have the same network; only thresholds, calibration or the card differ."
        if comparison.alike == "network"
        else "",
        *_topics_sentences(comparison),
    )


def _verdicts_sentence(comparison: Comparison) -> str:
    if comparison.labelled is None:
        return "The texts have no labels, so this tells what changes, and not which of the two is right."
    judged = [each for each in in_order(comparison.labelled.measured) if each.verdict is not None]
    counted = Counter(each.verdict for each in judged)
    if counted[NO_TELLING] == len(judged):
        return f"In none of {many(len(judged), 'measure')} is there enough data to tell whether B is better or worse."
    parts = []
    for verdict, way in (("better", "better in"), ("worse", "worse in")):
        names = [measure_name(each) for each in judged if each.verdict == verdict]
        told = f" ({'; '.join(names)})" if names else ""
        parts.append(f"{way} {len(names) or 'none'}{told}")
    same = f", the same in {counted['the same']}" if counted["the same"] else ""
    open_ = counted[NO_TELLING]
    rest = f"; for {open_} there is not enough data to tell" if open_ else ""
    return f"Of {many(len(judged), 'measure')} B is {parts[0]} and {parts[1]}{same}{rest}."


def _changed_sentence(comparison: Comparison) -> str:
    changed, found = comparison.moods_changed, comparison.changes
    if not changed.count:
        return f"Every one of {many(changed.of, 'text')} keeps its mood."
    return (
        f"{changed.count:,} of {many(changed.of, 'text')} ({percent(changed.share)}) "
        f"{need(changed.count, 'gets', 'get')} another mood: {many(found.alarms_lost, 'alarm')} "
        f"{need(found.alarms_lost, 'is', 'are')} lost and {found.alarms_gained:,} new."
    )


def _topics_sentences(comparison: Comparison) -> Sequence[str]:
    first, second = comparison.topics_of_one
    return [
        f"Only {name} knows the {'topic' if len(topics) == 1 else 'topics'} {listed([value_text(t) for t in topics])}."
        for name, topics in (("A", first), ("B", second))
        if topics
    ]


def settled_sentence(comparison: Comparison) -> str:
    """What the labels say of the moods that change; empty where they say nothing."""
    if comparison.changes.settled is None or not sum(comparison.changes.settled):
        return ""
    right, wrong, neither = comparison.changes.settled
    return (
        f"Of the {many(right + wrong + neither, 'changed text')} with a label, {right:,} {need(right, 'is', 'are')} "
        f"right now and {need(right, 'was', 'were')} wrong, {wrong:,} {need(wrong, 'is', 'are')} wrong now and "
        f"{need(wrong, 'was', 'were')} right, {neither:,} {need(neither, 'is', 'are')} wrong with both."
    )


def review_sentence(comparison: Comparison) -> str:
    """How much is left for people to look at."""
    first, second = comparison.changes.needs_review
    texts = comparison.changes.texts
    return f"With A {percent(first / texts)} of the texts need review, with B {percent(second / texts)}."


def speed_sentence(comparison: Comparison) -> str:
    """How fast both are, in this very run."""
    first, second = comparison.first, comparison.second
    return (
        f"In this run, in turns on the same cores, A scored {first.texts_per_second:,.0f} and B "
        f"{second.texts_per_second:,.0f} texts a second; on disk they take {first.megabytes:,.1f} and "
        f"{second.megabytes:,.1f} MB."
    )


def text_about(text: ChangedText) -> str:
    """A changed text's moods, language and place."""
    label = f", labelled {text.label}" if text.label else ""
    language = f", {value_text(text.language)}" if text.language else ""
    return (
        f"{text.before} ({percent(text.before_probability)}) → {text.after} ({percent(text.after_probability)})"
        f"{label}{language}"
    )


def methods(comparison: Comparison) -> Sequence[str]:
    """How the numbers came about and what they do not say."""
    return [sentence for sentence in (*comparison.notes, *_methods(comparison)) if sentence]


def _methods(comparison: Comparison) -> Sequence[str]:
    failed, labelled = comparison.unscored, comparison.labelled
    unread = failed.first + failed.second + failed.both
    none = comparison.topics_of_none
    more = len(none) - _NAMED
    return (
        f"{many(unread, 'text')} {need(unread, 'is', 'are')} left out: {failed.both:,} that neither can score, "
        f"{failed.first:,} that A cannot, {failed.second:,} that B cannot."
        if unread
        else "",
        f"{many(comparison.repeated, 'text')} {need(comparison.repeated, 'stands', 'stand')} there more than once and "
        f"{need(comparison.repeated, 'counts', 'count')} each time, which makes differences look surer than they are."
        if comparison.repeated
        else "",
        f"Labels name {'a topic' if len(none) == 1 else 'topics'} that neither knows: "
        f"{listed([*map(value_text, none[:_NAMED]), *([f'{more:,} more'] if more > 0 else [])])}."
        if none
        else "",
        _interval_words(labelled.looks) if labelled and labelled.looks else "",
        f"{many(labelled.unhappy_only, 'label')} {need(labelled.unhappy_only, 'says', 'say')} unhappy and not whether "
        "dissatisfied or angry; satisfaction takes the two together."
        if labelled and labelled.unhappy_only
        else "",
        speed_sentence(comparison),
    )


def _interval_words(looks: int) -> str:
    return (
        f"A difference is B minus A on the same texts, in points, with its 95{SPACE}% interval: the texts are drawn "
        f"again {RESAMPLES:,} times, both weights together (paired bootstrap). {many(looks, 'difference')} "
        f"{need(looks, 'was', 'were')} looked at, and the verdicts are corrected for all of them (Benjamini–Hochberg, "
        f"false discovery rate {percent(FALSE_DISCOVERY_RATE)}). Of measures that rest on fewer than {MIN_ROWS} texts "
        "of a kind there is no interval."
    )


def interval_of(found: Interval) -> tuple[float | None, float | None]:
    """The ends of an interval; None where there is none."""
    return (None, None) if math.isinf(found.low) else (found.low, found.high)


def weights_name(weights: Weights) -> str:
    """Name, version and folder of weights."""
    return f"{value_text(weights.name)} {value_text(weights.version)}"
