"""Who is refused at once, with which status, and when they are told to come back."""

from __future__ import annotations

import pytest

from serving.http.admission import require_room, require_time
from serving.http.errors import ApiError
from serving.http.rate import Rate
from serving.http.rate_limit import RateLimit

RATE = 1000.0


def room(ahead):
    require_room(ahead, queue_tokens=5000, rate=RATE)


def time_for(tokens, ahead=0, seconds_since_measured=0.0):
    require_time(tokens, ahead, seconds_left=10, rate=RATE, seconds_since_measured=seconds_since_measured)


def refused(check, *args, **more):
    with pytest.raises(ApiError) as error:
        check(*args, **more)
    return error.value.status, error.value.code, int(error.value.headers["Retry-After"])


def test_a_full_queue_is_429_until_there_is_room():
    room(5000)
    assert refused(room, 5001) == (429, "queue_full", 1)
    assert refused(room, 12_000) == (429, "queue_full", 7)


def test_what_cannot_be_finished_in_time_is_503_until_it_could():
    time_for(4000, ahead=6000)
    assert refused(time_for, 4000, ahead=6001) == (503, "too_late", 1)
    assert refused(time_for, 4000, ahead=9000) == (503, "too_late", 3)


def test_what_is_too_much_even_alone_is_told_to_send_less():
    with pytest.raises(ApiError, match=r"about 11 seconds.*send fewer at once"):
        time_for(11_000)


def test_a_rate_measured_long_ago_shuts_nobody_out_for_ever():
    assert refused(time_for, 11_000, seconds_since_measured=4) == (503, "too_late", 6)
    time_for(11_000, seconds_since_measured=10)
    assert refused(time_for, 11_000, ahead=20_000, seconds_since_measured=10) == (503, "too_late", 20)


@pytest.fixture
def rate():
    return Rate(workers=2, batch_tokens=1000, first=500.0, now=0.0)


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
