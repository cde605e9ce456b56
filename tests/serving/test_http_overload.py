"""More load than there is capacity, simulated with a clock of its own: queue and admission, no threads, no model."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from model.classifier import ReadText
from serving.http.admission import Admission
from serving.http.errors import ApiError
from serving.http.queue import Entry, Job
from serving.http.rate import Rate

RATE = 10_000.0
DEADLINE = 10.0
QUEUE_SECONDS = 1.0
BATCH_TOKENS = 1024


@dataclass
class Simulation:
    """One worker that scores `RATE` tokens a second, padding included in that rate."""

    now: float = 0.0
    free_at: float = 0.0
    admission: Admission = field(
        default_factory=lambda: Admission(Rate(workers=1, first=RATE, now=0.0), QUEUE_SECONDS, DEADLINE)
    )
    in_hand: list[Entry] = field(default_factory=list)
    took: dict[Job, float] = field(default_factory=dict)
    refused: list[ApiError] = field(default_factory=list)

    def arrive(self, windows: list[int], *, texts: int = 1) -> Job | None:
        read = ReadText([[7] * length for length in windows], sum(windows), False)
        job = Job(["0"] * texts, [read] * texts, lambda outcome: None)
        try:
            self.admission.admit(job, now=self.now, deadline=self.now + DEADLINE)
        except ApiError as refusal:
            self.refused.append(refusal)
            return None
        return job

    def run_until(self, moment: float) -> None:
        while self.free_at <= moment:
            for entry in self.in_hand:
                self.admission.in_hand -= entry.tokens
                entry.job.unscored -= 1
                if not entry.job.unscored:
                    self.took[entry.job] = self.free_at - entry.job.queued_at
            self.in_hand = self.admission.take(BATCH_TOKENS)
            if not self.in_hand:
                break
            self.free_at = max(self.free_at, self.now) + sum(entry.tokens for entry in self.in_hand) / RATE
        self.now = moment
        self.free_at = max(self.free_at, self.now) if not self.in_hand else self.free_at


def loaded(load: float, seconds: float) -> tuple[Simulation, list[Job]]:
    """Texts as chat systems send them, one in fifty long, at `load` times the capacity."""
    chance, simulation, admitted = random.Random(3), Simulation(), []
    while simulation.now < seconds:
        windows = [120] * 16 if chance.random() < 0.02 else [chance.randint(4, 60)]
        simulation.run_until(simulation.now + chance.expovariate(load * RATE / 70))
        if job := simulation.arrive(windows):
            admitted.append(job)
    return simulation, admitted


@pytest.fixture(scope="module")
def overload():
    return loaded(1.5, 30.0)


def test_under_overload_the_capacity_is_used_and_the_rest_refused(overload):
    simulation, _ = overload
    assert sum(job.tokens for job in simulation.took) >= 0.95 * RATE * 30
    assert len(simulation.refused) > 500


def test_overload_refuses_long_texts_no_more_often_than_short_ones(overload):
    _, admitted = overload
    long = sum(len(job.logits) > 1 for job in admitted)
    assert 0.015 < long / len(admitted) < 0.025


def test_what_was_let_in_is_answered_in_its_deadline(overload):
    simulation, admitted = overload
    simulation.run_until(simulation.now + DEADLINE)
    assert {id(job) for job in admitted} == {id(job) for job in simulation.took}
    assert max(simulation.took.values()) <= DEADLINE


def test_the_backlog_is_bounded_and_gone_two_seconds_after_the_load():
    simulation, _ = loaded(1.5, 10.0)
    assert simulation.admission.queue.tokens <= 1.25 * QUEUE_SECONDS * RATE
    simulation.run_until(simulation.now + 2.0)
    assert simulation.admission.queue.tokens == 0


def test_whoever_comes_back_when_told_is_let_in():
    simulation, _ = loaded(3.0, 5.0)
    wait = int(simulation.refused[-1].headers["Retry-After"])
    simulation.run_until(simulation.now + wait)
    assert simulation.arrive([20])


def test_a_request_of_thousands_shuts_nobody_out_and_is_answered():
    simulation = Simulation()
    many = simulation.arrive([100], texts=900)
    shorts = []
    for tenth in range(1, 100):
        simulation.run_until(tenth / 10)
        shorts.append(simulation.arrive([30]))
    assert not simulation.refused
    simulation.run_until(20.0)
    assert max(simulation.took[short] for short in shorts) < 0.3
    assert simulation.took[many] < DEADLINE


def test_what_others_would_overtake_for_too_long_is_refused_at_once():
    """Alone it would be done in time; with the load of late it would not, and everything spent on it be lost."""
    simulation, _ = loaded(0.7, 20.0)
    simulation.refused.clear()
    assert simulation.arrive([100], texts=200)
    assert not simulation.arrive([100], texts=700)
    assert [refusal.code for refusal in simulation.refused] == ["too_late"]


def test_with_room_to_spare_nobody_is_refused_and_short_texts_hardly_wait():
    simulation, _ = loaded(0.8, 30.0)
    short = sorted(took for job, took in simulation.took.items() if len(job.logits) == 1)
    assert not simulation.refused
    assert short[len(short) // 2] < 0.1
    assert short[int(0.99 * len(short))] < 0.6
