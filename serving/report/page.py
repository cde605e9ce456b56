"""A report as one HTML page that needs nothing else: no script, no link to anything outside."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from markupsafe import Markup

from serving.document.page import render
from serving.report import charts, wording
from serving.report.content import MOST_TOPICS, Finding, Kind, Report, Time, TopicPart
from serving.report.headline import nothing_found
from serving.report.periods import name_of

_FOLDER: Final = Path(__file__).parent
MOST_FINDINGS: Final = 4
"""Differences shown of each kind; a manager has two minutes."""
MOST_MEASURES: Final = 3


def as_page(report: Report) -> str:
    """The page. Everything but its own style and the charts is escaped where it is put in."""
    return render(
        _FOLDER,
        w=wording,
        report=report,
        angry_topics=_angry_topics(report),
        most_frequent=_most_frequent,
        examples=dict(islice((report.examples or {}).items(), MOST_TOPICS)),
        several_periods=report.time is not None and len(report.time.periods) > 1,
        dates=_dates(report.time),
        draw=lambda name, *values: Markup(charts.draw(getattr(charts, f"{name}_chart")(*values))),
        differences=_differences(report),
        most_measures=MOST_MEASURES,
        few=charts.FEW,
    )


def _differences(report: Report) -> list[tuple[str, list[Finding], int, str]]:
    """Title, what is shown, how many more there are, and what is said where there is none."""
    kinds: tuple[tuple[str, tuple[Kind, ...]], ...] = (
        ("Over time", ("time",)),
        ("Between languages and groups", ("language", "group")),
    )
    parts = []
    for title, wanted in kinds:
        if not report.findings.compared.keys() & wanted:
            continue
        found = [finding for finding in report.findings.found if finding.kind in wanted]
        nothing = nothing_found(report.findings, wanted)
        parts.append((title, found[:MOST_FINDINGS], max(0, len(found) - MOST_FINDINGS), nothing))
    return parts


def _angry_topics(report: Report) -> list[TopicPart]:
    parts = [part for part in report.topics if part.of_angry.count]
    return sorted(parts, key=lambda part: (part.topic is None, -part.of_angry.count))


def _most_frequent(parts: Sequence[TopicPart]) -> list[TopicPart]:
    """What of the topics a picture shows: the first, and the texts without any."""
    named = [part for part in parts if part.topic is not None]
    return [*named[:MOST_TOPICS], *(part for part in parts if part.topic is None)]


def _dates(time: Time | None) -> str | None:
    if time is None:
        return None
    first, last = name_of(time.first, "day"), name_of(time.last, "day")
    return first if first == last else f"{first} to {last}"
