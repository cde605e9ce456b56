"""Empties the outbox: tries each thing again and again, until it has been taken or is too old."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from serving.http.traces import trace
from serving.outbox.asking import NeverError, NotNowError
from serving.outbox.targets import Target
from serving.store.outbox import Item, count_unsent, settle, take_next
from serving.store.tables import DAY, now

if TYPE_CHECKING:
    import httpx

    from serving.http.metrics import Metrics
    from serving.settings import Settings
    from serving.store.database import Database

logger = logging.getLogger("rida.http")

_LOOK_SECONDS: Final = 0.5
_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 600.0
_LONGEST_AGE: Final = 3 * DAY
_GONE: Final = 410
"""What an address answers that wants to be told no more."""


class Sender:
    """Sends what waits for one target, one after the other: what came first is told first."""

    def __init__(
        self, database: Database, target: Target, settings: Settings, metrics: Metrics, ours: Collection[str]
    ) -> None:
        """`ours` are the labels of the weights' topics, which may be taken away again."""
        self._database = database
        self._ours = ours
        self._target = target
        self._settings = settings
        self._metrics = metrics

    async def run(self) -> None:
        """Send until cancelled."""
        name = self._target.name
        async with self._target.client(self._settings) as client:
            while True:
                unsent = await self._database.read(count_unsent, name)
                self._metrics.unsent.labels(name).set(unsent)
                # Reading is for free; to look by writing would hold up those who have something to write.
                item = await self._database.write(take_next, name, ours=self._ours) if unsent else None
                if item is None:
                    await asyncio.sleep(_LOOK_SECONDS)
                else:
                    await self._send(client, item)

    async def _send(self, client: httpx.AsyncClient, item: Item) -> None:
        try:
            await self._target.send(client, item, self._settings)
        except NotNowError as refusal:
            await self._put_off(item, refusal)
        except NeverError as refusal:
            if self._target.takes_labels or refusal.status == _GONE:
                await self._give_up(item, refusal.problem)
            else:
                # One address takes all alarms: what it refuses is somebody's mistake there, which will be mended.
                await self._put_off(item, NotNowError(refusal.problem, arrived=False))
        except Exception as error:
            # Such as an answer in a shape that nobody foresaw.
            logger.error("what %s answered cannot be read: %s", item.target, trace(error))
            await self._put_off(item, NotNowError(type(error).__name__, arrived=True))
        else:
            await self._database.write(settle, item, "done")

    async def _put_off(self, item: Item, refusal: NotNowError) -> None:
        if now() - item.created_at > _LONGEST_AGE:
            await self._give_up(item, refusal.problem)
            return
        seconds = wait_of(item.attempts, refusal.seconds)
        # Once unsure, unsure it stays until a look there or a good answer says otherwise.
        status = "sending" if refusal.arrived or item.unsure else "waiting"
        await self._database.write(settle, item, status, next_at=now() + int(seconds * 1000), problem=refusal.problem)
        logger.warning("%s is told later: %s", item.target, refusal.problem)
        if refusal.seconds is not None:
            # It has had enough for now, of whatever there is.
            await asyncio.sleep(refusal.seconds)

    async def _give_up(self, item: Item, problem: str) -> None:
        await self._database.write(settle, item, "failed", problem=problem)
        self._metrics.given_up.labels(item.target).inc()
        logger.error("%s is not told: %s", item.target, problem)


def wait_of(attempts: int, wanted: float | None) -> float:
    """Seconds until the next try: as the other side wants it, or longer each time, and never all at the same moment."""
    longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(attempts - 1, 20))
    jittered = longest * random.uniform(0.5, 1.0)
    return jittered if wanted is None else max(wanted, jittered)
