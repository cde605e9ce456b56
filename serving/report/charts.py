"""Charts as SVG, drawn by Vega-Lite while the report is made, so that the page needs no script.

Colours are names of the page's style (`var(--angry)`), so that one drawing serves light and dark. Charts are
pictures to a screen reader; the numbers stand in the table beside each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import chain, count
from typing import Any, Final

import vl_convert

from model.labels import MOODS
from serving.output import plain, shorten
from serving.report.content import Breakdown, Moods, Time, TopicPart
from serving.report.intervals import Share
from serving.report.periods import Unit
from serving.report.wording import exact, many, topic_label

_VERSION: Final = "5.21"
_WIDTH: Final = 560
_LABELS: Final = 150
_LABEL_CELLS: Final = 24
FEW: Final = 10
"""Texts of a period from which it is drawn; the interval of fewer would squeeze all others flat."""
_PERCENT: Final = {"labelExpr": "format(100 * datum.value, '~g') + '\u00a0%'"}
_STEP: Final = {"step": 30}
_INK: Final = "var(--ink)"
_SOFT: Final = "var(--soft)"
_LINE: Final = "var(--line)"
_CONFIG: Final[dict[str, Any]] = {
    "font": "system-ui, sans-serif",
    "background": None,
    "view": {"stroke": None},
    "axis": {
        "labelColor": _INK,
        "labelFontSize": 13,
        "labelLimit": 0,
        "titleColor": _SOFT,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": _LINE,
        "domainColor": _LINE,
        "tickColor": _LINE,
    },
    "axisX": {"labelFontSize": 12, "labelColor": _SOFT},
    "axisY": {"domain": False, "ticks": False, "labelPadding": 8},
    "header": {"labelColor": _INK, "labelFontSize": 13, "labelFontWeight": 600, "title": None},
    "text": {"color": _INK, "fontSize": 12},
}
_MOOD_SCALE: Final = {"domain": list(MOODS), "range": [f"var(--{mood})" for mood in MOODS]}
_DATE_FORMATS: Final[dict[Unit, str]] = {
    "day": "%-d %b",
    "week": "%-d %b",
    "month": "%b %Y",
    "quarter": "%b %Y",
    "year": "%Y",
}

Spec = dict[str, Any]


def draw(spec: Spec) -> str:
    """A Vega-Lite specification as an SVG element that is hidden from screen readers."""
    svg: str = vl_convert.vegalite_to_svg({"config": _CONFIG, **spec}, vl_version=_VERSION)
    # Vega gives each piece a role; the picture as a whole has one on the page.
    svg = re.sub(r' (?:role|aria-[a-z]+)="[^"<>]*"', "", svg)
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


def moods_chart(moods: Moods) -> Spec:
    """A bar for each mood, with its interval."""
    bars = [_bar(mood, share) | {"colour": mood} for mood, share in moods.items()]
    return _bars(bars, {"field": "colour", "type": "nominal", "scale": _MOOD_SCALE, "legend": None})


def angry_topics_chart(parts: Sequence[TopicPart]) -> Spec:
    """A bar for each topic's share of the angry texts, with its interval and a mark at its share of the others."""
    labels = _topic_labels(parts)
    bars = [
        _bar(label, part.of_angry) | {"others": part.of_others.share} for label, part in zip(labels, parts, strict=True)
    ]
    spec = _bars(bars, {"value": "var(--angry)"})
    mark = {"type": "tick", "color": _INK, "thickness": 2, "size": 22}
    spec["layer"].append({"mark": mark, "encoding": {"x": {"field": "others", "type": "quantitative"}}})
    return spec


def _bar(label: str, share: Share) -> Spec:
    return {"label": label, "share": share.share, "low": share.low, "high": share.high, "text": exact(share.share)}


def _bars(bars: list[Spec], color: Spec) -> Spec:
    x = {"type": "quantitative", "axis": {**_PERCENT, "tickCount": 5, "title": None}}
    bar = {"mark": {"type": "bar", "height": 16}, "encoding": {"x": {"field": "share", **x}, "color": color}}
    interval = {
        "mark": {"type": "rule", "color": _INK, "strokeWidth": 1.5, "opacity": 0.75},
        "encoding": {"x": {"field": "low", **x}, "x2": {"field": "high"}},
    }
    label = {
        "mark": {"type": "text", "align": "left", "dx": 8},
        "encoding": {"x": {"field": "high", **x}, "text": {"field": "text"}},
    }
    return {
        "data": {"values": bars},
        "width": _WIDTH,
        "height": _STEP,
        "encoding": {"y": _labels([str(bar["label"]) for bar in bars])},
        "layer": [bar, interval, label],
    }


def _labels(names: Sequence[str]) -> Spec:
    return {
        "field": "label",
        "type": "nominal",
        "sort": list(names),
        "axis": {"title": None, "minExtent": _LABELS},
    }


def topics_chart(parts: Sequence[TopicPart]) -> Spec:
    """Texts of each topic, stacked by mood."""
    rows = list(zip(_topic_labels(parts), (part.moods for part in parts), strict=True))
    return _stacked(rows, {"title": "texts", "tickCount": 5, "format": ",.0f", "tickMinStep": 1}, stack="zero")


