"""Scores what the hooks have stored, on the same workers as requests, and stores what came of it.

Nothing is remembered here that the store does not know: after a restart the messages that still wait are scored.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import SQLAlchemyError

from model.prediction import Prediction, Rejection
from serving.hooks.languages import Languages
from serving.http.errors import ApiError
from serving.http.traces import trace
from serving.store.scores import Policy, Scored, Unscored, count_unscored, record_scores, unscored

if TYPE_CHECKING:
    from serving.http.metrics import Metrics
    from serving.http.scoring import Scoring
    from serving.store.database import Database

logger = logging.getLogger("rida.http")

_TOGETHER: Final = 16
"""Few enough that those who call the API do not wait behind them."""

_LOTS: Final = 2
_CALM_SECONDS: Final = 0.01
_LATE_SECONDS: Final = 0.02
_BEHIND_SECONDS: Final = 0.15
_LONGEST_PATIENCE: Final = 2.0
_LOOK_SECONDS: Final = 1.0
_PAUSE_SECONDS: Final = 0.5
_MOST_TRIES: Final = 3
_NOT_NOW: Final = ("queue_full", "too_late", "not_ready", "draining")
"""Refusals that say nothing of the texts: they pass, however long that takes."""

_TOGETHER_ONLY: Final = ("deadline_passed", "worker_lost")
"""So do these, but what goes wrong together may go well one by one."""


class Scorer:
    """Takes messages from the store, two lots at a time, so that one is scored while the other is read and stored."""

    def __init__(
        self,
        database: Database,
        metrics: Metrics,
        deadline_seconds: int,
        changed: Callable[[], None],
        behind: Callable[[], float],
        offer: Callable[[Sequence[str], Sequence[Prediction | Rejection]], None],
    ) -> None:
        """`changed` is called when scores have been stored, then `offer` with the texts and what was found.

        `behind` tells for how long deliveries have waited.
        """
        self._database = database
        self._metrics = metrics
        self._deadline_seconds = deadline_seconds
        self._changed = changed
        self._behind = behind
        self._offer = offer
        self._woken = asyncio.Event()
        self._in_hand: set[int] = set()
        self._tries: dict[int, int] = {}

    def wake(self) -> None:
        """Look at once."""
        self._woken.set()

    async def run(self, scoring: Scoring, policy: Policy) -> None:
        """Score until cancelled."""
        languages = await asyncio.to_thread(Languages, _known(scoring))
        # After a fault some may have been left in a hand that is no more.
        self._in_hand.clear()
        lots = asyncio.Semaphore(_LOTS)
        async with asyncio.TaskGroup() as group:
            while True:
                await lots.acquire()
                await _until_calm(self._behind)
                lot = await self._next_lot()
                task = group.create_task(self._score_lot(lot, scoring, policy, languages))
                task.add_done_callback(lambda _: lots.release())

    async def _next_lot(self) -> list[Unscored]:
        while True:
            self._woken.clear()
            try:
                lot = await self._database.read(unscored, most=_TOGETHER, leave_out=frozenset(self._in_hand))
                self._metrics.unscored.set(await self._database.read(count_unscored))
            except SQLAlchemyError as error:
                logger.error("what waits to be scored cannot be read: %s", trace(error))
                lot = []
            if lot:
                self._in_hand |= {each.id for each in lot}
                return lot
            # Another server may store as well, so it is looked for even where nobody wakes us.
            with contextlib.suppress(TimeoutError):
                # Not wait_for, which before Python 3.12 forgets a cancellation that comes together with what it awaits.
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._woken.wait()

    async def _score_lot(self, lot: Sequence[Unscored], scoring: Scoring, policy: Policy, languages: Languages) -> None:
        try:
            answers = await self._answers(lot, scoring)
            scored = [Scored(each.id, answer, languages.of(each.text)) for each, answer in answers]
            if scored:
                await self._database.write(record_scores, scored, policy)
                self._metrics.count_answers([each.answer for each in scored])
                self._changed()
                self._offer([each.text for each, _ in answers], [answer for _, answer in answers])
        except SQLAlchemyError as error:
            logger.error("scores cannot be stored, and are worked out again: %s", trace(error))
            await asyncio.sleep(_PAUSE_SECONDS)
        finally:
            self._in_hand -= {each.id for each in lot}

    async def _answers(
        self, lot: Sequence[Unscored], scoring: Scoring
    ) -> list[tuple[Unscored, Prediction | Rejection]]:
        """Those that there are; the others are taken up again."""
        try:
            never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            deadline = time.monotonic() + self._deadline_seconds
            texts, ids = [each.text for each in lot], [str(each.id) for each in lot]
            answered = await scoring.score(texts, ids, deadline=deadline, gone=never)
            for each in lot:
                self._tries.pop(each.id, None)
            return list(zip(lot, answered.answers, strict=True))
        except ApiError as refusal:
            if refusal.code in _NOT_NOW or (refusal.code in _TOGETHER_ONLY and len(lot) == 1):
                await asyncio.sleep(_PAUSE_SECONDS)
                return []
            return await self._one_by_one(lot, scoring, refusal.code)
        except Exception as error:
            logger.error("a message could not be scored: %s", trace(error))
            return await self._one_by_one(lot, scoring, "scoring_failed")

    async def _one_by_one(
        self, lot: Sequence[Unscored], scoring: Scoring, code: str
    ) -> list[tuple[Unscored, Prediction | Rejection]]:
        """So that a text that cannot be scored does not keep others from it, nor itself from coming to an end."""
        if len(lot) > 1:
            return [answer for each in lot for answer in await self._answers([each], scoring)]
        (only,) = lot
        self._tries[only.id] = self._tries.get(only.id, 0) + 1
        if self._tries[only.id] < _MOST_TRIES and code != "too_much_text":
            await asyncio.sleep(_PAUSE_SECONDS)
            return []
        del self._tries[only.id]
        return [(only, Rejection(str(only.id), code, "the text could not be scored"))]


async def _until_calm(behind: Callable[[], float]) -> None:
    """Let deliveries and requests be answered first: scores can wait, those who deliver cannot.

    Where an event loop wakes late, or a delivery waits long for the store, there is more to do than the cores
    allow, and scoring would take them away. Now and then it goes on all the same.
    """
    until = time.monotonic() + _LONGEST_PATIENCE
    while (began := time.monotonic()) < until:
        await asyncio.sleep(_CALM_SECONDS)
        if time.monotonic() - began < _CALM_SECONDS + _LATE_SECONDS and behind() < _BEHIND_SECONDS:
            return


def _known(scoring: Scoring) -> list[str]:
    languages = scoring.classifier.info.config.languages
    return [*languages.first_class, *languages.supported]
