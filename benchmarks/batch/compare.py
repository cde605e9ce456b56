"""The whole comparison, in one run.

    pip install -e ".[train]"
    python -m benchmarks.batch.compare --data-root DATA

`rida score` as a whole command on files of real rows, beside pipelines of transformers and the bare onnxruntime
session. Who is slow gets samples with the same mixture of lengths, as large as it scores in `--seconds`, others in each
repeat. Every repeat runs all, one after the other. Writes `benchmarks/results/batch.json` and shows the table.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from benchmarks.batch import rows
from benchmarks.batch.command import contestant, score
from benchmarks.batch.contestants import CEILING, CONTESTANTS, DISTILBERT, SAME_BATCHES, SAME_ONE, XLM_R
from benchmarks.batch.goals import DISTINCT, FOURFOLD, NATURAL, Results
from benchmarks.batch.machine import versions
from benchmarks.batch.table import RESULTS, show, write_page
from benchmarks.command import run
from benchmarks.machine import machine, warning

# Rida's runs stand between the others'.
_ORDER: Final = (DISTINCT, CEILING, SAME_BATCHES, NATURAL, XLM_R, SAME_ONE, FOURFOLD, DISTILBERT)
_PILOT_ROWS: Final = 64
_TIMES: Final = 4
_CEILING_TIMES: Final = 3
"""The ceiling is fast and its ratio close, so it is measured so much longer than the others."""


def main() -> int:
    """Compare, keep and show."""
    arguments = _arguments()
    return run(compare, arguments, lambda results: _show(results, arguments.table))


def _show(results: Results, page: Path | None) -> None:
    if page:
        write_page(page, results)
    print(f"\n{show(results, None)}")


def compare(arguments: argparse.Namespace) -> Results:
    """All repeats.

    Raises:
        ValueError: the texts cannot be read or are too few.
        RuntimeError: a contestant failed.
    """
    found = machine()
    if warning(found):
        print(warning(found))
    counts = rows.read_counts(arguments)
    files = {
        DISTINCT: rows.distinct(counts, arguments.rows, arguments.seed),
        NATURAL: rows.as_in_sources(counts, arguments.rows, arguments.seed + 1),
        FOURFOLD: rows.repeated(counts, arguments.rows, _TIMES, arguments.seed + 2),
    }
    lengths = _lengths(files[DISTINCT])
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, texts in enumerate(files.values()):
            write_csv(folder / f"{number}.csv", texts)
        sizes = _sample_sizes(files[DISTINCT], lengths, arguments.seconds, folder)
        repeats = [_repeat(files, lengths, sizes, folder, number) for number in range(arguments.repeats)]
    return {
        "machine": found | {"run_minutes": round((time.monotonic() - began) / 60, 1)},
        "versions": versions(("onnxruntime", "tokenizers", "torch", "transformers")),
        "texts": {
            "rows": arguments.rows,
            "mean_tokens": sum(lengths) / len(lengths),
            "share_repeated": {name: rows.share_repeated(Counter(texts)) for name, texts in files.items()},
            "share_repeated_in_sources": rows.share_repeated(counts),
            "rows_in_sources": counts.total(),
        },
        "settings": {"seconds": arguments.seconds, "seed": arguments.seed, "samples": sizes},
        "repeats": repeats,
    }


def _repeat(
    files: dict[str, list[str]], lengths: list[int], sizes: dict[str, int], folder: Path, number: int
) -> dict[str, Any]:
    chance = random.Random(number)
    found: dict[str, Any] = {}
    for name in _ORDER:
        if name in files:
            source, output = folder / f"{list(files).index(name)}.csv", folder / f"scored-{number}.csv"
            taken = score(str(source), "--output", str(output))
            output.unlink()
            count = len(files[name])
        else:
            chosen = rows.same_mix(lengths, sizes[name], chance.random())
            taken = contestant(name, [files[DISTINCT][at] for at in chosen], folder)
            count = len(chosen)
        found[name] = {"rows": count, "seconds": taken["seconds"], "peak_mb": taken["peak_mb"]}
        print(f"repeat {number + 1}: {name:55} {count / taken['seconds']:8.1f} rows/s", flush=True)
    return found


def _sample_sizes(texts: list[str], lengths: list[int], seconds: float, folder: Path) -> dict[str, int]:
    """How many rows each contestant scores in the time that it is given, from a first try that is not counted."""
    pilot = [texts[at] for at in rows.same_mix(lengths, _PILOT_ROWS, 0.5)]
    sizes = {}
    for name in CONTESTANTS:
        rate = len(pilot) / contestant(name, pilot, folder)["seconds"]
        wanted = rate * seconds * (_CEILING_TIMES if name == CEILING else 1)
        sizes[name] = min(len(texts), max(_PILOT_ROWS, round(wanted)))
    return sizes


def _lengths(texts: list[str]) -> list[int]:
    from model.classifier import ReadText, load

    return [each.tokens if isinstance(each, ReadText) else 0 for each in load().read(texts)]


def write_csv(path: Path, texts: list[str]) -> None:
    """A file as `rida score` takes it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows(enumerate(texts))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    rows.add_flags(parser)
    parser.add_argument("--seconds", type=float, default=15, help="about what a slow one gets a repeat (default: 15)")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the results are kept")
    parser.add_argument("--table", type=Path, metavar="FILE", help="also write the page, as docs/batch-benchmark.md")
    arguments = parser.parse_args()
    if arguments.rows < 1 or arguments.repeats < 1 or arguments.seconds <= 0:
        parser.error("--rows, --repeats and --seconds must be more than 0")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
