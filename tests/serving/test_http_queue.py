"""In which order windows are scored, and what of them shares a run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.classifier import ReadText
from serving.http.queue import RUN_TOKENS, STRETCH, Job, TokenQueue

RATE = 1000.0 * STRETCH
"""Tokens a second, so that a text of 100 tokens lets others before it for 0.1 seconds."""


def job(*lengths: int) -> Job:
    """A request whose texts have one window each."""
    read = [ReadText([[7] * length], length, truncated=False) for length in lengths]
    return Job([str(at) for at in range(len(lengths))], read, lambda outcome: None)


def taken(queue: TokenQueue, budget: int = 10) -> list[tuple[Job, int]]:
    """Everything that waits, in the order in which it is taken."""
    found = []
    while batch := queue.take(budget):
        found += [(entry.job, entry.tokens) for entry in batch]
    return found


@pytest.fixture
def queue() -> TokenQueue:
    return TokenQueue()


def test_it_counts_tokens_not_requests(queue):
    queue.add(job(10, 20, 30), now=0, rate=RATE)
    queue.add(job(5), now=0, rate=RATE)
    assert queue.tokens == 65
    queue.take(5)
    assert queue.tokens == 60


def test_a_short_text_does_not_wait_behind_a_long_one(queue):
    long, short = job(*[100] * 5), job(10)
    queue.add(long, now=0, rate=RATE)
    queue.add(short, now=0.2, rate=RATE)
    assert [each is short for each, _ in taken(queue)] == [False, False, True, False, False, False]


def test_a_request_of_thousands_lets_others_in_between(queue):
    many = job(*[10] * 2000)
    queue.add(many, now=0, rate=RATE)
    for second in (0.1, 0.5, 0.9):
        queue.add(job(10), now=second, rate=RATE)
    order = [each is many for each, _ in taken(queue)]
    assert [order.index(False), order.index(False, 20), order.index(False, 60)] == [11, 52, 93]


def test_nothing_is_overtaken_by_what_comes_after_its_turn(queue):
    queue.add(long := job(100), now=0, rate=RATE)
    queue.add(early := job(10), now=0.08, rate=RATE)
    queue.add(late := job(10), now=0.1, rate=RATE)
    assert [each for each, _ in taken(queue)] == [early, long, late]


def test_what_many_short_texts_overtake_still_gets_its_share(queue):
    """Nearly a fifth of what is scored, where short ones alone would use up all there is."""
    queue.add(long := job(*[100] * 50), now=0, rate=RATE)
    shares = []
    for at in range(1000):
        queue.add(job(100), now=at * 100 / RATE, rate=RATE)
        shares += [entry.job is long for entry in queue.take(100)]
    assert sum(shares) == 50
    assert max(at for at, is_long in enumerate(shares) if is_long) < 1.2 * 50 * STRETCH


def test_those_of_one_length_are_served_as_they_came(queue):
    jobs = [job(10) for _ in range(20)]
    for each in jobs:
        queue.add(each, now=0, rate=RATE)
    assert [each for each, _ in taken(queue)] == jobs


def test_a_run_is_filled_up_to_its_budget(queue):
    queue.add(job(*[10] * 7), now=0, rate=RATE)
    assert [len(queue.take(50)) for _ in range(3)] == [5, 2, 0]


def test_a_window_larger_than_the_budget_is_scored_by_itself(queue):
    queue.add(job(100), now=0, rate=RATE)
    queue.add(job(100), now=0, rate=RATE)
    assert [len(queue.take(50)) for _ in range(3)] == [1, 1, 0]


def test_a_short_text_is_not_padded_to_a_long_one(queue):
    queue.add(job(10, 11, 12, 100, 104), now=0, rate=RATE)
    assert [entry.tokens for entry in queue.take(1000)] == [10, 11, 12]
    assert [entry.tokens for entry in queue.take(1000)] == [100, 104]


def test_padding_is_worth_less_than_a_run(queue):
    queue.add(job(10, 10, 10, 12), now=0, rate=RATE)
    assert [entry.tokens for entry in queue.take(1000)] == [10, 10, 10]
    assert [entry.tokens for entry in queue.take(1000)] == [12]


def test_what_is_dropped_is_not_counted_and_not_scored(queue):
    left, stayed = job(10, 10, 10), job(10)
    queue.add(left, now=0, rate=RATE)
    queue.add(stayed, now=0.5, rate=RATE)
    queue.take(10)
    queue.drop(left)
    queue.drop(left)
    assert queue.tokens == 10
    assert queue.ahead_of(100.0) == 10
    assert taken(queue) == [(stayed, 10)]
    assert queue.tokens == 0


def test_those_who_left_do_not_fill_the_memory(queue):
    for _ in range(1000):
        queue.add(each := job(100), now=0, rate=RATE)
        queue.drop(each)
    assert len(queue._heap) < 100
    queue.add(stayed := job(10), now=0, rate=RATE)
    assert taken(queue) == [(stayed, 10)]


def test_only_what_comes_before_a_moment_is_ahead_of_it(queue):
    queue.add(job(*[100] * 5), now=0, rate=RATE)
    assert [queue.ahead_of(moment) for moment in (0.05, 0.25, 0.5)] == [0, 200, 500]
    queue.take(100)
    assert [queue.ahead_of(moment) for moment in (0.05, 0.25, 0.5)] == [0, 100, 400]


requests = st.lists(st.lists(st.integers(1, 128), min_size=1, max_size=8), max_size=30)


@given(requests, st.integers(1, 512), st.data())
def test_everything_is_scored_once_within_the_budget_or_dropped(requests, budget, data):
    queue = TokenQueue()
    jobs = [job(*lengths) for lengths in requests]
    for at, each in enumerate(jobs):
        queue.add(each, now=at * 0.01, rate=RATE)
    dropped = [each for each in jobs if data.draw(st.booleans())]
    for each in dropped:
        queue.drop(each)
    seen = []
    while batch := queue.take(budget):
        lengths = [entry.tokens for entry in batch]
        assert len(batch) == 1 or max(lengths) * len(batch) <= budget
        assert max(lengths) * len(batch) - sum(lengths) <= RUN_TOKENS * (len(batch) - 1)
        seen += [(id(entry.job), entry.at) for entry in batch]
    expected = [(id(each), at) for each in jobs if each not in dropped for at in range(len(each.logits))]
    assert sorted(seen) == sorted(expected)
    assert queue.tokens == 0
    assert queue.ahead_of(1e6) == 0
