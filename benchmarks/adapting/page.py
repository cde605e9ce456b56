"""The results of adapting as the Markdown page that the documentation shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

RESULTS: Final = Path(__file__).parents[1] / "results" / "adapting.json"

_ELSEWHERE: Final = "mood macro-F1"

Results = Mapping[str, Any]


def show(results: Results) -> str:
    """The whole page."""
    companies = results["companies"]
    unseen = [each for each in companies if each["unseen"]]
    known = [each for each in companies if not each["unseen"]]
    parts = ["# Adapting to one company", _how(results)]
    if unseen:
        parts += ["## Sources that the weights have never seen", _UNSEEN, _gains(unseen)]
    if known:
        parts += ["## Sources that the weights know, rows that they do not", _KNOWN, _gains(known)]
    return "\n\n".join([*parts, "## What it costs elsewhere", _COSTS, _elsewhere(results)])


_UNSEEN: Final = (
    "No row of these is in `training/recipe.toml`. They are not customers' feedback: of the sources that were left out "
    "of the recipe none in Persian has five hundred rows to learn from, and none of customers names moods."
)
_KNOWN: Final = (
    "The weights learned from the train rows of these sources; the rows taught here are of their validation splits, "
    "those measured on of their test splits, and from neither was learned before. What is gained comes on top."
)
_COSTS: Final = (
    "Mood macro-F1 on the annotated test texts, before and after, with the 95 % interval of the change in points. The "
    "first-class languages one by one, all others together."
)


def _how(results: Results) -> str:
    machine, weights = results["machine"], results["weights"]
    busy = f"; the machine was busy before the run, load {machine['load_before']}" if machine["busy_before"] else ""
    seconds = [each["seconds"] for each in results["companies"] if each["seconds"] is not None]
    took = (
        f" Training, quantising and measuring took {min(seconds) // 60} to {max(seconds) // 60} minutes."
        if seconds
        else ""
    )
    return (
        f"{weights['name']} {weights['version']}, adapted by `rida train --data` with {results['rows']} rows of one "
        f"source, of which some decide when to stop. {machine['processor']}, {machine['cores']} cores{busy}.{took} "
        "How to run it: [benchmarks/adapting](../benchmarks/adapting/README.md). Figures in per cent, gains in points, "
        "intervals of 95 %."
    )


def _gains(companies: Sequence[Results]) -> str:
    lines = ["| source | labels | measure | texts | before | after | gain | |", "|---|---|---|--:|--:|--:|--:|---|"]
    for company in companies:
        for number, (name, found) in enumerate(company["there"]["measures"].items()):
            who = (company["name"], company["labels"]) if number == 0 else ("", "")
            lines.append(
                f"| {who[0]} | {who[1]} | {name} | {found['texts']:,} | {_percent(found['before'])} | "
                f"{_percent(found['after'])} | {_gain(found)} | {found['verdict']} |"
            )
    return "\n".join(lines)


def _elsewhere(results: Results) -> str:
    langs = list(results["annotated_texts"])
    lines = [_row(["adapted to", *langs]), _row(["---", *["--:"] * len(langs)])]
    for company in results["companies"]:
        found = [company["elsewhere"][lang]["measures"].get(_ELSEWHERE) for lang in langs]
        lines.append(_row([company["name"], *(_change(each) for each in found)]))
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _change(found: Results | None) -> str:
    return "" if found is None else f"{_percent(found['before'])} → {_percent(found['after'])}, {_gain(found)}"


def _gain(found: Results) -> str:
    low, high = found["interval"]
    gain = f"{100 * found['gain']:+.1f}"
    return gain if low is None else f"{gain} ({100 * low:+.1f} to {100 * high:+.1f})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
