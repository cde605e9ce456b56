"""How far scoring or reading has come, shown on a terminal and nowhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

Show = Callable[[int, float | None], None]


@contextmanager
def shown_progress(
    doing: str, *, wanted: bool, already: int = 0, share: float = 0.0, console: Console | None = None
) -> Iterator[Show]:
    """A line on stderr with rows, rate and time left, told (rows done, share of the input read or None).

    `already` rows, a `share` of the whole, were done before. Does nothing where stderr is no terminal.
    """
    if not wanted or (console is None and not sys.stderr.isatty()):
        yield lambda rows, fraction: None
        return
    # Imported here: a pipe or a cron job needs none of it.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn(doing),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TextColumn("{task.fields[rate]:,.0f} rows/s"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=console or Console(stderr=True),
        transient=True,
        redirect_stdout=False,  # a pipe's rows go there
    )
    began = time.perf_counter()
    task = bar.add_task(doing, total=None, rows=already, rate=0.0)
    bar.update(task, total=1.0 if share else None, completed=share)

    def show(rows: int, fraction: float | None) -> None:
        rate = (rows - already) / max(time.perf_counter() - began, 1e-9)
        bar.update(
            task,
            total=None if fraction is None else 1.0,
            completed=fraction or 0.0,
            rows=rows,
            rate=rate,
        )

    with bar:
        yield show
