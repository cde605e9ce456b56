"""Predictions and weights in words, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from model.prediction import Prediction, Rejection, TopicScore
from serving.output import one_line

if TYPE_CHECKING:
    from serving.score import ScoreSummary

_SHOWN_COLUMNS: Final = 76
_LONGEST_WORD: Final = 200


def describe_answer(text: str, answer: Prediction | Rejection, *, all_topics: bool = False) -> str:
    """The text, shortened, and under it how the customer feels and what about."""
    lines = [one_line(text, _SHOWN_COLUMNS) or "(empty)"]
    if isinstance(answer, Rejection):
        return "\n".join([*lines, f"  not scored: {answer.message} ({answer.code})"])
    others = sorted(((score, mood) for mood, score in answer.scores.items() if mood != answer.mood), reverse=True)
    rest = ", ".join(f"{mood} {percent(score)}" for score, mood in others)
    lines.append(f"  mood:   {answer.mood} {percent(answer.scores[answer.mood])}  ({rest})")
    lines.append(f"  topics: {_topics(answer.all_topics if all_topics else answer.topics)}")
    if answer.needs_review:
        lines.append("  needs review: too unsure to act on unseen")
    if answer.truncated:
        lines.append(f"  truncated: only the first {answer.tokens} tokens were read")
    return "\n".join(lines)


def describe_model(info: Mapping[str, object]) -> str:
    """What `rida model` shows; `info` is the shape of GET /v1/model."""
    return "\n".join(_describe_fields(info, ""))


def describe_run(summary: ScoreSummary) -> str:
    """What a scoring run did: rows, time, moods, and the first of the rows that have errors."""
    rate = (summary.rows - summary.resumed) / max(summary.seconds, 1e-9)
    before = f", {summary.resumed:,} of them before this run," if summary.resumed else ""
    moods = ", ".join(f"{mood} {count:,}" for mood, count in summary.moods.items())
    lines = [f"{summary.rows:,} rows{before} in {summary.seconds:.1f} s ({rate:,.0f} a second): {moods}"]
    if summary.errors:
        lines.append(f"rows with errors: {summary.errors:,}")
        lines += [f"  {one_line(each.id, 40)}: {each.message}" for each in summary.rejections]
    return "\n".join(lines)


def percent(probability: float) -> str:
    """A probability in whole percent."""
    return f"{100 * probability:.0f} %"


def _topics(topics: Iterable[TopicScore]) -> str:
    return ", ".join(f"{_word(topic.name)} {percent(topic.score)}" for topic in topics) or "none found"


def _word(value: object) -> str:
    """A name as it is, isolated where it runs from right to left."""
    return one_line(str(value), _LONGEST_WORD)


def _describe_fields(fields: Mapping[str, object], indent: str) -> list[str]:
    lines = []
    for name, value in fields.items():
        label = f"{indent}{_word(name)}"
        if isinstance(value, Mapping):
            lines += [label, *_describe_fields(value, f"{indent}  ")]
        elif isinstance(value, (list, tuple)):
            lines += _describe_list(label, value, indent)
        else:
            lines.append(f"{label}: {value}")
    return lines


def _describe_list(label: str, values: Iterable[object], indent: str) -> list[str]:
    listed = list(values)
    if any(isinstance(value, Mapping) for value in listed):
        return [label, *(f"{indent}  {_inline(value)}" for value in listed)]
    return [f"{label}: {', '.join(map(_word, listed))}"]


def _inline(value: object) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    return ", ".join(f"{name} {inner}" for name, inner in value.items())
