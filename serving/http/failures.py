"""The last net: whatever goes wrong inside becomes the one error shape and one log line without content."""

from __future__ import annotations

import asyncio
import logging

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.http.access_log import route_of
from serving.http.errors import ApiError, error_response, unavailable
from serving.http.request_ids import request_id_of
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
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
            return
        except ClientDisconnect:
            return
        except asyncio.CancelledError:
            # Only the server itself cancels, when the time to drain is over.
            refusal = unavailable("draining", "the server stopped before it could answer")
        except Exception as error:
            fields = {"route": route_of(scope), "fault": trace(error), "request_id": request_id_of(scope)}
            logger.error("%(route)s failed: %(fault)s (%(request_id)s)", fields, extra={"fields": fields})
            refusal = ApiError(500, "internal_error", "the server failed; the request id finds it in its log")
        if not started:
            await error_response(refusal, request_id_of(scope))(scope, receive, send)
