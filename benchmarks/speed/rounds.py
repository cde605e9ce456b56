"""Ratios of what was measured round by round: within a round, a busy neighbour hits all alike."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.batch.goals import Spread

Results = dict[str, Any]
Rounds = Sequence[Mapping[str, float]]
"""Of each round, each contestant's figure."""

RESULTS: Final = Path(__file__).parents[1] / "results"


def ratios(rounds: Rounds, name: str, other: str) -> Spread:
    """How many times one figure is the other, within each round that has both."""
    return Spread.of([found[name] / found[other] for found in rounds if name in found and other in found])


def spread(rounds: Rounds, name: str) -> Spread:
    """One figure over the rounds that have it."""
    return Spread.of([found[name] for found in rounds if name in found])


def names_in(rounds: Rounds) -> list[str]:
    """Everyone that some round has, in the order in which the first one names them."""
    return list(dict.fromkeys(name for found in rounds for name in found))


def rates(rounds: Rounds, count: float) -> list[dict[str, float]]:
    """From seconds to so many a second."""
    return [{name: count / seconds for name, seconds in found.items()} for found in rounds]


def keep(path: Path, results: Results) -> None:
    """Writes what is known so far; a run that is stopped leaves the sets that it finished."""
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_name(path.name + ".tmp")
    fresh.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    fresh.replace(path)


def said(rounds: Rounds, base: str, *, unit: str, scale: float = 1.0) -> str:
    """A small table for the terminal: figures with their spread, and the ratio to `base`."""
    lines = []
    for name in names_in(rounds):
        figure = Spread.of([scale * found[name] for found in rounds if name in found])
        ratio = "" if name == base else f"  {ratios(rounds, name, base).shown('.3f')} times {base}"
        lines.append(f"  {name:58} {figure.shown('.2f')} {unit}{ratio}")
    return "\n".join(lines)
