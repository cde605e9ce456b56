"""The whole comparison, in one run.

    pip install -e . -r benchmarks/serving/requirements.txt
    python -m benchmarks.serving.compare --texts data/samples/feedback.csv

Each repeat runs all contestants one after the other, so that a busy neighbour hits them alike, and every contestant
gets the same texts at the same moments. Rida runs first in each repeat: what it answers to 64 clients is the capacity
that the loads of all contestants are times of. Prints the table of docs/serving-benchmark.md and writes everything to
`benchmarks/results/serving.json`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.command import read, run
from benchmarks.machine import machine, warning
from benchmarks.serving import chosen, figures
from benchmarks.serving.contestants import CONTESTANTS, RIDA, Settings
from benchmarks.serving.flags import add_rida_python, add_texts
from benchmarks.serving.machine import stolen_seconds, versions
from benchmarks.serving.measure import DEADLINE_SECONDS, Measuring, all_loads, require_same_answers
from benchmarks.serving.table import RESULTS, SOAK, show
from benchmarks.serving.texts import read_texts

_SEEDS_APART: Final = 100


def main() -> int:
    """Compare, show and keep."""
    return run(compare, _arguments(), lambda results: print(f"\n{show(results, read(SOAK))}"))


def compare(arguments: argparse.Namespace) -> dict[str, Any]:
    """All repeats.

    Raises:
        ContestantError: one did not start, died, or gives another result than Rida.
        ValueError: the texts, the settings or the versions cannot be used.
        RuntimeError: the load generator failed.
    """
    count = len(read_texts(arguments.texts))
    settings: dict[str, Settings] = {RIDA.name: {"python": arguments.rida_python}, **chosen.read()}
    found = machine()
    results: dict[str, Any] = {
        "machine": found,
        "versions": versions(arguments.rida_python),
        "texts": {"file": arguments.texts.name, "count": count},
        "settings": {
            "seconds": arguments.seconds,
            "deadline_seconds": DEADLINE_SECONDS,
            "contestants": {RIDA.name: {}} | {name: dict(each) for name, each in settings.items() if name != RIDA.name},
        },
        "repeats": [],
    }
    if warning(found):
        print(warning(found))
    with tempfile.TemporaryDirectory() as folder:
        require_same_answers(CONTESTANTS, settings, Path(folder))
    stolen, started = stolen_seconds(), time.monotonic()
    for number in range(arguments.repeats):
        print(f"repeat {number + 1} of {arguments.repeats}", flush=True)
        results["repeats"].append(_repeat(arguments, settings, seed=number * _SEEDS_APART))
    found["run_minutes"] = round((time.monotonic() - started) / 60, 1)
    found["stolen_percent"] = round(
        100 * (stolen_seconds() - stolen) / (time.monotonic() - started) / found["cores"], 2
    )
    return results


def _repeat(arguments: argparse.Namespace, settings: dict[str, Settings], *, seed: int) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    capacity = None
    for contestant in CONTESTANTS:
        with tempfile.TemporaryDirectory() as folder:
            measuring = Measuring(arguments.texts.resolve(), arguments.seconds, seed, Path(folder))
            found[contestant.name] = all_loads(contestant, settings[contestant.name], measuring, capacity)
        capacity = found[RIDA.name]["capacity"]
    direct = found[RIDA.name].pop("direct")
    for each in found.values():
        each["overhead"] = figures.overhead(each.pop("one_by_one"), direct)
    return {"capacity": capacity, "contestants": found}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_texts(parser)
    parser.add_argument("--seconds", type=float, default=9, help="measured seconds of each load (default: 9)")
    parser.add_argument("--repeats", type=int, default=3, help="times that all contestants are run (default: 3)")
    parser.add_argument("--quick", action="store_true", help="one repeat of 2 seconds each, to see that all works")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the results are kept")
    add_rida_python(parser)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seconds, arguments.repeats = 2.0, 1
    if arguments.seconds <= 0 or arguments.repeats < 1:
        parser.error("--seconds must be more than 0 and --repeats at least 1")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
