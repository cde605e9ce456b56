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

    What the thread raises is raised here, in its place among the items. Closing waits for the one item in the making,
    through any Ctrl-C, which is raised after that.
    """
    taken: SimpleQueue[object] = SimpleQueue()
    room = threading.Semaphore(limit)
    stopped, ended = threading.Event(), threading.Event()

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
        finally:
            ended.set()

    thread = threading.Thread(target=work, name="rida-ahead", daemon=True)
    thread.start()
    try:
        while (item := taken.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            room.release()
            yield item  # type: ignore[misc]
    finally:
        asked = _awaited(ended, stopped, room)
        _drop_rest(taken, drop)
        thread.join()  # it has nothing left to do
        if asked is not None:
            raise asked


def _awaited(ended: threading.Event, stopped: threading.Event, room: threading.Semaphore) -> KeyboardInterrupt | None:
    """Stop a thread and wait for it; what it works on cannot be closed under its hands, however often that is asked.

    Not by Thread.join: one that is interrupted takes a thread that still runs for ended, before Python 3.13.
    """
    asked = None
    while not ended.is_set():
        try:
            stopped.set()
            room.release()
            ended.wait()
        except KeyboardInterrupt as again:
            asked = again
    return asked


def _drop_rest(taken: SimpleQueue[object], drop: Callable[[Item], None]) -> None:
    while True:
        try:
            item = taken.get_nowait()
        except Empty:
            return
        if item is not _END and not isinstance(item, _Failure):
            drop(item)  # type: ignore[arg-type]
