"""A scatter plot as a plain SVG file: speed on a logarithmic axis, quality on a linear one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 760, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 150, 24, 56
_COLOURS: Final = ("#1f6f8b", "#b3541e", "#4b7f3f")
_STEPS: Final = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Axis:
    """From values to places along one side of the plot."""

    lowest: float
    highest: float
    begin: float
    end: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where a value stands, in pixels."""
        low, high, at = (math.log(each) if self.logarithmic else each for each in (self.lowest, self.highest, value))
        return self.begin + (at - low) / (high - low) * (self.end - self.begin)

    def ticks(self) -> list[float]:
        """Round values between the ends."""
        if self.logarithmic:
            powers = range(math.floor(math.log10(self.lowest)), math.ceil(math.log10(self.highest)) + 1)
            found = [step * 10.0**power for power in powers for step in _STEPS]
        else:
            rough = (self.highest - self.lowest) / 5
            power = 10.0 ** math.floor(math.log10(rough))
            step = next(each * power for each in (*_STEPS, 10) if each * power >= rough)
            found = [number * step for number in range(math.ceil(self.lowest / step), int(self.highest / step) + 1)]
        return [value for value in found if self.lowest <= value <= self.highest]


def speed_plot(speeds: Mapping[str, float], series: Mapping[str, Sequence[float]]) -> str:
    """An SVG document; each series has a value in per cent for each of `speeds`, which are ratios to some base.

    Raises:
        ValueError: there is nothing to plot.
    """
    values = [value for each in series.values() for value in each]
    if not speeds or not values:
        raise ValueError("a plot needs at least one speed and one series")
    across = Axis(min(speeds.values()) / 1.3, max(speeds.values()) * 1.3, _LEFT, _WIDTH - _RIGHT, logarithmic=True)
    up = Axis(math.floor(min(values)) - 2, math.ceil(max(values)) + 2, _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="12" role="img" aria-label="accuracy against speed">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        *_grid(across, up),
    ]
    for number, (name, each) in enumerate(series.items()):
        parts += _series(name, list(zip(speeds.values(), each, strict=True)), across, up, number)
    parts += _names(speeds, series, across, up)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _grid(across: Axis, up: Axis) -> list[str]:
    parts = []
    for value in across.ticks():
        at = across.place(value)
        parts.append(f'<line x1="{at:.1f}" y1="{up.begin}" x2="{at:.1f}" y2="{up.end}" stroke="#ddd"/>')
        parts.append(f'<text x="{at:.1f}" y="{up.begin + 18}" text-anchor="middle">{value:g}</text>')
    for value in up.ticks():
        at = up.place(value)
        parts.append(f'<line x1="{across.begin}" y1="{at:.1f}" x2="{across.end}" y2="{at:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{across.begin - 8}" y="{at + 4:.1f}" text-anchor="end">{value:g}</text>')
    middle = (across.begin + across.end) / 2
    parts.append(
        f'<text x="{middle}" y="{_HEIGHT - 12}" text-anchor="middle">texts a second, times those of full</text>'
    )
    parts.append(f'<text x="{across.begin - 8}" y="{_TOP - 10}" text-anchor="end">%</text>')
    return parts


def _series(name: str, points: list[tuple[float, float]], across: Axis, up: Axis, number: int) -> list[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    places = [(across.place(speed), up.place(value)) for speed, value in sorted(points)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts = [f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-opacity="0.4"/>']
    parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in places]
    at = _TOP + 10 + 20 * number
    parts.append(f'<circle cx="{_WIDTH - _RIGHT + 14}" cy="{at - 4}" r="4" fill="{colour}"/>')
    parts.append(f'<text x="{_WIDTH - _RIGHT + 24}" y="{at}">{escape(name)}</text>')
    return parts


def _names(speeds: Mapping[str, float], series: Mapping[str, Sequence[float]], across: Axis, up: Axis) -> list[str]:
    """Each name over the highest of its points."""
    parts = []
    for at, (name, speed) in enumerate(speeds.items()):
        x, y = across.place(speed), up.place(max(values[at] for values in series.values()))
        parts.append(f'<text x="{x:.1f}" y="{y - 9:.1f}" text-anchor="middle" fill="#444">{escape(name)}</text>')
    return parts
