"""What is known of a request on its way through the server: its id, since when it is here, how it was answered.

The id is the client's own `X-Request-Id` where it is sane, else a new one; it is on every answer.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER: Final = "X-Request-Id"
_KEY: Final = "exchange"
_LONGEST: Final = 128


@dataclass(slots=True)
class Exchange:
    """One request and its answer; `work` is what its route leaves for the log: how much it was, how long it took."""

    request_id: str
    began: float = field(default_factory=time.perf_counter)
    status: int = 0
    work: dict[str, float] = field(default_factory=dict)

    @property
    def answered(self) -> bool:
        """Whether an answer has begun."""
        return self.status > 0

    @property
    def seconds(self) -> float:
        """How long it is here."""
        return time.perf_counter() - self.began


class Exchanges:
    """Begins the exchange of each request; all that is inside reads it with `exchange_of`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = Exchange(_sane(Headers(scope=scope).get(HEADER, "")) or f"{random.getrandbits(128):032x}")
        scope.setdefault("state", {})[_KEY] = exchange

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                MutableHeaders(scope=message)[HEADER] = exchange.request_id
            await send(message)

        await self.app(scope, receive, send_and_note)


def exchange_of(scope: Scope) -> Exchange:
    """What `Exchanges` noted of this request."""
    exchange: Exchange = scope["state"][_KEY]
    return exchange


def route_of(scope: Scope) -> str:
    """The path as we declared it; a path of the client's own making may hold anything, so it is `-`."""
    return str(getattr(scope.get("route"), "path", "-"))


def _sane(raw: str) -> str:
    """`raw` if it may go into headers and logs, else nothing."""
    return raw if len(raw) <= _LONGEST and raw.isascii() and raw.isprintable() else ""
