"""One log line a request: method, route, status, time and id; never an address's or a body's content."""

from __future__ import annotations

import logging
import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.http.request_ids import request_id_of

logger = logging.getLogger("rida.http")

WORK: Final = "work"
"""Where in a request's state its route may leave numbers for the log: how much it was and how long it took."""

_PROBED: Final = ("/v2/health/live", "/v2/health/ready", "/metrics")
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class AccessLog:
    """Logs each request when it has been answered; probes at debug, as they come every second."""

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
            fields = {
                "method": scope["method"] if scope["method"] in _METHODS else "-",
                "route": route,
                "status": status or "unanswered",
                "ms": round((time.perf_counter() - started) * 1000, 1),
                "request_id": request_id_of(scope),
                **scope["state"].get(WORK, {}),
            }
            logger.log(
                logging.DEBUG if route in _PROBED else logging.INFO,
                "%(method)s %(route)s %(status)s %(ms).1f ms %(request_id)s",
                fields,
                extra={"fields": fields},
            )


def route_of(scope: Scope) -> str:
    """The path as we declared it; a path of the client's own making may hold anything, so it is `-`."""
    return str(getattr(scope.get("route"), "path", "-"))