def breakdown_chart(breakdown: Breakdown) -> Spec:
    """Shares of the moods for each value."""
    names = ["no value" if part.value is None else plain(part.value) for part in breakdown.parts]
    moods = [part.moods for part in breakdown.parts]
    if breakdown.others:
        names.append(many(breakdown.other_values, "other"))
        moods.append(breakdown.others.moods)
    return _stacked(
        list(zip(_distinct(names), moods, strict=True)), {**_PERCENT, "title": None, "tickCount": 5}, stack="normalize"
    )


def _topic_labels(parts: Sequence[TopicPart]) -> list[str]:
    return _distinct(topic_label(part.topic) for part in parts)


def _distinct(names: Iterable[str]) -> list[str]:
    """Short labels; two that look alike would become one bar."""
    labels: dict[str, None] = {}
    for name in names:
        short = shorten(name, _LABEL_CELLS)
        numbered = (f"{short} ({number})" for number in count(2))
        labels[next(label for label in chain([short], numbered) if label not in labels)] = None
    return list(labels)


def _stacked(rows: Sequence[tuple[str, Moods]], axis: Spec, *, stack: str) -> Spec:
    values = [
        {"label": label, "mood": mood, "order": number, "count": share.count}
        for label, moods in rows
        for number, (mood, share) in enumerate(moods.items())
    ]
    return {
        "data": {"values": values},
        "width": _WIDTH,
        "height": _STEP,
        "mark": {"type": "bar", "height": 18, "stroke": "var(--paper)", "strokeWidth": 1},
        "encoding": {
            "y": _labels([label for label, _ in rows]),
            "x": {"field": "count", "type": "quantitative", "stack": stack, "axis": axis},
            "color": {"field": "mood", "type": "nominal", "scale": _MOOD_SCALE, "legend": None},
            "order": {"field": "order", "type": "quantitative"},
        },
    }


def time_chart(time: Time) -> Spec:
    """A small chart for each mood: its share of each period's texts, with the interval as a band."""
    values = [
        {"start": period.start.isoformat(), "mood": mood, **_point(share)}
        for period in time.periods
        for mood, share in period.moods.items()
    ]
    y = {"type": "quantitative", "axis": {**_PERCENT, "tickCount": 4, "title": None}}
    x = _dates(time.unit, [period.start for period in time.periods])
    color = {"field": "mood", "type": "nominal", "scale": _MOOD_SCALE, "legend": None}
    return {
        "data": {"values": values},
        "facet": {"field": "mood", "type": "nominal", "sort": list(reversed(MOODS))},
        "columns": 2,
        "spacing": {"row": 24, "column": 36},
        "spec": {
            "width": 300,
            "height": 110,
            "encoding": {"x": x, "color": color},
            "layer": [
                {
                    "mark": {"type": "area", "opacity": 0.22},
                    "encoding": {"y": {"field": "low", **y}, "y2": {"field": "high"}},
                },
                {
                    "mark": {"type": "line", "strokeWidth": 2, "point": {"size": 22}},
                    "encoding": {"y": {"field": "share", **y}},
                },
            ],
        },
    }


def _point(share: Share) -> Spec:
    if share.of < FEW:
        return {"share": None, "low": None, "high": None}  # a gap in the line
    return {"share": share.share, "low": share.low, "high": share.high}


def _dates(unit: Unit, starts: Sequence[date]) -> Spec:
    every = -(-len(starts) // 5)
    return {
        "field": "start",
        "type": "temporal",
        "scale": {"type": "utc"},  # days have no time zone; the machine's own must not shift them
        "axis": {
            "format": _DATE_FORMATS[unit],
            "values": [start.isoformat() for start in starts[::every]],
            "title": None,
            "grid": False,
            "labelFlush": False,
        },
    }


def volume_chart(time: Time) -> Spec:
    """Texts of each period."""
    values = [
        {"start": period.start.isoformat(), "end": period.end.isoformat(), "texts": period.texts}
        for period in time.periods
    ]
    return {
        "data": {"values": values},
        "width": 636,
        "height": 60,
        "mark": {"type": "bar", "color": "var(--neutral)", "stroke": "var(--paper)", "strokeWidth": 1},
        "encoding": {
            "x": _dates(time.unit, [period.start for period in time.periods]),
            "x2": {"field": "end"},
            "y": {"field": "texts", "type": "quantitative", "axis": {"title": "texts", "tickCount": 2}},
            "y2": {"datum": 0},
        },
    }


def sureness_chart(bins: Sequence[Share]) -> Spec:
    """Texts by the probability of the mood they were given."""
    first = next((number for number, share in enumerate(bins) if share.count), 0)
    values = [
        {"from": number / len(bins), "to": (number + 1) / len(bins), "share": share.share}
        for number, share in enumerate(bins)
        if number >= first
    ]
    ticks = [value["from"] for value in values] + [1.0]
    return {
        "data": {"values": values},
        "width": 636,
        "height": 110,
        "mark": {"type": "bar", "color": "var(--satisfied)", "stroke": "var(--paper)", "strokeWidth": 2},
        "encoding": {
            "x": {
                "field": "from",
                "type": "quantitative",
                "scale": {"domain": [ticks[0], 1], "nice": False},
                "axis": {**_PERCENT, "values": ticks, "title": "probability of the mood given", "grid": False},
            },
            "x2": {"field": "to"},
            "y": {"field": "share", "type": "quantitative", "axis": {**_PERCENT, "tickCount": 3, "title": "texts"}},
            "y2": {"datum": 0},
        },
    }
