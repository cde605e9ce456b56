"""One request to another system, and what its answer means for trying again."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

_LONGEST_WAIT: Final = 3600.0
_PASSING: Final = (401, 403, 407, 408, 409, 423, 425, 429)
"""Refusals that pass or that somebody mends, such as a token that has run out."""


class NotNowError(Exception):
    """Try again. `problem` says why in our own words; `seconds` is when the other side wants it, where it said so.

    `arrived` tells whether what was sent may have been taken in all the same.
    """

    def __init__(self, problem: str, *, seconds: float | None = None, arrived: bool) -> None:
        super().__init__(problem)
        self.problem = problem
        self.seconds = seconds
        self.arrived = arrived


class NeverError(Exception):
    """Trying again would not help: there is no such conversation any more."""

    def __init__(self, problem: str, status: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = status


async def ask(client: httpx.AsyncClient, method: str, path: str, **what: Any) -> httpx.Response:
    """The answer, if it is a good one.

    Raises:
        NotNowError: no answer, or one that will pass.
        NeverError: an answer that will not.
    """
    try:
        answer = await client.request(method, path, **what)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise NotNowError(type(error).__name__, arrived=False) from None
    except httpx.HTTPError as error:
        # Cut off or late: nobody knows whether it was read.
        raise NotNowError(type(error).__name__, arrived=True) from None
    if answer.is_success:
        return answer
    problem = f"{method} was answered with {answer.status_code}"
    if answer.status_code >= 500 or answer.status_code in _PASSING:
        raise NotNowError(problem, seconds=_wanted(answer), arrived=answer.status_code >= 500)
    raise NeverError(problem, answer.status_code)


def _wanted(answer: httpx.Response) -> float | None:
    """The seconds of Retry-After, be they a number or a date."""
    raw = answer.headers.get("Retry-After", "")
    try:
        seconds = float(raw) if raw.isdecimal() else (parsedate_to_datetime(raw) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT)
