"""What speed, start and memory are meant to reach, beside what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from benchmarks.batch.goals import Spread
from benchmarks.speed.peer import AS_IT_COMES, AT_ITS_BEST, FAST, FAST_OPENVINO, FULL, FULL_OPENVINO
from benchmarks.speed.rounds import Results, names_in, ratios
from benchmarks.speed.starts import COMMAND

FAST_ENTRIES: Final = ("fast", "fast, OpenVINO")
"""As `benchmarks.speed.curve` names them."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that should be at least, or at most, `aim`; the median counts."""

    what: str
    aim: float
    measured: Spread
    unit: str
    at_most: bool = False

    @property
    def holds(self) -> bool:
        """Whether the median reaches the aim."""
        return self.measured.median <= self.aim if self.at_most else self.measured.median >= self.aim


def peer_goals(peers: Results) -> list[Goal]:
    """Times as fast as a pipeline of XLM-R base's shape, with its defaults and with the best settings found."""
    rounds = peers["rounds"]
    there = names_in(rounds)
    return [
        Goal(f"{ours}, beside XLM-R base, {way}", aim, ratios(rounds, ours, other), "times")
        for ours, aim in ((FAST, 30.0), (FAST_OPENVINO, 30.0), (FULL, 8.0), (FULL_OPENVINO, 8.0))
        for way in (AS_IT_COMES, AT_ITS_BEST)
        if ours in there and (other := f"XLM-R base, {way}") in there
    ]


def curve_goals(curve: Results) -> list[Goal]:
    """Times as many texts a second as the full graph, of speed fast with each backend."""
    return [
        Goal(f"{each['name']}, beside full", 4.0, Spread.of(each["ratios"]), "times")
        for each in curve["curve"]
        if each["name"] in FAST_ENTRIES
    ]


def start_goals(waste: Results) -> list[Goal]:
    """A cold command, from nothing to its answer, its files in the page cache."""
    starts = [each[COMMAND] for each in waste["starts"]["rounds"]]
    return [
        Goal("`rida classify` of one text", 0.7, Spread.of([each["seconds"] for each in starts]), "s", at_most=True),
        Goal("its memory at most", 250.0, Spread.of([each["peak_mb"] for each in starts]), "MB", at_most=True),
    ]
