"""One connection: uvicorn's, with an end to what uvicorn would wait for without one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the balancers' 60: who closes an idle connection first must not be the one that is sent requests."""

_STALL_SECONDS: Final = 75.0


class Connection(H11Protocol):
    """Closes when a request's head does not come to its end, or an answer is not taken."""

    def __init__(self, *given: Any, head_seconds: float, **named: Any) -> None:
        super().__init__(*given, **named)
        # Uvicorn's access log shows the query, which may hold anything; ours does not.
        self.access_log = False
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
        """Give the head of a request, from its first byte on, a limited time."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._head.start()
        else:
            self._head.stop()

    def on_response_complete(self) -> None:
        """The next request's head may have begun while this one was answered."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._head.start()

    def pause_writing(self) -> None:
        """The client does not take its answer as fast as we give it."""
        super().pause_writing()
        self._answer.start()

    def resume_writing(self) -> None:
        """The client has taken all."""
        self._answer.stop()
        super().resume_writing()

    def _abort(self) -> None:
        self.transport.abort()

    def _should_upgrade(self) -> bool:
        # There is nothing to change to, and no need to warn of who asks.
        return False


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
