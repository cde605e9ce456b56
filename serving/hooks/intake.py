"""Stores deliveries together: many share one transaction, so that a disk which takes its time holds nobody up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from serving.store.intake import Arrival, take_in

if TYPE_CHECKING:
    from serving.store.database import Database

_MOST_TOGETHER: Final = 200


class Intake:
    """What has come in and is not on disk yet."""

    def __init__(self, database: Database, stored: Callable[[], None]) -> None:
        """`stored` is called when there is something new in the store."""
        self._database = database
        self._stored = stored
        self._waiting: list[tuple[Arrival, asyncio.Future[bool], float]] = []
        self._writing: asyncio.Task[None] | None = None

    async def store(self, arrival: Arrival) -> bool:
        """Whether the delivery was new; on disk once this returns.

        Raises:
            SQLAlchemyError: the store has failed.
        """
        outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrival, outcome, time.monotonic()))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return await outcome

    def behind(self) -> float:
        """For how many seconds the oldest delivery has waited for its transaction to begin."""
        return time.monotonic() - self._waiting[0][2] if self._waiting else 0.0

    async def _write_all(self) -> None:
        # While one lot is being written the next gathers.
        while self._waiting:
            together, self._waiting = self._waiting[:_MOST_TOGETHER], self._waiting[_MOST_TOGETHER:]
            # Who was told that it takes too long sends it again.
            if still := [(arrival, outcome) for arrival, outcome, _ in together if not outcome.done()]:
                await self._write(still)
        self._writing = None

    async def _write(self, together: list[tuple[Arrival, asyncio.Future[bool]]]) -> None:
        try:
            fresh = await self._database.write(take_in, [arrival for arrival, _ in together])
        except Exception as error:
            if len(together) == 1 or _is_of_the_store(error):
                for _, outcome in together:
                    _settle(outcome, error)
                return
            # Something in one of them, for which the others must not be refused.
            for each in together:
                await self._write([each])
            return
        for (_, outcome), new in zip(together, fresh, strict=True):
            _settle(outcome, new)
        if any(fresh):
            self._stored()


def _is_of_the_store(error: Exception) -> bool:
    """Whether it meets all alike, such as a store that is locked: one by one they would only wait for it in turn."""
    return isinstance(error, SQLAlchemyError) and not isinstance(error, IntegrityError | DataError)


def _settle(outcome: asyncio.Future[bool], result: bool | Exception) -> None:
    # Who has left does not wait for it any more.
    if outcome.done():
        return
    if isinstance(result, Exception):
        outcome.set_exception(result)
    else:
        outcome.set_result(result)
