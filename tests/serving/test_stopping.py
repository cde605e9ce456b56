"""What waits for something to do ends when it is told to, also where that comes together with something to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from serving.changes import Changes
from serving.hooks.scorer import Scorer
from serving.http.metrics import Metrics


class NothingToScore:
    """A store in which no message waits."""

    async def read(self, work: Callable[..., Any], **_: Any) -> Any:
        return [] if work.__name__ == "unscored" else 0


async def look_for_changes(changes: Changes) -> None:
    while True:
        await changes.after(changes.number, seconds=30)


def of_changes() -> tuple[Callable[[], None], Coroutine[Any, Any, Any]]:
    changes = Changes()
    return changes.announce, look_for_changes(changes)


def of_the_scorer() -> tuple[Callable[[], None], Coroutine[Any, Any, Any]]:
    scorer = Scorer(NothingToScore(), Metrics(), 1, lambda: None, lambda: 0.0, lambda *_: None)  # type: ignore[arg-type]
    return scorer.wake, scorer._next_lot()


@pytest.mark.parametrize("of", [of_changes, of_the_scorer])
def test_a_stop_is_not_forgotten_for_what_comes_with_it(of):
    async def stopped() -> bool:
        wake, work = of()
        task = asyncio.create_task(work)
        await asyncio.sleep(0.01)
        wake()
        await asyncio.sleep(0)  # what was waited for is there, and whoever waits has not had a turn
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=2)
        task.cancel()
        return bool(done) and task.cancelled()

    assert asyncio.run(stopped())
