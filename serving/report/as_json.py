"""A report as JSON, for programs. docs/report.md describes it."""

from __future__ import annotations

import json
from typing import Any, Final

from serving.document.marks import unmarked
from serving.report.content import Breakdown, Finding, Moods, Part, Report, Time
from serving.report.intervals import Share
from serving.report.sample import Example
from serving.report.wording import finding_title, measure_evidence, measure_text, verdict

FORMAT: Final = 1
"""Rises when a key goes or changes its meaning."""


def as_json(report: Report) -> str:
    """Indented JSON; values of columns are as in the input, texts on one line and without control characters."""
    return json.dumps(_report(report), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _report(report: Report) -> dict[str, Any]:
    sure = report.sureness
    return {
        "format": FORMAT,
        "sources": list(report.sources),
        "rows": report.rows,
        "scored": report.scored,
        "errors": report.errors,
        "headline": [unmarked(sentence) for sentence in report.headline],
        "moods": _moods(report.moods),
        "topics": [
            {
                "topic": part.topic,
                "texts": _share(part.texts),
                "moods": _moods(part.moods),
                "of_angry": _share(part.of_angry),
                "of_others": _share(part.of_others),
            }
            for part in report.topics
        ],
        "time": _time(report.time) if report.time else None,
        "breakdowns": [_breakdown(breakdown) for breakdown in report.breakdowns],
        "comparisons": report.findings.looks,
        "findings": [_finding(finding) for finding in report.findings.found],
        "examples": {topic: [_example(example) for example in chosen] for topic, chosen in report.examples.items()}
        if report.examples is not None
        else None,
        "sureness": {
            "mean_probability": _number(sure.mean),
            "by_probability": [_share(share) for share in sure.bins],
            "expected_moods": {mood: _number(share) for mood, share in sure.expected.items()},
            "needs_review": _share(sure.needs_review),
            "needs_review_by_mood": _moods(sure.needs_review_by_mood),
            "truncated": _share(sure.truncated),
        }
        if sure
        else None,
        "notes": [unmarked(note) for note in report.notes],
    }


def _number(value: float) -> float:
    return round(value, 6)


def _share(share: Share) -> dict[str, Any]:
    return {
        "count": share.count,
        "of": share.of,
        "share": _number(share.share),
        "low": _number(share.low),
        "high": _number(share.high),
    }


def _moods(moods: Moods) -> dict[str, Any]:
    return {mood: _share(share) for mood, share in moods.items()}


def _part(part: Part) -> dict[str, Any]:
    return {"value": part.value, "texts": part.texts, "moods": _moods(part.moods)}


def _breakdown(breakdown: Breakdown) -> dict[str, Any]:
    others = breakdown.others
    return {
        "by": breakdown.kind,
        "column": breakdown.column,
        "parts": [_part(part) for part in breakdown.parts],
        "others": {"values": breakdown.other_values, "texts": others.texts, "moods": _moods(others.moods)}
        if others
        else None,
    }


def _time(time: Time) -> dict[str, Any]:
    return {
        "column": time.column,
        "unit": time.unit,
        "periods": [
            {"start": period.start.isoformat(), "texts": period.texts, "moods": _moods(period.moods)}
            for period in time.periods
        ],
        "dated": time.dated,
        "missing": time.missing,
        "bad": time.bad,
        "outside": time.outside,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "by": finding.kind,
        "column": finding.column,
        "value": finding.value,
        "title": unmarked(finding_title(finding)),
        "verdict": verdict(finding).lower(),
        "measures": [
            {
                "mood": measure.mood,
                "unhappy_about": measure.topic,
                "here": _share(measure.here),
                "elsewhere": _share(measure.elsewhere),
                "difference": dict(zip(("middle", "low", "high"), map(_number, measure.difference), strict=True)),
                "adjusted_p": measure.p_value,
                "largest_of": measure.largest_of,
                "test": measure.test,
                "words": unmarked(f"{measure_text(finding, measure)}: {measure_evidence(measure)}."),
            }
            for measure in finding.measures
        ],
    }


def _example(example: Example) -> dict[str, Any]:
    return {
        "text": example.text,
        "mood": example.mood,
        "probability": _number(example.probability),
        "language": example.language,
    }
