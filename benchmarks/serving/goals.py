"""What the server is meant to reach, beside what was measured; from results as `compare` and `soak` keep them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

RIDA: Final = "Rida"

Results = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Goal:
    """One aim; `holds` is None where it was not measured."""

    what: str
    aim: str
    measured: str
    holds: bool | None


def goals(results: Results, soak: Results | None) -> list[Goal]:
    """All aims, in the order in which they are shown."""
    return [*_beside_peers(results), *_overload(results), _overhead(results), *goals_of_soak(soak)]


def values(results: Results, name: str, pick: Callable[[dict[str, Any]], Any]) -> list[Any]:
    """What `pick` finds of a contestant in each repeat."""
    return [pick(repeat["contestants"][name]) for repeat in results["repeats"]]


def loads(results: Results, name: str, kind: str, size: str) -> list[dict[str, Any]]:
    """The figures of one load in each repeat; `kind` is closed or open, `size` the clients or the times of capacity."""
    return values(results, name, lambda each: each[kind][size])


def median(found: Iterable[float | None]) -> float | None:
    """The median, or None if one of the values is missing."""
    kept = list(found)
    return None if not kept or None in kept else statistics.median(each for each in kept if each is not None)


def _beside_peers(results: Results) -> list[Goal]:
    def speed(name: str) -> float:
        return median(each["texts_per_second"] for each in loads(results, name, "closed", "16")) or 0.0

    def tail(name: str) -> float:
        # A contestant that answered nothing at all has no latency; it is beaten.
        found = median(each["p99_ms"] for each in loads(results, name, "open", "0.9"))
        return float("inf") if found is None else found

    peers = [name for name in results["repeats"][0]["contestants"] if name != RIDA]
    fastest, calmest = max(peers, key=speed), min(peers, key=tail)
    ratio = speed(RIDA) / speed(fastest) if speed(fastest) else float("inf")
    share = tail(RIDA) / tail(calmest)
    return [
        Goal(
            "texts a second at 16 clients",
            "at least 1.15 times the best of the others",
            f"{ratio:.2f} times {fastest} ({speed(RIDA):.1f} to {speed(fastest):.1f})",
            ratio >= 1.15,
        ),
        Goal(
            "p99 latency at 0.9 load",
            "at most 0.7 times the best of the others",
            f"{share:.2f} times {calmest} ({tail(RIDA):.0f} to {tail(calmest):.0f} ms)",
            share <= 0.7,
        ),
    ]


def _overload(results: Results) -> list[Goal]:
    goodput = median(values(results, RIDA, lambda each: each["open"]["1.5"]["goodput"] / each["capacity"])) or 0.0
    slowest = values(results, RIDA, lambda each: each["overload"]["refusal_max_ms"])
    refusals = [each for each in slowest if each is not None]
    p99 = median(values(results, RIDA, lambda each: each["overload"]["refusal_p99_ms"]))
    back = values(results, RIDA, lambda each: each["overload"]["back_to_normal_seconds"])
    return [
        Goal(
            "right answers in time at 1.5 load",
            "at least 90 % of capacity",
            f"{goodput:.0%}",
            goodput >= 0.9,
        ),
        Goal(
            "time until a refusal is answered",
            "every one within 100 ms",
            f"slowest {max(refusals):.0f} ms, p99 {_or_none(p99, '.0f')} ms" if refusals else "nothing was refused",
            max(refusals) <= 100 if refusals else None,
        ),
        Goal(
            "latency normal again after 1.5 load",
            "within 2 s",
            "not while it was watched" if None in back else f"{max(back):.1f} s at worst, {median(back):.1f} s median",
            None not in back and max(back) <= 2,
        ),
    ]


def _overhead(results: Results) -> Goal:
    found = median(values(results, RIDA, lambda each: each["overhead"]["overhead_ms"]))
    return Goal(
        "server time beyond scoring, one client",
        "at most 2 ms",
        f"{_or_none(found, '.2f')} ms",
        None if found is None else found <= 2,
    )


def goals_of_soak(soak: Results | None) -> list[Goal]:
    """The aims of a long steady load."""
    if soak is None:
        growth = ids = "not measured"
        return [
            Goal("memory growth under steady load", "at most 5 %", growth, None),
            Goal("answers lost, doubled or under a wrong id", "none", ids, None),
        ]
    bad = {kind: soak["ids"][kind] for kind in ("lost", "doubled", "wrong")}
    length = f"{soak['seconds'] / 60:.0f} minutes at {soak['load']} load"
    return [
        Goal(
            "memory growth under steady load",
            "at most 5 %",
            f"{soak['growth_percent']:.1f} % in {length}",
            soak["growth_percent"] <= 5,
        ),
        Goal(
            "answers lost, doubled or under a wrong id",
            "none",
            ", ".join(f"{count} {kind}" for kind, count in bad.items()) + f" of {sum(soak['ids'].values())}",
            not any(bad.values()),
        ),
    ]


def _or_none(value: float | None, form: str) -> str:
    return "none" if value is None else format(value, form)
