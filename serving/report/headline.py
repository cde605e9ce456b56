"""What a reader who stops after a few sentences should know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from model.labels import Mood
from serving.report.content import FEWEST_TEXTS, Findings, Kind, Moods, TopicPart
from serving.report.periods import Unit, during
from serving.report.wording import SPACE, listed, many, measure_text, need, percent, slice_name, topic_words

_NAMED_TOPICS: Final = 3
_FEWEST_NAMED: Final = 5  # angry texts with a topic from which it is named, and
_LEAST_NAMED: Final = 0.1  # their share of the angry texts: less is no main complaint


def headline(
    rows: int, scored: int, moods: Moods, topics: Sequence[TopicPart], findings: Findings, unit: Unit | None
) -> tuple[str, ...]:
    """What a reader who stops here should know; `unit` is that of the periods."""
    if not scored:
        failed = "The one row could not" if rows == 1 else f"None of the {many(rows, 'row')} could"
        return (f"{failed} be scored, so there is nothing to report but the {need(rows, 'error', 'errors')}.",)
    said = [_moods_sentence(scored, moods)]
    if scored < 30:
        said.append(f"So few texts say little about others: the intervals below are wide. ({many(scored, 'text')})")
    angry = _angry_sentence(moods, topics)
    if angry:
        said.append(angry)
    for sentence, kinds in (("It changed most", ("time",)), ("It differs most", ("language", "group"))):
        first = next((finding for finding in findings.found if finding.kind in kinds), None)
        if first is not None:
            place = during(slice_name(first), unit) if first.kind == "time" and unit else f"for {slice_name(first)}"
            said.append(f"{sentence} {place}: {measure_text(first, first.measures[0])}.")
    if not findings.found and findings.compared:
        said.append(nothing_found(findings, tuple(findings.compared)))
    return tuple(said)


def nothing_found(findings: Findings, kinds: Sequence[Kind]) -> str:
    """That none of some kinds of slices differs, or that they could not be compared."""
    nouns = {kind: "period" if kind == "time" else kind for kind in kinds if kind in findings.compared}
    able = [noun for kind, noun in nouns.items() if findings.compared[kind]]
    unable = [f"{noun}s" for kind, noun in nouns.items() if not findings.compared[kind]]
    said = []
    if able:
        said.append(f"No {listed(able, 'or')} differs from the others by more than chance and two points.")
    if unable:
        said.append(
            f"There are too few texts to compare {listed(unable, 'or')}: {FEWEST_TEXTS} are needed on either side."
        )
    return " ".join(said)


def _moods_sentence(scored: int, moods: Moods) -> str:
    shares = [f"{percent(share.share)} {mood}" for mood, share in moods.items()]
    shares[0] = shares[0].replace(f"{SPACE}%", f"{SPACE}% are", 1)
    return f"Of {many(scored, 'text')}, {listed(shares)}." if scored > 1 else f"The one text is {_only(moods)}."


def _only(moods: Moods) -> Mood:
    return next(mood for mood, share in moods.items() if share.count)


def _angry_sentence(moods: Moods, topics: Sequence[TopicPart]) -> str | None:
    angry = moods["angry"].count
    if angry < _FEWEST_NAMED:
        return None
    ranked = sorted((part for part in topics if part.topic), key=lambda part: -part.of_angry.count)
    main = [
        part
        for part in ranked[:_NAMED_TOPICS]
        if part.of_angry.count >= _FEWEST_NAMED and part.of_angry.share >= _LEAST_NAMED
    ]
    if not main:
        return f"In the {many(angry, 'angry text')} no one topic stands out."
    named = [
        f"{topic_words(part.topic)} ({percent(part.of_angry.share)}{'' if number else ' of angry texts'})"
        for number, part in enumerate(main)
    ]
    return f"Angry customers write most about {listed(named)}."
