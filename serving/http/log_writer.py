"""Writes log lines from a thread of its own, so that a target that takes none holds nobody up."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
import time
from typing import Final

_MOST_LINES: Final = 10_000
_FLUSH_SECONDS: Final = 1.0
_LOST: Final = "%(lost)d log lines were lost, as nobody took them"


class LogWriter(logging.Handler):
    """Queues lines for a thread that writes them to a file descriptor; a line that finds no room is counted as lost.

    Not to a Python stream: its lock, held by a write that does not end, would hold up the end of the process.
    """

    def __init__(self, descriptor: int, *, most_lines: int = _MOST_LINES) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._lines: queue.Queue[str | None] = queue.Queue(most_lines)
        self._dropped = self._unwritten = 0
        self._thread = threading.Thread(target=self._write_all, name="rida-logging", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int:
        """How many lines have been lost."""
        return self._dropped + self._unwritten

    def emit(self, record: logging.LogRecord) -> None:
        """Queue one line."""
        try:
            self._lines.put_nowait(self.format(record))
        except Exception:
            # No room, or no line could be made of it. The library would show the error with its causes and their
            # messages, and on the very target that takes nothing.
            self._dropped += 1

    def close(self) -> None:
        """Write what can be written within a short time."""
        if self._thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._lines.put(None, timeout=_FLUSH_SECONDS)
                self._thread.join(_FLUSH_SECONDS)
        super().close()

    def _write_all(self) -> None:
        told = 0
        while (line := self._lines.get()) is not None:
            lost = self.lost
            if lost > told and self._write(self._line_of_lost(lost - told)):
                told = lost
            if not self._write(line):
                self._unwritten += 1

    def _line_of_lost(self, lost: int) -> str:
        record = logging.LogRecord("rida.http", logging.WARNING, "", 0, _LOST, ({"lost": lost},), None)
        record.__dict__["fields"] = {"lost": lost}
        return self.format(record)

    def _write(self, line: str) -> bool:
        rest = line.encode(errors="backslashreplace") + b"\n"
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                # Somebody else who has the same pipe has made it so that it does not wait by itself.
                time.sleep(0.05)
            except OSError:
                return False
        return True
