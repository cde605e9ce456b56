"""One log line a request: method, route, status, time and id; never an address's or a body's content."""

from __future__ import annotations

import logging
import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.http.request_ids import request_id_of

logger = logging.getLogger("rida.http")

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class AccessLog:
    """Logs each request when it has been answered; health checks at debug, as they come every second."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            route = route_of(scope)
            logger.log(
                logging.DEBUG if route.startswith("/v2/health/") else logging.INFO,
                "%s %s %s %.1f ms %s",
                scope["method"] if scope["method"] in _METHODS else "-",
                route,
                status or "unanswered",
                (time.perf_counter() - started) * 1000,
                request_id_of(scope),
            )


def route_of(scope: Scope) -> str:
    """The path as we declared it; a path of the client's own making may hold anything, so it is `-`."""
    return str(getattr(scope.get("route"), "path", "-"))
