"""One connection: uvicorn's, with an end to what uvicorn would wait for without one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.http.errors import ApiError, error_response
from serving.http.exchange import HEADER, new_request_id

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the balancers' 60: who closes an idle connection first must not be the one that is sent requests."""

_STALL_SECONDS: Final = 75.0
_HEAD_BYTES: Final = 65_536


class Connection(HttpToolsProtocol):
    """Closes when a request's head does not come to its end, or an answer is not taken."""

    def __init__(self, *given: Any, head_seconds: float, **named: Any) -> None:
        super().__init__(*given, **named)
        # Uvicorn's access log shows the query, which may hold anything; ours does not.
        self.access_log = False
        self._in_head = False
        self._head_bytes = 0
        self._refusal = b""
        self._head = _Alarm(self.loop, head_seconds, self.timeout_keep_alive_handler)
        self._answer = _Alarm(self.loop, _STALL_SECONDS, self._abort)

    @property
    def holds_unsent(self) -> bool:
        """Whether a part of an answer waits for its client to take it."""
        return self.transport.get_write_buffer_size() > 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; who sends nothing is let go like who sends nothing more."""
        super().connection_made(transport)
        # All that the kernel does not take at once counts as waiting, not only what is much.
        transport.set_write_buffer_limits(high=0)
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._head.stop()
        self._answer.stop()
        super().connection_lost(exc)
        # Uvicorn lets it run on where the end was an error.
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Give the head of a request, from its first byte on, a limited time and size."""
        if self._refusal:
            return
        super().data_received(data)
        self._head_bytes = self._head_bytes + len(data) if self._in_head else 0
        if self._head_bytes > _HEAD_BYTES:
            self.send_400_response(f"the head of a request may have at most {_HEAD_BYTES} bytes")
        if self._answering:
            self._head.stop()
        else:
            self._head.start()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """All of a request's head."""
        super().on_headers_complete()
        self._in_head = False

    def on_response_complete(self) -> None:
        """The next request's head may have begun while this one was answered."""
        super().on_response_complete()
        if self._answering:
            return
        if self._refusal:
            self._refuse()
        elif self._in_head:
            self._head.start()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, after the requests that came before it."""
        request_id = new_request_id()
        headers = {"Connection": "close", HEADER: request_id}
        answer = error_response(ApiError(400, "bad_request", msg, headers), request_id)
        head = [b"%s: %s" % header for header in answer.raw_headers]
        self._refusal = b"\r\n".join([b"HTTP/1.1 400 Bad Request", *head, b"", bytes(answer.body)])
        if not self._answering:
            self._refuse()

    def pause_writing(self) -> None:
        """The client does not take its answer as fast as we give it."""
        super().pause_writing()
        self._answer.start()

    def resume_writing(self) -> None:
        """The client has taken all."""
        self._answer.stop()
        super().resume_writing()

    @property
    def _answering(self) -> bool:
        # Meanwhile the next request's head may take its time: nobody waits for it.
        return bool(self.pipeline) or (self.cycle is not None and not self.cycle.response_complete)

    def _refuse(self) -> None:
        self.transport.write(self._refusal)
        self.transport.close()

    def _abort(self) -> None:
        self.transport.abort()

    def _unsupported_upgrade_warning(self) -> None:
        # There is nothing to change to, and no need to warn of who asks.
        pass


class _Alarm:
    """Rings once if it is not stopped in time; to start it again does not put it off."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._seconds = seconds
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._ring)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
