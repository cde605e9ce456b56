"""Keeps Rida's server under steady load: does its memory grow, does an answer get lost or reach somebody else?

    python -m benchmarks.serving.soak --texts data/samples/feedback.csv --seconds 1200

Every request has an id of its own, which its answer must hold exactly once. Writes
`benchmarks/results/serving-soak.json`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.command import run
from benchmarks.machine import machine, warning
from benchmarks.serving import figures
from benchmarks.serving.contestants import RIDA
from benchmarks.serving.flags import add_rida_python, add_texts
from benchmarks.serving.goals import goals_of_soak
from benchmarks.serving.machine import versions
from benchmarks.serving.measure import CAPACITY_CLIENTS, DEADLINE_SECONDS, Measuring
from benchmarks.serving.processes import running, watched_memory
from benchmarks.serving.table import SOAK
from benchmarks.serving.texts import read_texts

_CAPACITY_SECONDS: Final = 10.0
_SETTLING_SHARE: Final = 0.05
_SAMPLE_SECONDS: Final = 2.0


def main() -> int:
    """Load, keep and say."""
    return run(soak, _arguments(), _show)


def soak(arguments: argparse.Namespace) -> dict[str, Any]:
    """One long load on one server.

    Raises:
        ContestantError: Rida did not start or died.
        ValueError: the texts cannot be used.
        RuntimeError: the load generator failed.
    """
    count = len(read_texts(arguments.texts))
    found = machine()
    if warning(found):
        print(warning(found))
    with (
        tempfile.TemporaryDirectory() as folder,
        running(RIDA, {"python": arguments.rida_python}, Path(folder)) as server,
    ):
        measuring = Measuring(arguments.texts.resolve(), min(_CAPACITY_SECONDS, arguments.seconds), 0, Path(folder))
        measuring.warm_up(server)
        plan, record = measuring.put(server, clients=CAPACITY_CLIENTS)
        capacity = figures.closed_loop(record, plan)["texts_per_second"]
        if not capacity:
            raise server.error(f"gave no right answer to {CAPACITY_CLIENTS} clients, so there is no rate to offer")
        rate = arguments.load * capacity
        print(f"{rate:.1f} texts/s for {arguments.seconds:g} seconds ({arguments.load} of {capacity:.1f})", flush=True)
        with watched_memory(server.process.pid, every=_SAMPLE_SECONDS) as memory:
            plan, record = measuring.put(server, rate=rate, seconds=arguments.seconds)
    first, last = fifths([size for at, size in memory.samples if at >= _SETTLING_SHARE * arguments.seconds])
    figured = figures.open_loop(record, plan, deadline=DEADLINE_SECONDS)
    return {
        "machine": found,
        "versions": {name: each for name, each in versions(arguments.rida_python).items() if name != "peers"},
        "texts": {"file": arguments.texts.name, "count": count},
        "seconds": arguments.seconds,
        "load": arguments.load,
        "capacity": capacity,
        "settling_seconds": _SETTLING_SHARE * arguments.seconds,
        "first_fifth_mb": first,
        "last_fifth_mb": last,
        "growth_percent": 100 * (last / first - 1),
        "peak_rss_mb": memory.peak,
        **figured,
        "memory_mb": memory.samples,
    }


def _show(results: dict[str, Any]) -> None:
    print(json.dumps({name: value for name, value in results.items() if name != "memory_mb"}, indent=1))
    for goal in goals_of_soak(results):
        print(f"{goal.what} ({goal.aim}): {goal.measured}: {'reached' if goal.holds else 'not reached'}")


def fifths(samples: list[float]) -> tuple[float, float]:
    """The median of the first fifth and that of the last.

    Raises:
        ValueError: there are not enough samples.
    """
    if len(samples) < 5:
        raise ValueError("the load was too short to tell how memory grows; give more --seconds")
    part = len(samples) // 5
    return statistics.median(samples[:part]), statistics.median(samples[-part:])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_texts(parser)
    parser.add_argument("--seconds", type=float, default=1200, help="length of the load (default: 1200)")
    parser.add_argument("--load", type=float, default=0.8, help="times of the capacity (default: 0.8)")
    parser.add_argument("--output", type=Path, default=SOAK, help="where the results are kept")
    add_rida_python(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
