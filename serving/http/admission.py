"""Who is let into the queue: those who can be answered in time. The others are told at once when to come back."""

from __future__ import annotations

import math
from typing import Final

from serving.http.errors import ApiError

_STALE_SECONDS: Final = 10.0


def require_room(ahead: int, *, queue_tokens: int, rate: float) -> None:
    """Let a request in if no more than `queue_tokens` tokens come before it; `rate` is in tokens a second.

    What comes before is counted, not what the request itself brings nor what any newcomer would overtake: a request of
    a thousand texts must not shut others out, and must be able to get in itself. `require_time` bounds the rest: no
    more is queued than can be scored in one deadline.

    Raises:
        ApiError: 429 the queue is full.
    """
    if ahead > queue_tokens:
        raise _refusal(429, "queue_full", "the queue is full; come back later", (ahead - queue_tokens) / rate)


def require_time(tokens: int, ahead: int, *, seconds_left: float, rate: float, seconds_since_measured: float) -> None:
    """Let a request of `tokens` in if it can be finished in its deadline, with `ahead` tokens before it.

    Raises:
        ApiError: 503 it cannot.
    """
    own, wait = tokens / rate, ahead / rate
    if own + wait <= seconds_left:
        return
    if own <= seconds_left:
        message = "the texts cannot be scored before the deadline; come back later"
        raise _refusal(503, "too_late", message, own + wait - seconds_left)
    # Even an idle server would be too slow, if the rate is what it was. Whoever finds the server idle with a rate that
    # was measured long ago is let in to measure it anew: else one slow spell would refuse large requests for ever.
    if ahead or seconds_since_measured < _STALE_SECONDS:
        message = f"the texts take about {math.ceil(own)} seconds, more than the deadline allows; send fewer at once"
        raise _refusal(503, "too_late", message, max(wait, _STALE_SECONDS - seconds_since_measured))


def _refusal(status: int, code: str, message: str, seconds: float) -> ApiError:
    return ApiError(status, code, message, {"Retry-After": str(max(1, math.ceil(seconds)))})
