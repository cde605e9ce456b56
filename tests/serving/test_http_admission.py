"""Who is refused at once, with which status, and when they are told to come back."""

from __future__ import annotations

import pytest

from model.classifier import ReadText
from serving.http.admission import Admission
from serving.http.errors import ApiError
from serving.http.queue import Job
from serving.http.rate import Load, Rate
from serving.http.rate_limit import RateLimit

RATE = 1000.0


def job(tokens):
    return Job(["0"], [ReadText([[7] * tokens], tokens, False)], lambda outcome: None)


@pytest.fixture
def admission():
    """Of a server that scores 1,000 tokens a second, with room for five seconds and a deadline of ten."""
    return Admission(Rate(workers=1, first=RATE, now=0.0), 5.0, 10.0)


@pytest.fixture
def admit(admission):
    def ask(tokens, *, in_hand=0, now=0.0, seconds_left=10.0):
        admission.in_hand = in_hand
        admission.admit(job(tokens), now=now, deadline=now + seconds_left)

    return ask


def refused(check, *args, **more):
    with pytest.raises(ApiError) as error:
        check(*args, **more)
    return error.value.status, error.value.code, int(error.value.headers["Retry-After"])


def test_a_full_queue_is_429_until_there_is_room(admission, admit):
    admission.in_hand = 5000
    admission.require_room(now=0.0)
    assert refused(admit, 1, in_hand=5001) == (429, "queue_full", 1)
    assert refused(admit, 1, in_hand=12_000) == (429, "queue_full", 7)


def test_what_can_just_be_finished_in_time_is_let_in(admit):
    admit(6000, in_hand=4000)


def test_what_cannot_be_finished_in_time_is_503_until_it_could(admit):
    assert refused(admit, 6001, in_hand=4000) == (503, "too_late", 1)
    assert refused(admit, 9000, in_hand=4000) == (503, "too_late", 3)
    assert refused(admit, 100, in_hand=4000, seconds_left=1.5) == (503, "too_late", 3)


def test_what_waits_counts_as_far_as_it_comes_before(admit):
    admit(4000)
    admit(4000)
    assert refused(admit, 4000) == (503, "too_late", 3)
    admit(1000)


def test_what_would_be_overtaken_for_too_long_is_refused(admission, admit):
    for tenth in range(100):
        admission._load.note(50, now=tenth / 10, rate=RATE)
    admit(3000, now=10.0)
    assert refused(admit, 6000, now=10.0)[:2] == (503, "too_late")


def test_what_is_too_much_even_alone_is_told_to_send_less_and_not_to_come_back(admit):
    with pytest.raises(ApiError, match=r"about 11 seconds of the 10.*send fewer at once") as error:
        admit(10_001)
    assert (error.value.status, error.value.code, error.value.headers) == (413, "too_much_text", {})


def test_a_slow_body_is_not_blamed_on_its_length(admit):
    assert refused(admit, 200, seconds_left=0.1) == (503, "too_late", 1)


def test_an_idle_server_measures_itself_before_it_goes_by_an_old_rate(admission):
    assert not admission.should_measure(now=9.0)
    assert admission.should_measure(now=11.0)
    admission.in_hand = 1
    assert not admission.should_measure(now=11.0)


def test_the_load_is_what_came_in_of_late_but_not_large_requests():
    load = Load()
    for hundredth in range(6000):
        load.note(10, now=hundredth / 100, rate=RATE)
    assert load.tokens_per_second(60.0) == pytest.approx(1000, rel=0.02)
    load.note(100_000, now=60.0, rate=RATE)
    assert load.tokens_per_second(60.0) == pytest.approx(1020, rel=0.02)
    assert load.tokens_per_second(90.0) < 10


@pytest.fixture
def rate():
    return Rate(workers=2, first=500.0, now=0.0)


def test_the_rate_is_that_of_all_workers_together(rate):
    assert rate.tokens_per_second == 1000


def test_the_rate_follows_what_is_measured(rate):
    for second in range(60):
        rate.note(1000, 1.0, now=second)
    assert rate.tokens_per_second == pytest.approx(2000, rel=0.05)
    assert rate.measured_at == 59


def test_one_slow_run_does_not_turn_the_rate_over(rate):
    rate.note(1000, 100.0, now=1)
    assert rate.tokens_per_second > 900


def test_thin_traffic_does_not_make_the_server_look_slow(rate):
    for second in range(1000):
        rate.note(10, 1.0, now=second)
    assert rate.tokens_per_second == 1000


def test_a_small_run_that_is_faster_than_the_rate_shows_that_it_was_too_low(rate):
    for second in range(1000):
        rate.note(100, 0.1, now=second)
    assert rate.tokens_per_second == pytest.approx(2000, rel=0.05)


def test_what_is_too_little_to_tell_is_not_taken_in(rate):
    assert not rate.note(100, 1.0, now=1)
    assert rate.note(600, 6.0, now=1)
    assert rate.note(100, 0.1, now=2)


def test_a_run_that_took_no_time_is_not_measured(rate):
    rate.note(1000, 0.0, now=1)
    assert rate.tokens_per_second == 1000


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def limit(clock):
    return RateLimit(60, clock=lambda: clock[0])


def test_a_key_may_send_a_minutes_worth_at_once_and_then_as_it_comes_in(limit, clock):
    limit.spend("a", 60)
    assert refused(limit.spend, "a", 5) == (429, "rate_limited", 5)
    clock[0] = 5.0
    limit.spend("a", 5)
    assert refused(limit.spend, "a", 1) == (429, "rate_limited", 1)


def test_keys_do_not_share_a_limit(limit):
    limit.spend("a", 60)
    limit.spend("b", 60)


def test_a_request_over_the_limit_passes_once_and_is_paid_for_later(limit, clock):
    limit.spend("a", 180)
    assert refused(limit.spend, "a", 1) == (429, "rate_limited", 121)
    clock[0] = 121.0
    limit.spend("a", 1)


def test_an_idle_key_saves_up_no_more_than_a_minutes_worth(limit, clock):
    clock[0] = 86_400.0
    limit.spend("a", 60)
    assert refused(limit.spend, "a", 1)[0] == 429


def test_without_a_limit_any_number_passes():
    RateLimit(None).spend("a", 10**9)
