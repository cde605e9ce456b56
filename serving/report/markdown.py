"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from serving.document.markdown import as_document, table
from serving.document.marks import CLOSE, OPEN
from serving.report.content import MOST_TOPICS, Breakdown, Findings, Moods, Report
from serving.report.headline import nothing_found
from serving.report.intervals import Share
from serving.report.wording import (
    errors_sentence,
    exact,
    finding_title,
    many,
    measure_evidence,
    measure_text,
    methods,
    sureness_sentences,
    topic_title,
    topic_words,
    value_text,
    verdict,
)

MOST_FINDINGS: Final = 8


def as_markdown(report: Report) -> str:
    """Markdown with GitHub's tables."""
    return as_document(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield from ("# What customers say", "")
    yield f"From {', '.join(value_text(source) for source in report.sources)}."
    yield ""
    yield from (f"- {sentence}" for sentence in report.headline)
    if report.sureness is None:
        yield f"- {errors_sentence(report.rows, report.errors)}"
        return
    yield from ("", "## Moods", "")
    yield from table(("mood", "texts", "share", "95 % interval"), (_row(mood, s) for mood, s in report.moods.items()))
    yield from _topics(report)
    yield from _findings(report.findings)
    yield from _time(report)
    for breakdown in report.breakdowns:
        yield from _breakdown(breakdown)
    yield from _examples(report)
    yield from ("", "## How sure the model is", "")
    yield from (f"- {sentence}" for sentence in sureness_sentences(report.sureness))
    yield f"- {errors_sentence(report.rows, report.errors)}"
    yield from ("", "## How this was found", "")
    yield from (f"- {sentence}" for sentence in (*report.notes, *methods(report)))


def _row(name: str, share: Share) -> tuple[str, ...]:
    return name, f"{share.count:,}", exact(share.share), f"{exact(share.low)} to {exact(share.high)}"


def _mood_cells(moods: Moods, texts: int) -> tuple[str, ...]:
    return f"{texts:,}", *(exact(share.share) if texts else "–" for share in moods.values())


def _topics(report: Report) -> Iterator[str]:
    if report.moods["angry"].count:
        yield from ("", "## What angry customers write about", "")
        ranked = sorted(report.topics, key=lambda part: (part.topic is None, -part.of_angry.count))
        yield from table(
            ("topic", "angry texts", "of the angry", "95 % interval", "of the others"),
            (
                (*_row(topic_words(part.topic), part.of_angry), exact(part.of_others.share))
                for part in ranked
                if part.of_angry.count
            ),
        )
    yield from ("", "## Topics by mood", "")
    yield from table(
        ("topic", "texts", *report.moods),
        ((topic_words(part.topic), *_mood_cells(part.moods, part.texts.count)) for part in report.topics),
    )


def _findings(findings: Findings) -> Iterator[str]:
    if not findings.compared:
        return
    yield from ("", "## Drops and spikes that matter", "")
    for finding in findings.found[:MOST_FINDINGS]:
        yield f"- **{verdict(finding)}:** {finding_title(finding)}"
        for measure in finding.measures:
            yield f"  - {measure_text(finding, measure)} ({measure_evidence(measure)})"
    if not findings.found:
        yield nothing_found(findings, tuple(findings.compared))
    if len(findings.found) > MOST_FINDINGS:
        yield f"- {len(findings.found) - MOST_FINDINGS:,} smaller ones are in the JSON report."


def _time(report: Report) -> Iterator[str]:
    if report.time is None or len(report.time.periods) == 1:
        return
    yield from ("", f"## Moods by {report.time.unit}", "")
    yield from table(
        (report.time.unit, "texts", *report.moods),
        ((period.name, *_mood_cells(period.moods, period.texts)) for period in report.time.periods),
    )


def _breakdown(breakdown: Breakdown) -> Iterator[str]:
    yield from ("", f"## Moods by {value_text(breakdown.column)}", "")
    rows = [
        ("no value" if part.value is None else value_text(part.value), *_mood_cells(part.moods, part.texts))
        for part in breakdown.parts
    ]
    if breakdown.others:
        name = f"{'over ' if breakdown.more_than else ''}{many(breakdown.other_values, 'other value')}"
        rows.append((name, *_mood_cells(breakdown.others.moods, breakdown.others.texts)))
    yield from table((value_text(breakdown.column), "texts", *breakdown.parts[0].moods), rows)


def _examples(report: Report) -> Iterator[str]:
    if report.examples is None:
        return
    yield from ("", "## In customers' words")
    for topic, examples in islice(report.examples.items(), MOST_TOPICS):
        yield from ("", f"### {topic_title(topic)}", "")
        for example in examples:
            yield f"- {example.mood}: {OPEN}{example.text}{CLOSE}"
    if len(report.examples) > MOST_TOPICS:
        yield from ("", f"Those of {many(len(report.examples) - MOST_TOPICS, 'other topic')} are in the JSON report.")
