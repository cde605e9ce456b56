"""One log line a request: method, route, status, time and id; never an address's or a body's content."""

from __future__ import annotations

import logging
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.http.exchange import exchange_of, route_of

logger = logging.getLogger("rida.http")

_PROBED: Final = ("/v2/health/live", "/v2/health/ready", "/metrics")
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class AccessLog:
    """Logs each request when it has been answered; probes at debug, as they come every second."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            await self.app(scope, receive, send)
        finally:
            if scope["type"] == "http":
                _log(scope)


def _log(scope: Scope) -> None:
    exchange, route = exchange_of(scope), route_of(scope)
    fields = {
        "method": scope["method"] if scope["method"] in _METHODS else "-",
        "route": route,
        "status": exchange.status or "unanswered",
        "ms": round(exchange.seconds * 1000, 1),
        "request_id": exchange.request_id,
        **exchange.work,
    }
    logger.log(
        logging.DEBUG if route in _PROBED else logging.INFO,
        "%(method)s %(route)s %(status)s %(ms).1f ms %(request_id)s",
        fields,
        extra={"fields": fields},
    )
