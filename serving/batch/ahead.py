"""Doing the next piece of work in the background while the one before is waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final, TypeVar

Item = TypeVar("Item")

_END: Final = object()


@dataclass(frozen=True, slots=True)
class _Failure:
    error: BaseException


def ahead(items: Iterator[Item], *, limit: int, drop: Callable[[Item], None]) -> Generator[Item]:
    """Take `items` in a thread, at most `limit` more than were asked for; `drop` gets those never asked for.

    What the thread raises is raised here, in its place among the items. Closing waits for the one item in the making.
    """
    taken: SimpleQueue[object] = SimpleQueue()
    room = threading.Semaphore(limit)
    stopped = threading.Event()

    def work() -> None:
        try:
            while True:
                room.acquire()
                if stopped.is_set():
                    return
                taken.put(next(items))
        except StopIteration:
            taken.put(_END)
        except BaseException as error:
            taken.put(_Failure(error))

    thread = threading.Thread(target=work, name="rida-ahead", daemon=True)
    thread.start()
    try:
        while (item := taken.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            room.release()
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        room.release()
        thread.join()
        _drop_rest(taken, drop)


def _drop_rest(taken: SimpleQueue[object], drop: Callable[[Item], None]) -> None:
    while True:
        try:
            item = taken.get_nowait()
        except Empty:
            return
        if item is not _END and not isinstance(item, _Failure):
            drop(item)  # type: ignore[arg-type]
