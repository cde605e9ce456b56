"""The trend, worked out once for all who look: it reads every message of two weeks, and moves slowly."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from serving.inbox.chart import Day, days_of
from serving.store.views import trend

if TYPE_CHECKING:
    from serving.store.database import Database

_KEPT_SECONDS: Final = 5.0


class Trend:
    """The bars of the last days, a few seconds old at most."""

    def __init__(self) -> None:
        self._days: list[Day] = []
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def days(self, database: Database) -> list[Day]:
        """One bar a day.

        Raises:
            SQLAlchemyError: the store has failed.
        """
        async with self._lock:
            if time.monotonic() >= self._until:
                self._days = days_of(await database.read(trend))
                self._until = time.monotonic() + _KEPT_SECONDS
            return self._days
