"""The last net: whatever goes wrong inside becomes the one error shape and one log line without content."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.http.errors import ApiError, error_response, unavailable
from serving.http.exchange import exchange_of, route_of
from serving.http.traces import trace

logger = logging.getLogger("rida.http")


class Failures:
    """Answers 500 for an unforeseen error, 503 for a request that the stopping server cuts short."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = exchange_of(scope)
        try:
            await self.app(scope, receive, send)
            return
        except ClientDisconnect:
            return
        except asyncio.CancelledError:
            # Only the server itself cancels, when the time to drain is over.
            refusal = unavailable("draining", "the server stopped before it could answer")
        except Exception as error:
            fields = {"route": route_of(scope), "fault": trace(error), "request_id": exchange.request_id}
            logger.error("%(route)s failed: %(fault)s (%(request_id)s)", fields, extra={"fields": fields})
            refusal = ApiError(500, "internal_error", "the server failed; the request id finds it in its log")
        if not exchange.answered:
            await error_response(refusal, exchange.request_id)(scope, receive, send)


def log_what_nobody_caught(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Stands in for the event loop's own handler, which shows exceptions with their messages."""
    error = context.get("exception")
    told = trace(error) if isinstance(error, BaseException) else "no exception"
    logger.error("a fault outside of any request: %s", told)
