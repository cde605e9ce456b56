"""Writes the results of `compare` and `soak` as the Markdown page that the documentation shows.

python -m benchmarks.serving.table --output docs/serving-benchmark.md
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.command import read
from benchmarks.serving.goals import RIDA, Results, goals, loads, values

RESULTS: Final = Path(__file__).parents[1] / "results" / "serving.json"
SOAK: Final = RESULTS.with_name("serving-soak.json")

_PARTS: Final = ("p50_ms", "p95_ms", "p99_ms")
_HOLDS: Final = {True: "yes", False: "no", None: "not measured"}


def show(results: Results, soak: Results | None) -> str:
    """The whole page."""
    parts = [
        "# Rida's server beside others",
        _how(results),
        "## Goals",
        _goals(results, soak),
        "## As many clients as stated, each asking again when it has its answer",
        "Texts a second:",
        _closed(results, lambda each: [_spread(each, "texts_per_second", ".1f")], ["texts/s"]),
        "Latency in milliseconds, median / p95 / p99:",
        _closed(results, lambda each: [_latency(each)], ["ms"]),
        _statuses_of_closed(results),
        "## Arrivals at a rate of their own",
        _rates(results),
        _open(results),
        "## Rida at 1.5 times its capacity",
        _overload(results),
        "## Memory and overhead",
        "Memory is that of all processes of a server: resident (pages that several share count for each) at its "
        "highest, and with shared pages counted once after the loads. Overhead is latency at one client less the time "
        "of `classify` called directly for the same texts, median over texts.",
        _memory(results),
        *_soak(soak),
        "## Settings and versions",
        _settings(results),
    ]
    return "\n\n".join(parts)


def _how(results: Results) -> str:
    machine, texts, settings = results["machine"], results["texts"], results["settings"]
    repeats = len(results["repeats"])
    warning = ""
    if machine["busy_before"]:
        warning = f" The machine was busy before the run (load {machine['load_before']})."
    return (
        f"All servers score with the same weights, the same tokenizer and the same code around them, on the same "
        f"machine ({machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB), one after the other "
        f"in each of {repeats} repeats. Shown is the median of the repeats, with the lowest and the highest.{warning} "
        f"Every request has one text of `{texts['file']}` ({texts['count']} texts, shuffled alike for everybody) under "
        f"an id of its own. A load is measured for {settings['seconds']:g} seconds. The load generator is locust; it "
        f"shares the cores with the server that it measures, alike for all. Latency counts from the moment a request "
        f"was due; one that was never answered counts as long as it was waited for, one that was refused not at all. "
        f"How to run it: [benchmarks/serving](../benchmarks/serving/README.md)."
    )


def _goals(results: Results, soak: Results | None) -> str:
    rows = [[goal.what, goal.aim, goal.measured, _HOLDS[goal.holds]] for goal in goals(results, soak)]
    return _table(["", "Aim", "Measured", "Reached"], rows)


def _closed(results: Results, show_one: Callable[[list[dict[str, Any]]], list[str]], units: Sequence[str]) -> str:
    counts = list(_first(results, RIDA)["closed"])
    rows = []
    for name in _names(results):
        row = [name]
        for count in counts:
            row += show_one(loads(results, name, "closed", count))
        rows.append(row)
    heads = [f"{count} client{'' if count == '1' else 's'}, {unit}" for count in counts for unit in units]
    return _table(["", *heads], rows)


def _statuses_of_closed(results: Results) -> str:
    said = []
    for name in _names(results):
        found: Counter[str] = Counter()
        for each in values(results, name, lambda each: each["closed"]):
            for load in each.values():
                found.update(load["statuses"])
        said.append(f"{name} {_statuses(found)}")
    return f"Statuses: {'; '.join(said)}."


def _rates(results: Results) -> str:
    capacities = [repeat["capacity"] for repeat in results["repeats"]]
    return (
        "Poisson arrivals at 0.5, 0.9 and 1.5 times Rida's capacity, which is what it answers to 64 clients in the "
        f"same repeat ({_low_high(capacities, '.1f')} texts/s): the same rate for everybody, whatever its capacity. "
        "Answers are waited for until ten seconds after the load's end. Latency in milliseconds."
    )


def _open(results: Results) -> str:
    rows = []
    for load in _first(results, RIDA)["open"]:
        for name in _names(results):
            found = loads(results, name, "open", load)
            statuses: Counter[str] = Counter()
            for each in found:
                statuses.update(each["statuses"])
            cells = [_spread(found, part, ".0f") for part in _PARTS]
            rows.append([load, name, _spread(found, "texts_per_second", ".1f"), *cells, _statuses(statuses)])
    return _table(["Load", "", "texts/s", "median", "p95", "p99", "Statuses, all repeats"], rows)


def _overload(results: Results) -> str:
    deadline = results["settings"]["deadline_seconds"]
    found = values(results, RIDA, lambda each: each["overload"])
    goodput = values(results, RIDA, lambda each: 100 * each["open"]["1.5"]["goodput"] / each["capacity"])
    return _table(
        ["", "Median (lowest to highest)"],
        [
            [f"right answers within {deadline:g} s, percent of capacity", _low_high(goodput, ".0f")],
            ["requests refused", _spread(found, "refusals", ".0f")],
            ["time until a refusal is answered, p99, ms", _spread(found, "refusal_p99_ms", ".0f")],
            ["time until a refusal is answered, slowest, ms", _spread(found, "refusal_max_ms", ".0f")],
            ["the same from when the load generator sent it, slowest, ms",
             _spread(found, "refusal_from_sending_max_ms", ".0f")],
            ["a light request before the load, median, ms", _spread(found, "idle_median_ms", ".1f")],
            ["after the load, seconds until light requests take at most twice that",
             _spread(found, "back_to_normal_seconds", ".1f")],
        ],
    )  # fmt: skip


def _memory(results: Results) -> str:
    rows = []
    for name in _names(results):
        found = values(results, name, lambda each: each)
        overhead = [each["overhead"] for each in found]
        cells = [_spread(found, "peak_rss_mb", ".0f"), _spread(found, "proportional_mb", ".0f")]
        rows.append(
            [name, *cells, _spread(overhead, "overhead_ms", ".2f"), _spread(overhead, "direct_median_ms", ".1f")]
        )
    return _table(["", "resident, MB", "shared once, MB", "overhead, ms", "scoring alone, ms"], rows)


def _soak(soak: Results | None) -> list[str]:
    if soak is None:
        return []
    ids = soak["ids"]
    return [
        "## Rida under steady load",
        f"{soak['seconds'] / 60:.0f} minutes of Poisson arrivals at {soak['load']} times its capacity of "
        f"{soak['capacity']:.1f} texts/s. Resident memory: {soak['first_fifth_mb']:.0f} MB in the first fifth after "
        f"{soak['settling_seconds']:.0f} seconds of warming up, {soak['last_fifth_mb']:.0f} MB in the last: "
        f"{soak['growth_percent']:+.1f} %. Of {sum(ids.values())} requests, each with an id of its own, {ids['lost']} "
        f"got no answer, {ids['doubled']} more than one, {ids['wrong']} another's. Latency: median "
        f"{soak['p50_ms']:.0f}, p95 {soak['p95_ms']:.0f}, p99 {soak['p99_ms']:.0f} ms. "
        f"Statuses: {_statuses(soak['statuses'])}.",
    ]


def _settings(results: Results) -> str:
    versions = results["versions"]
    weights = versions["weights"]
    rows = [[name, _pairs(each) or "as it comes"] for name, each in results["settings"]["contestants"].items()]
    said = (
        f"Weights: {weights['name']} {weights['version']} (graph {weights['graph_sha256'][:12]}). Python "
        f"{versions['python']}. Rida runs with {_pairs(versions['rida'])}; the others and the load generator with "
        f"{_pairs(versions['peers'])}. No server writes an access log."
    )
    return f"{_table(['', 'Settings'], rows)}\n\n{said}"


def _names(results: Results) -> list[str]:
    return list(results["repeats"][0]["contestants"])


def _first(results: Results, name: str) -> dict[str, Any]:
    found: dict[str, Any] = results["repeats"][0]["contestants"][name]
    return found


def _latency(found: list[dict[str, Any]]) -> str:
    return " / ".join(_middle([each[part] for each in found], ".0f") for part in _PARTS)


def _spread(found: list[dict[str, Any]], key: str, form: str) -> str:
    return _low_high([each[key] for each in found], form)


def _low_high(found: Sequence[float | None], form: str) -> str:
    kept = [each for each in found if each is not None]
    if len(kept) < 2 or len(kept) < len(found):
        return _middle(found, form)
    return f"{_middle(found, form)} ({min(kept):{form}} to {max(kept):{form}})"


def _middle(found: Sequence[float | None], form: str) -> str:
    kept = [each for each in found if each is not None]
    missing = len(found) - len(kept)
    if not kept:
        return "none"
    return f"{statistics.median(kept):{form}}" + (f" ({missing} of {len(found)} none)" if missing else "")


def _statuses(found: dict[str, int]) -> str:
    return ", ".join(f"{status}: {count}" for status, count in sorted(found.items())) or "none"


def _pairs(found: dict[str, Any]) -> str:
    return ", ".join(f"{name} {_word(value)}" for name, value in found.items())


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "not installed" if value is None else str(value)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose columns also line up as plain text."""
    lines = [list(heads), *map(list, rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    shown = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    return "\n".join([shown[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *shown[1:]])


def main() -> int:
    """Write the page, or show it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS, help="what `compare` wrote")
    parser.add_argument("--soak", type=Path, default=SOAK, help="what `soak` wrote; left out where there is none")
    parser.add_argument("--output", type=Path, help="file to write; without it the page goes to stdout")
    arguments = parser.parse_args()
    results = read(arguments.results)
    if results is None:
        print(f"{arguments.results} is not there; run python -m benchmarks.serving.compare first", file=sys.stderr)
        return 1
    page = show(results, read(arguments.soak)) + "\n"
    if arguments.output:
        arguments.output.write_text(page, encoding="utf-8")
    else:
        print(page, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
