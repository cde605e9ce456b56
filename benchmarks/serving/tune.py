"""Finds the settings with which each of the others answers most texts a second at 16 clients.

    python -m benchmarks.serving.tune --texts data/samples/feedback.csv

Tries the whole grid of each contestant, then single changes to the best of it. Writes the winners to `settings.toml`,
which `compare` reads, and all that was tried to `benchmarks/results/serving-tuning.json`. A setting that does not start
is shown with its log, kept as failed, and cannot win.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from benchmarks.command import run
from benchmarks.machine import machine, warning
from benchmarks.serving import chosen, figures
from benchmarks.serving.contestants import PEERS, Contestant, Settings
from benchmarks.serving.flags import add_texts
from benchmarks.serving.machine import versions
from benchmarks.serving.measure import Measuring
from benchmarks.serving.processes import ContestantError, running
from benchmarks.serving.table import RESULTS
from benchmarks.serving.texts import read_texts

TUNING: Final = RESULTS.with_name("serving-tuning.json")

_CLIENTS: Final = 16


def main() -> int:
    """Try, keep and say."""
    arguments = _arguments()
    return run(tune, arguments, lambda tuning: _choose(tuning, dry_run=arguments.dry_run))


def tune(arguments: argparse.Namespace) -> dict[str, Any]:
    """All that was tried.

    Raises:
        ContestantError: none of the settings of a contestant works.
        ValueError: the texts cannot be used.
        RuntimeError: the load generator failed.
    """
    count = len(read_texts(arguments.texts))
    found = machine()
    if warning(found):
        print(warning(found))
    tried: dict[str, list[dict[str, Any]]] = {}
    for peer in PEERS:
        rows = [_try(peer, settings, arguments) for settings in _first(peer.grid, arguments.at_most)]
        best = _best(rows)["settings"]
        known = [row["settings"] for row in rows]
        changed = [each for each in ({**best, **change} for change in peer.refinements) if each not in known]
        tried[peer.name] = rows + [_try(peer, settings, arguments) for settings in _first(changed, arguments.at_most)]
    return {
        "machine": found,
        "versions": versions(sys.executable)["peers"],
        "texts": {"file": arguments.texts.name, "count": count},
        "clients": _CLIENTS,
        "seconds": arguments.seconds,
        "tried": tried,
    }


def _choose(tuning: dict[str, Any], *, dry_run: bool) -> None:
    best = {name: _best(tried) for name, tried in tuning["tried"].items()}
    if not dry_run:
        chosen.write({name: (each["settings"], _comment(each, tuning, name)) for name, each in best.items()})
    for name, each in best.items():
        print(f"{name}: {each['settings']} ({each['texts_per_second']:.1f} texts/s)")


def _try(peer: Contestant, settings: Settings, arguments: argparse.Namespace) -> dict[str, Any]:
    loads: list[dict[str, Any]] = []
    row: dict[str, Any] = {"settings": dict(settings)}
    try:
        with tempfile.TemporaryDirectory() as folder, running(peer, settings, Path(folder)) as server:
            measuring = Measuring(arguments.texts.resolve(), arguments.seconds, 0, Path(folder))
            measuring.warm_up(server)
            for _ in range(arguments.repeats):
                plan, record = measuring.put(server, clients=_CLIENTS)
                loads.append(figures.closed_loop(record, plan))
    except ContestantError as error:
        print(f"{peer.name} {dict(settings)}: failed\n{error}", flush=True)
        return row | {"texts_per_second": 0.0, "failed": str(error).splitlines()[0]}
    speed = statistics.median(load["texts_per_second"] for load in loads)
    print(f"{peer.name} {dict(settings)}: {speed:.1f} texts/s {loads[-1]['statuses']}", flush=True)
    return row | {"texts_per_second": speed, "loads": loads}


def _best(rows: list[dict[str, Any]]) -> dict[str, Any]:
    best = max(rows, key=lambda row: float(row["texts_per_second"]))
    if "failed" in best:
        raise ContestantError(f"none of the settings works: {best['failed']}")
    return best


def _comment(best: dict[str, Any], tuning: dict[str, Any], name: str) -> str:
    rows = [row["texts_per_second"] for row in tuning["tried"][name]]
    others = sorted(rows, reverse=True)[1:]
    return f"{best['texts_per_second']:.1f} texts/s at {_CLIENTS} clients, the most of {len(rows)} settings tried" + (
        f" (the next {others[0]:.1f}, the last {others[-1]:.1f})" if others else ""
    )


def _first(settings: Iterable[Settings], at_most: int | None) -> list[Settings]:
    return list(settings)[:at_most]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_texts(parser)
    parser.add_argument("--seconds", type=float, default=8, help="measured seconds of each load (default: 8)")
    parser.add_argument("--repeats", type=int, default=1, help="loads on each start of a server (default: 1)")
    parser.add_argument("--at-most", type=int, help="settings to try of each contestant, to see that all works")
    parser.add_argument("--dry-run", action="store_true", help="leave settings.toml as it is")
    parser.add_argument("--output", type=Path, default=TUNING, help="where the results are kept")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
