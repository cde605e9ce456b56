"""Writes the results of `compare` and `workers` as the Markdown page that the documentation shows.

python -m benchmarks.batch.table --output docs/batch-benchmark.md
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from benchmarks.batch.contestants import CEILING
from benchmarks.batch.goals import DISTINCT, Goal, Results, Spread, goals, rates, ratio, workers_goal
from benchmarks.command import read

RESULTS: Final = Path(__file__).parents[1] / "results" / "batch.json"
WORKERS: Final = RESULTS.with_name("batch-workers.json")


def show(results: Results, workers: Results | None) -> str:
    """The whole page."""
    parts = ["# Scoring files beside others", _how(results), "## Goals", _goals(results, workers), "## Rows a second"]
    parts += [_rates(results), _mind(results)]
    if workers:
        parts += ["## Ray workers", _workers(workers)]
    return "\n\n".join(parts)


def write_page(path: Path, results: Results) -> None:
    """The page with what is known of workers."""
    path.write_text(show(results, read(WORKERS)) + "\n", encoding="utf-8")


def _how(results: Results) -> str:
    machine, texts, versions = results["machine"], results["texts"], results["versions"]
    count = len(results["repeats"])
    return (
        f"{_machine(machine)}. {count} repeat{'s' if count > 1 else ''} of all, one after the other; shown is the "
        f"median, with the lowest and the highest. Rida's files have {texts['rows']:,} rows, drawn from "
        f"{texts['rows_in_sources']:,} real ones; a text has {texts['mean_tokens']:.0f} tokens on average. Weights "
        f"{versions['weights']['name']} {versions['weights']['version']}; onnxruntime {versions['onnxruntime']}, "
        f"torch {versions['torch']}, transformers {versions['transformers']}. "
        "How to run it: [benchmarks/batch](../benchmarks/batch/README.md)."
    )


def _machine(machine: Results) -> str:
    busy = f"; the machine was busy before the run, load {machine['load_before']}" if machine["busy_before"] else ""
    return f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB{busy}"


def _goals(results: Results, workers: Results | None) -> str:
    found: list[Goal] = [*goals(results), *([workers_goal(workers)] if workers else [])]
    lines = [[goal.what, f"{goal.aim:g}", goal.ratio.shown(".2f"), "yes" if goal.holds else "no"] for goal in found]
    return _table(["Times as fast as", "Aim, at least", "Measured", "Reached"], lines)


def _rates(results: Results) -> str:
    lines = []
    for name, first in results["repeats"][0].items():
        peaks = Spread.of([repeat[name]["peak_mb"] for repeat in results["repeats"]])
        times = "" if name == DISTINCT else ratio(results, DISTINCT, name).shown(".2f")
        rate = Spread.of(rates(results, name)).shown(".1f")
        # The ceiling's process holds a second session, the classifier's own, which cuts its texts.
        peak = "" if name == CEILING else f"{peaks.highest:.0f}"
        lines.append([name, f"{first['rows']:,}", rate, times, peak])
    return _table(["", "Rows", "Rows a second", "Rida on distinct texts, times", "Peak memory, MB"], lines)


def _mind(results: Results) -> str:
    shares = results["texts"]["share_repeated"]
    return (
        "`rida score` is the whole command: start, reading CSV, scoring, writing. The others only score; loading is "
        "not counted, and they are given fewer rows, drawn anew in each repeat with the same mixture of lengths. All "
        "texts are cut into the pieces of Rida's vocabulary. The pipelines read 512 tokens of a text, Rida 2,048. Rows "
        "whose text stood there before: "
        + ", ".join(f"{name.removeprefix('rida score, ')} {100 * share:.1f} %" for name, share in shares.items())
        + f"; in all sources together {100 * results['texts']['share_repeated_in_sources']:.1f} %."
    )


def _workers(workers: Results) -> str:
    lines = []
    for count in ("1", "2"):
        whole = Spread.of([workers["rows"] / repeat[count]["seconds"] for repeat in workers["repeats"]])
        start = Spread.of([repeat[count]["start_seconds"] for repeat in workers["repeats"]])
        lines.append([count, whole.shown(".1f"), start.shown(".1f")])
    return (
        f"`rida score --engine ray` on {workers['rows']:,} rows of {workers['files']} Parquet files, each worker with "
        f"one core ({_machine(workers['machine'])}; Ray {workers['versions']['ray']}). The start is the time for "
        f"{workers['start_rows']} rows.\n\n"
        + _table(["Workers", "Rows a second, start included", "Start, seconds"], lines)
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [list(heads), ["---", *["--:"] * (len(heads) - 1)], *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> int:
    """Write the page, or show it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS, help="what `compare` wrote")
    parser.add_argument("--output", type=Path, help="file to write; without it the page goes to stdout")
    arguments = parser.parse_args()
    results = read(arguments.results)
    if results is None:
        print(f"{arguments.results} is not there; run python -m benchmarks.batch.compare first", file=sys.stderr)
        return 1
    if arguments.output:
        write_page(arguments.output, results)
    else:
        print(show(results, read(WORKERS)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
