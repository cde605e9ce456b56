"""Every request has an id: the client's own `X-Request-Id` where it is sane, else a new one."""

from __future__ import annotations

import secrets
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER: Final = "X-Request-Id"
_LONGEST: Final = 128


class RequestIds:
    """Puts the id into the request's state and on its response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _sane(Headers(scope=scope).get(HEADER, "")) or secrets.token_hex(16)
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        await self.app(scope, receive, send_with_id)


def request_id_of(scope: Scope) -> str:
    """The id that `RequestIds` gave this request."""
    return str(scope["state"]["request_id"])


def _sane(raw: str) -> str:
    """`raw` if it may go into headers and logs, else nothing."""
    return raw if len(raw) <= _LONGEST and raw.isascii() and raw.isprintable() else ""
