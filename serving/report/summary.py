"""From counts to what a report says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final, Literal

import numpy as np

from model.labels import MOODS
from serving.report.changes import Dimension, Slice, find_changes, shaped
from serving.report.columns import Columns
from serving.report.content import Breakdown, Moods, Part, Period, Report, Sureness, Time, TopicPart
from serving.report.counts import EVERY_MOOD, Days, Totals, Values
from serving.report.dates import FIRST, LAST
from serving.report.examples import choose_examples
from serving.report.headline import headline
from serving.report.intervals import share_of
from serving.report.periods import choose_unit, following, name_of, name_of_run, starts
from serving.report.rows import Ints
from serving.report.sample import Example, Sample
from serving.report.slots import ALL, NO_TOPIC, TOPIC_SLOTS
from serving.report.wording import many, need, percent, value_text

SHOWN_VALUES: Final = 12
"""Values of a column that are shown apart; all are compared."""
_ANGRY: Final = MOODS.index("angry")
_OUTLYING: Final = 0.001  # of the texts at either end of time, the share that may be mistakes
_ENOUGH: Final = 100


def summarise(
    sources: tuple[str, ...],
    columns: Columns,
    totals: Totals,
    days: Days | None,
    values: dict[str, Values],
    sample: Sample | None,
    *,
    slots: Mapping[str, int],
    guessed_order: bool,
) -> Report:
    """All of a report; `values` has the language column, where there is one, and the groups.

    `slots` tells where each topic is counted, those of all weights first, then own ones.
    `guessed_order` says that nothing told whether the days or the months of the dates come first.
    """
    cells = shaped(totals.cells)
    scored = int(cells[:, ALL].sum())
    moods = _moods(cells[:, ALL])
    topics = _topics(cells, slots)
    time, time_dimension = _time(columns, days) if days is not None and scored else (None, None)
    breakdowns, dimensions = _breakdowns(columns, totals, values) if scored else ((), [])
    findings = find_changes([*([time_dimension] if time_dimension else []), *dimensions], slots)
    return Report(
        sources=sources,
        rows=totals.rows,
        scored=scored,
        errors=dict(sorted(totals.errors.items(), key=lambda error: (-error[1], error[0]))),
        headline=headline(totals.rows, scored, moods, topics, findings, time.unit if time else None),
        moods=moods,
        topics=topics,
        time=time,
        breakdowns=breakdowns,
        findings=findings,
        examples=_examples(sample, cells, topics, slots) if sample is not None else None,
        sureness=_sureness(totals, cells, scored) if scored else None,
        notes=_notes(columns, time, breakdowns, values, own=len(slots) - len(TOPIC_SLOTS), guessed_order=guessed_order),
    )


def _moods(counts: Ints) -> Moods:
    total = int(counts.sum())
    return {mood: share_of(int(count), total) for mood, count in zip(MOODS, counts, strict=True)}


def _topics(cells: Ints, slots: Mapping[str, int]) -> tuple[TopicPart, ...]:
    """The topics that occur, the most frequent first, and the texts without any at the end."""
    of = cells[:, ALL]
    parts = [
        TopicPart(
            topic=topic,
            texts=share_of(int(cells[:, slot].sum()), int(of.sum())),
            moods=_moods(cells[:, slot]),
            of_angry=share_of(int(cells[_ANGRY, slot]), int(of[_ANGRY])),
            of_others=share_of(
                int(cells[:, slot].sum() - cells[_ANGRY, slot]),
                int(of.sum() - of[_ANGRY]),
            ),
        )
        for topic, slot in (*slots.items(), (None, NO_TOPIC))
    ]
    found = [part for part in parts if part.texts.count]
    return tuple(sorted(found, key=lambda part: (part.topic is None, -part.texts.count)))


def _time(columns: Columns, days: Days) -> tuple[Time | None, Dimension | None]:
    per_day = days.table[:, EVERY_MOOD].sum(axis=1)
    dated = int(per_day.sum())
    if not dated:
        return None, None
    first, last = _main_span(per_day)
    inside = int(per_day[first : last + 1].sum())
    begin, end = FIRST + timedelta(days=first), FIRST + timedelta(days=last)
    unit = choose_unit(begin, end, inside)
    periods, slices = [], []
    for start in starts(begin, end, unit):
        stop = _position(following(start, unit))
        counts = shaped(days.table[max(_position(start), first) : min(stop, last + 1)].sum(axis=0))
        moods = _moods(counts[:, ALL])
        periods.append(Period(start, following(start, unit), name_of(start, unit), moods, moods["angry"].of))
        slices.append(Slice(name_of(start, unit), counts))

    def run_name(one: int, other: int) -> str:
        return name_of_run(periods[one].start, periods[other].start, unit)

    time = Time(str(columns.date), unit, begin, end, tuple(periods), dated, days.missing, days.bad, dated - inside)
    whole = shaped(days.table[first : last + 1].sum(axis=0))
    return time, Dimension("time", str(columns.date), f"in the other {unit}s", slices, whole, run_name)


def _position(day: date) -> int:
    return (day - FIRST).days


def _main_span(per_day: Ints) -> tuple[int, int]:
    """The first and the last day, without a few far-off ones that would make all others look like one moment."""
    filled = np.flatnonzero(per_day)
    first, last = int(filled[0]), int(filled[-1])
    before = np.cumsum(per_day)
    edge = max(1, int(before[-1] * _OUTLYING)) if before[-1] >= _ENOUGH else 0
    inner_first, inner_last = np.searchsorted(before, [edge + 1, before[-1] - edge])
    # The last few on either side belong to the others unless they lie as far off as those are long.
    span = inner_last - inner_first + 1
    near = filled[(filled > inner_first - span) & (filled < inner_last + span)]
    if 2 * (near[-1] - near[0] + 1) < last - first + 1:
        return int(near[0]), int(near[-1])
    return first, last


def _breakdowns(
    columns: Columns, totals: Totals, values: dict[str, Values]
) -> tuple[tuple[Breakdown, ...], list[Dimension]]:
    breakdowns: list[Breakdown] = []
    dimensions: list[Dimension] = []
    for column, counted in values.items():
        kind: Literal["language", "group"] = "language" if column == columns.language else "group"
        slices = [Slice(value, shaped(counted.table[number])) for value, number in counted.numbers.items()]
        if counted.missing.any():
            slices.append(Slice(None, shaped(counted.missing)))
        if len(slices) == 1 and not counted.beyond.any():
            continue  # said among the notes
        slices.sort(key=lambda part: (-int(part.counts[:, ALL].sum()), part.value or ""))
        shown, rest = slices[:SHOWN_VALUES], slices[SHOWN_VALUES:]
        if len(rest) == 1 and not counted.beyond.any():
            shown, rest = slices, []  # "one other" takes as much room as the value itself
        left = sum((part.counts for part in rest), start=shaped(counted.beyond))
        breakdowns.append(
            Breakdown(
                kind=kind,
                column=column,
                parts=tuple(_part(part.value, part.counts) for part in shown),
                others=_part(None, left) if left.any() else None,
                other_values=len(rest),
                more_than=bool(counted.beyond.any()),
            )
        )
        elsewhere = "elsewhere" if kind == "group" else "in the other languages"
        dimensions.append(Dimension(kind, column, elsewhere, slices, shaped(totals.cells)))
    return tuple(breakdowns), dimensions


def _part(value: str | None, counts: Ints) -> Part:
    moods = _moods(counts[:, ALL])
    return Part(value, moods, moods["angry"].of)


def _examples(
    sample: Sample, cells: Ints, topics: Sequence[TopicPart], slots: Mapping[str, int]
) -> dict[str, tuple[Example, ...]]:
    taken: set[str] = set()
    chosen = {
        part.topic: choose_examples(sample, slots[part.topic], cells[:, slots[part.topic]].tolist(), taken)
        for part in topics
        if part.topic is not None
    }
    return {topic: tuple(examples) for topic, examples in chosen.items() if examples}


def _sureness(totals: Totals, cells: Ints, scored: int) -> Sureness:
    return Sureness(
        mean=totals.confidence_sum / scored,
        bins=tuple(share_of(int(count), scored) for count in totals.confidence),
        expected={mood: float(total) / scored for mood, total in zip(MOODS, totals.score_sums, strict=True)},
        needs_review=share_of(int(totals.needs_review.sum()), scored),
        needs_review_by_mood={
            mood: share_of(int(count), int(of))
            for mood, count, of in zip(MOODS, totals.needs_review, cells[:, ALL], strict=True)
        },
        truncated=share_of(totals.truncated, scored),
    )


def _notes(
    columns: Columns,
    time: Time | None,
    breakdowns: Sequence[Breakdown],
    values: dict[str, Values],
    *,
    own: int,
    guessed_order: bool,
) -> tuple[str, ...]:
    """What is not in the report, and why, and what was found out."""
    said = []
    if own:
        said.append(
            f"{many(own, 'topic')} {need(own, 'is', 'are')} none of the {len(TOPIC_SLOTS)} that all weights have; the "
            "name stands as in the input."
        )
    if columns.date is None:
        said.append("Changes over time are left out: no column of dates was found or named (--date-column).")
    elif time is None:
        said.append(f"Changes over time are left out: no scored row has a date in column {value_text(columns.date)}.")
    else:
        said += _time_notes(time)
        if guessed_order:
            said.append(
                f"Dates like 3/4/2025 in column {value_text(time.column)} are read with the day first. That is a "
                "guess: none of them tells."
            )
    if columns.language is None:
        said.append(
            "Languages are left out: no column is named language or lang, and none was named (--language-column)."
        )
    said += [
        f"Column {value_text(column)} is left out: all its cells are alike."
        for column in values
        if column not in {breakdown.column for breakdown in breakdowns}
    ]
    for breakdown in breakdowns:
        if breakdown.more_than:
            said.append(
                f"Column {value_text(breakdown.column)} has more different values than are counted apart; "
                "what came after those is among the others."
            )
    return tuple(said)


def _time_notes(time: Time) -> list[str]:
    total = time.dated + time.missing + time.bad
    column = value_text(time.column)
    said = []
    if time.bad:
        said.append(
            f"{many(time.bad, 'cell')} of column {column} ({percent(time.bad / total)}) "
            f"{need(time.bad, 'holds', 'hold')} no date from {FIRST.year} to {LAST.year}; "
            "what is told of changes over time leaves them out."
        )
    if time.missing:
        said.append(
            f"{many(time.missing, 'cell')} of column {column} ({percent(time.missing / total)}) "
            f"{need(time.missing, 'is', 'are')} empty."
        )
    if time.outside:
        said.append(
            f"{many(time.outside, 'text')} dated far before or after all others "
            f"{need(time.outside, 'is', 'are')} left out of the periods."
        )
    if len(time.periods) == 1:
        said.append(f"All dates lie in one {time.unit}, so there is no change to show.")
    return said
