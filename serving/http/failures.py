"""The last net: whatever goes wrong inside becomes the one error shape and one log line without content."""

from __future__ import annotations

import asyncio
import logging
import traceback
from pathlib import Path
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.http.access_log import route_of
from serving.http.errors import ApiError, error_response, unavailable
from serving.http.request_ids import request_id_of

logger = logging.getLogger("rida.http")

_INNERMOST_FRAMES: Final = 8


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
            # The message of an error may quote a text, so type and places are logged, not the message.
            logger.error("%s failed: %s (%s)", route_of(scope), _trace(error), request_id_of(scope))
            refusal = ApiError(500, "internal_error", "the server failed; the request id finds it in its log")
        if not started:
            await error_response(refusal, request_id_of(scope))(scope, receive, send)


def _trace(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-_INNERMOST_FRAMES:]
    places = " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
    cause = error.__cause__ or error.__context__
    return f"{type(error).__name__} at {places}" + (f" after {_trace(cause)}" if cause else "")
