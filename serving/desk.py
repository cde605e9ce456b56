"""Everything that a store makes possible, for one server: hooks, scoring of what they bring, outbox, inbox, retention.

Imported only where a store is set; its libraries are the extra `rida[inbox]`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from model.errors import RidaError
from model.labels import TOPICS
from serving.changes import Changes
from serving.hooks.intake import Intake
from serving.hooks.routes import add_hooks
from serving.hooks.scorer import Scorer
from serving.http.traces import trace
from serving.inbox.routes import add_inbox
from serving.inbox.trend import Trend
from serving.outbox.sender import Sender
from serving.outbox.targets import TARGETS, targets_of
from serving.store.database import Database, open_database
from serving.store.lease import Lease
from serving.store.retention import expire
from serving.store.scores import Policy
from serving.store.topic_labels import topic_labels

if TYPE_CHECKING:
    from serving.http.lifecycle import Service

logger = logging.getLogger("rida.http")

_LOOK_SECONDS: Final = 0.2
_HOLD_SECONDS: Final = 1.0
_PING_SECONDS: Final = 5.0
_EXPIRE_SECONDS: Final = 600.0
_LOG_TRIES: Final = 5
_RESTART_SECONDS: Final = 1.0


class Desk:
    """The open store and what works on it."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.changes = Changes()
        self.trend = Trend()
        # Before anything is opened: what is set by half stops the server at once.
        self.targets = targets_of(service.settings)
        self._database: Database | None = None
        self._intake: Intake | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._lease: Lease | None = None

    @property
    def database(self) -> Database:
        """The store, open from start to stop."""
        assert self._database is not None
        return self._database

    @property
    def intake(self) -> Intake:
        """What takes deliveries in."""
        assert self._intake is not None
        return self._intake

    def policy(self) -> Policy:
        """What decides over moods; once the weights are loaded."""
        assert self.service.scoring is not None
        config = self.service.scoring.classifier.info.config
        return Policy(config.thresholds.angry, self.targets, config.topics, self.service.settings.keep_text_days != 0)

    def _behind(self) -> float:
        return self.intake.behind()

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics of the weights; as long as they are not loaded, those that all weights have."""
        scoring = self.service.scoring
        return TOPICS if scoring is None else scoring.classifier.info.config.topics

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Around the life of a server; one that cannot open its store ends at once."""
        try:
            await self._start()
        except (RidaError, SQLAlchemyError, OSError) as error:
            self.service.failure = error
        try:
            yield
        finally:
            await self._stop()

    async def _start(self) -> None:
        """Open the store and begin to work.

        Raises:
            InputError: the store cannot be opened.
        """
        settings = self.service.settings
        assert settings.store is not None
        self._database = await asyncio.to_thread(open_database, settings.store)
        scorer = Scorer(
            self._database,
            self.service.metrics,
            settings.deadline_seconds,
            self.changes.announce,
            self._behind,
            self.service.offer_to_shadow,
        )

        def stored() -> None:
            scorer.wake()
            self.changes.announce()

        self._intake = Intake(self._database, stored)
        self._lease = Lease(self._database.engine)
        self._begin(self._work(scorer))
        self._begin(self.changes.watch(self._database))

    async def _stop(self) -> None:
        """Put down what is in hand; the store knows it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.changes.close()
        if self._lease is not None:
            self._lease.give_back()
        if self._database is not None:
            await asyncio.to_thread(self._database.close)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def _work(self, scorer: Scorer) -> None:
        """Of several servers on one store only one scores, sends and expires: nothing is to be sent twice."""
        lease = self._lease
        assert lease is not None
        while True:
            while self.service.phase != "ready" or not await asyncio.to_thread(lease.take):
                await asyncio.sleep(_LOOK_SECONDS)
            work = asyncio.create_task(self._work_as_holder(scorer))
            try:
                while not work.done() and await _is_held(lease):
                    await asyncio.sleep(_HOLD_SECONDS)
            finally:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
            logger.error("the lock on the store is lost; the work goes on when it is ours again")
            await asyncio.to_thread(lease.give_back)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _work_as_holder(self, scorer: Scorer) -> None:
        assert self.service.scoring is not None
        scoring, policy = self.service.scoring, self.policy()
        ours = topic_labels(policy.topics).values()
        async with asyncio.TaskGroup() as group:
            group.create_task(_for_ever(lambda: scorer.run(scoring, policy)))
            group.create_task(_for_ever(self._expire))
            for target in TARGETS:
                if target.name in {*self.targets.labels, *self.targets.alarms}:
                    sender = Sender(self.database, target, self.service.settings, self.service.metrics, ours)
                    group.create_task(_for_ever(sender.run))

    async def _expire(self) -> None:
        settings, write = self.service.settings, self.database.write
        while True:
            # Lot by lot, so that deliveries come in between.
            while (await write(expire, keep_text_days=settings.keep_text_days, keep_days=settings.keep_days)).more:
                pass
            for _ in range(_LOG_TRIES):
                if await asyncio.to_thread(self.database.empty_log):
                    break
                await asyncio.sleep(_LOOK_SECONDS)
            else:
                logger.warning(
                    "texts that are gone still stand in the store's log: somebody reads it; tried again later"
                )
            await asyncio.sleep(_EXPIRE_SECONDS)


async def _is_held(lease: Lease) -> bool:
    try:
        async with asyncio.timeout(_PING_SECONDS):
            return await asyncio.to_thread(lease.holds)
    except TimeoutError:
        # A database that does not answer may have given it to another server.
        return False


async def _for_ever(work: Callable[[], Awaitable[None]]) -> None:
    """Begin again after a fault: a moment without its database must not leave a server that does nothing more."""
    while True:
        try:
            await work()
        except Exception as error:
            logger.error("work on the store failed and begins again: %s", trace(error))
        await asyncio.sleep(_RESTART_SECONDS)


def add_desk(app: FastAPI) -> Desk:
    """Give `app` the routes of hooks and inbox."""
    for name in ("httpx", "httpcore"):
        # They log the address of every request, in which conversations stand.
        logging.getLogger(name).setLevel(logging.WARNING)
    desk = Desk(app.state.service)
    add_hooks(app, desk)
    add_inbox(app, desk)
    return desk
