"""Puts loads on a running contestant, one after the other, and gathers what came of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from benchmarks.serving import figures
from benchmarks.serving.contestants import RIDA, Contestant, Settings
from benchmarks.serving.plan import Plan, Record
from benchmarks.serving.processes import (
    Server,
    proportional_megabytes,
    run,
    running,
    watched_memory,
)
from serving.settings import read_settings

CLIENTS: Final = (1, 4, 16, 64)
LOADS: Final = (0.5, 0.9, 1.5)
OVERLOAD: Final = 1.5
CAPACITY_CLIENTS: Final = 64

DEADLINE_SECONDS: Final = float(read_settings({}, {}).deadline_seconds)
"""How soon an answer must be there to be of use; what Rida promises unless told otherwise."""

_SETTLING_SECONDS: Final = 1.0
_WARM_UP_SECONDS: Final = 3.0
_WARM_UP_CLIENTS: Final = 16
_OVERLOAD_LENGTH: Final = 2.0
_PROBE_BEFORE_SECONDS: Final = 2.0
_PROBE_AFTER_SECONDS: Final = 8.0
_DIRECT_TEXTS: Final = 250


@dataclass(frozen=True, slots=True)
class Measuring:
    """What all loads of one run have in common; `seed` decides texts and arrivals, so it is the same for everybody."""

    texts: Path
    seconds: float
    seed: int
    folder: Path

    def put(self, server: Server, **what: Any) -> tuple[Plan, Record]:
        """Put one load on a server, once it has nothing else to do.

        Raises:
            ContestantError: the server has ended.
        """
        plan = replace(
            Plan(
                route=server.route,
                texts=str(self.texts),
                seed=self.seed,
                seconds=self.seconds,
                warm_up=_SETTLING_SECONDS,
                patience=DEADLINE_SECONDS,
            ),
            **what,
        )
        server.wait_until_idle()
        kept = self.folder / "record.npz"
        run("benchmarks.serving.load", plan.to_json(), str(kept), log=self.folder / "load.log")
        server.require_alive()
        return plan, Record.read(kept)

    def warm_up(self, server: Server) -> None:
        """Let every process of a server score, and batching find its measure."""
        self.put(server, clients=_WARM_UP_CLIENTS, seconds=_WARM_UP_SECONDS, seed=self.seed + 1)


def all_loads(
    contestant: Contestant, settings: Settings, measuring: Measuring, capacity: float | None
) -> dict[str, Any]:
    """Every load on one contestant, from one start of it; without `capacity`, it is the contestant's own.

    Raises:
        ContestantError: it did not start, died, or gave no right answer.
    """
    found: dict[str, Any] = {"closed": {}, "open": {}}
    with running(contestant, settings, measuring.folder) as server, watched_memory(server.process.pid) as memory:
        measuring.warm_up(server)
        for clients in CLIENTS:
            plan, record = measuring.put(server, clients=clients)
            found["closed"][str(clients)] = figures.closed_loop(record, plan)
            if clients == 1:
                found["one_by_one"] = figures.by_text(record)
                if contestant is RIDA:
                    found["direct"] = direct_times(measuring, list(found["one_by_one"])[:_DIRECT_TEXTS])
            _say(contestant, f"{clients} client{'s' if clients > 1 else ''}", found["closed"][str(clients)])
        found["capacity"] = found["closed"][str(CAPACITY_CLIENTS)]["texts_per_second"]
        offered = capacity or found["capacity"]
        if not offered:
            raise server.error(f"gave no right answer to {CAPACITY_CLIENTS} clients, so there is no rate to offer")
        for load in LOADS:
            plan, record = measuring.put(server, rate=load * offered, **_open_loop(contestant, load, measuring))
            found["open"][str(load)] = figures.open_loop(record, plan, deadline=DEADLINE_SECONDS)
            if contestant is RIDA and load == OVERLOAD:
                found["overload"] = figures.overload(record, plan)
            _say(contestant, f"{load} times {offered:.1f} texts/s", found["open"][str(load)])
        found["proportional_mb"] = proportional_megabytes(server.process.pid)
    found["peak_rss_mb"] = memory.peak
    return found


def require_same_answers(contestants: Iterable[Contestant], settings: Mapping[str, Settings], folder: Path) -> None:
    """Start each once, so that what does not work is found out before anything is measured.

    Raises:
        ContestantError: one did not start, or gives another result than the first for the same text.
    """
    first = None
    for contestant in contestants:
        with running(contestant, settings[contestant.name], folder) as server:
            result = server.classify_one()
            first = first or result
            if result != first:
                raise server.error(f"gives another result than the others: {result}, not {first}")


def direct_times(measuring: Measuring, positions: list[int]) -> dict[int, float]:
    """Milliseconds that `classify` takes for each of the texts, called in a process of its own."""
    asked, told = measuring.folder / "positions.json", measuring.folder / "direct.json"
    asked.write_text(json.dumps(positions))
    run("benchmarks.serving.direct", str(measuring.texts), str(asked), str(told), log=measuring.folder / "direct.log")
    return {int(at): taken for at, taken in json.loads(told.read_text()).items()}


def _open_loop(contestant: Contestant, load: float, measuring: Measuring) -> dict[str, float]:
    if load != OVERLOAD:
        return {}
    # Twice as long as the others: a queue has to fill up before a server begins to refuse.
    longer = {"seconds": measuring.seconds * _OVERLOAD_LENGTH}
    if contestant is not RIDA:
        return longer
    return longer | {"probe_before": _PROBE_BEFORE_SECONDS, "probe_after": _PROBE_AFTER_SECONDS}


def _say(contestant: Contestant, what: str, found: dict[str, Any]) -> None:
    shown = ", ".join(f"{part} {_number(found[f'{part}_ms'])}" for part in ("p50", "p95", "p99"))
    statuses = ", ".join(f"{status}: {count}" for status, count in found["statuses"].items())
    print(f"  {contestant.name}, {what}: {found['texts_per_second']:.1f} texts/s, {shown} ms ({statuses})", flush=True)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.0f}"
