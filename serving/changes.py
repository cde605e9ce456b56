"""Tells who watches the inbox that something has changed, be it by this server or by another one on the same store."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from serving.store.tables import conversations

if TYPE_CHECKING:
    from serving.store.database import Database

_LOOK_SECONDS: Final = 1.0


class Changes:
    """Counts changes; who has seen one number waits for the next."""

    def __init__(self) -> None:
        self.number = 0
        self.watchers = 0
        self.closed = False
        self._next = asyncio.Event()

    def announce(self) -> None:
        """Something has changed."""
        self.number += 1
        self._next.set()
        self._next = asyncio.Event()

    async def after(self, seen: int, seconds: float) -> bool:
        """Wait for a change after the one seen; False if there is none in so many seconds."""
        if self.number == seen and not self.closed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._next.wait()
        return self.number != seen

    def close(self) -> None:
        """Let all who wait go."""
        self.closed = True
        self._next.set()

    async def watch(self, database: Database) -> None:
        """Notice what others change, as long as somebody here wants to know."""
        seen = None
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if not self.watchers:
                continue
            with contextlib.suppress(SQLAlchemyError):
                last = await database.read(_last_change)
                if seen is not None and last != seen:
                    self.announce()
                seen = last


def _last_change(connection: Connection) -> tuple[int | None, int | None]:
    c = conversations.c
    row = connection.execute(select(func.max(c.changed_at), func.count())).one()
    return row[0], row[1]
