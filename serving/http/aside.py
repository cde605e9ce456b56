"""Work on large requests and answers, beside the event loop, so that others are answered meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

_LARGE_BYTES: Final = 32_768
"""To read as much takes about a millisecond; a thread costs a tenth of that."""

_Value = TypeVar("_Value")


class Aside:
    """One thread: they would only take turns, and the cores are for those who score."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rida-aside")

    async def run(self, size: int, work: Callable[..., _Value], *given: Any) -> _Value:
        """Do `work` with what is given, aside if it has to do with many bytes."""
        if size < _LARGE_BYTES:
            return work(*given)
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *given)

    def close(self) -> None:
        """End the thread after what it does; what waits is not done."""
        self._thread.shutdown(wait=False, cancel_futures=True)
