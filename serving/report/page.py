"""A report as one HTML page that needs nothing else: no script, no link to anything outside."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from rida import __version__
from serving.report import charts, wording
from serving.report.content import MOST_TOPICS, Finding, Kind, Report, Time, TopicPart
from serving.report.headline import nothing_found
from serving.report.periods import name_of

_FOLDER: Final = Path(__file__).parent
_MARKED: Final = re.compile(f"{wording.OPEN}(.*?){wording.CLOSE}", re.DOTALL)
_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
MOST_FINDINGS: Final = 4
"""Differences shown of each kind; a manager has two minutes."""
MOST_MEASURES: Final = 3


def as_page(report: Report) -> str:
    """The page. Everything but its own style and the charts is escaped where it is put in."""
    style = (_FOLDER / "page.css").read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"isolated": _isolated, "language_tag": _language_tag}
    environment.globals["w"] = wording
    return environment.get_template("page.html").render(
        report=report,
        version=__version__,
        style=Markup(style),
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii"),
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


def _isolated(sentence: str) -> Markup:
    """A sentence with each value of the data in an element that keeps its direction of writing to itself."""
    return Markup(_MARKED.sub(r"<bdi>\1</bdi>", str(escape(sentence))))


def _language_tag(language: str | None) -> str | None:
    """A value of the language column if it can be a `lang` attribute."""
    return language if language and _LANGUAGE_TAG.fullmatch(language) else None


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
