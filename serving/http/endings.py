"""Ends connections so that no answer is lost on them and none is held open by what nobody will read."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SMALL_BYTES: Final = 65_536
_MOMENT_SECONDS: Final = 0.25
_LINGER_SECONDS: Final = 5.0


class Endings:
    """Closes the connection after an answer that came before its request was read, and after all while draining.

    A connection that is closed while its client still sends is reset, and the client may lose the answer. So what is
    still to come is read and thrown away: before the answer if it is little, as it will be here in a moment and the
    connection can be kept; after it, for a few seconds, if it is much.
    """

    def __init__(self, app: ASGIApp, draining: Callable[[], bool]) -> None:
        self.app = app
        self.draining = draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(Headers(scope=scope), receive)
        unread = False

        async def send_and_decide(message: Message) -> None:
            nonlocal unread
            if message["type"] == "http.response.start":
                if body.is_small and not body.over:
                    await body.skip(_MOMENT_SECONDS)
                unread = not body.over
                if unread or self.draining():
                    MutableHeaders(scope=message)["Connection"] = "close"
            elif unread:
                # With the end of the answer the connection would end; its client sees by its length that it has all.
                message = {**message, "more_body": True}
            await send(message)

        await self.app(scope, body.receive, send_and_decide)
        if unread:
            await body.skip(_LINGER_SECONDS)
            await send({"type": "http.response.body"})


class _Body:
    """What is still to come of a request."""

    def __init__(self, headers: Headers, receive: Receive) -> None:
        length = headers.get("Content-Length", "0")
        chunked = "Transfer-Encoding" in headers
        self.over = not chunked and length == "0"
        # Who asks first whether to send it is not made to by a refusal.
        self.is_small = not chunked and "Expect" not in headers and length.isdecimal() and int(length) <= _SMALL_BYTES
        self._receive = receive

    async def receive(self) -> Message:
        message = await self._receive()
        self.over = self.over or message["type"] == "http.disconnect" or not message.get("more_body", False)
        return message

    async def skip(self, seconds: float) -> None:
        # Cancelled is who outlasts the draining: then there is no time for this.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            return
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(seconds):
                while not self.over:
                    await self.receive()
