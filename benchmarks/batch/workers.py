"""Two local Ray workers with one core each beside one.

    pip install -e ".[train,ray]"
    python -m benchmarks.batch.workers --data-root DATA

Whole commands, `rida score --engine ray --workers 1` and `2`, in turn, on the same Parquet files; and each on a few
rows, to know what the start takes. Writes `benchmarks/results/batch-workers.json`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.batch import rows
from benchmarks.batch.command import score
from benchmarks.batch.goals import Results, workers_goal
from benchmarks.batch.machine import versions
from benchmarks.batch.table import WORKERS
from benchmarks.command import run
from benchmarks.machine import machine, warning

_FILES: Final = 4
_START_ROWS: Final = 16


def main() -> int:
    """Measure, keep and show."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    rows.add_flags(parser)
    parser.add_argument("--output", type=Path, default=WORKERS, help="where the results are kept")
    return run(measure, parser.parse_args(), _show)


def _show(results: Results) -> None:
    goal = workers_goal(results)
    print(f"{goal.what}: {goal.ratio.shown('.2f')} times as fast, aim {goal.aim:g}: {'yes' if goal.holds else 'no'}")


def measure(arguments: argparse.Namespace) -> Results:
    """All repeats.

    Raises:
        ValueError: the texts cannot be read or are too few.
        RuntimeError: a run failed.
    """
    found = machine()
    if warning(found):
        print(warning(found))
    counts = rows.read_counts(arguments)
    texts = rows.distinct(counts, arguments.rows, arguments.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder / "few", [texts[:_START_ROWS]])
        _write(folder / "all", [texts[at::_FILES] for at in range(_FILES)])
        repeats = [_repeat(folder, len(texts), number) for number in range(arguments.repeats)]
    return {
        "machine": found,
        "versions": versions(("onnxruntime", "tokenizers", "ray")),
        "rows": len(texts),
        "files": _FILES,
        "start_rows": _START_ROWS,
        "repeats": repeats,
    }


def _repeat(folder: Path, count: int, number: int) -> dict[str, Any]:
    found = {}
    for workers in ("1", "2"):
        seconds = {each: _seconds(folder / each, folder / "out", workers) for each in ("few", "all")}
        found[workers] = {"seconds": seconds["all"], "start_seconds": seconds["few"]}
        rate = count / seconds["all"]
        print(f"repeat {number + 1}: {workers} workers {rate:8.1f} rows/s, start {seconds['few']:.1f} s", flush=True)
    return found


def _seconds(source: Path, output: Path, workers: str) -> float:
    shutil.rmtree(output, ignore_errors=True)
    words = [str(source), "--output", str(output), "--engine", "ray", "--workers", workers, "--threads", "1"]
    return float(score(*words)["seconds"])


def _write(folder: Path, files: list[list[str]]) -> None:
    folder.mkdir()
    for number, texts in enumerate(files):
        pq.write_table(pa.table({"text": texts}), folder / f"{number}.parquet")


if __name__ == "__main__":
    sys.exit(main())
