"""Which of the servers on one store does the work that must be done once.

What locks is the system, which takes the lock back from a process that is killed.
"""

from __future__ import annotations

import contextlib
import os
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

_LOCK: Final = 7_211_002
_IS_OURS: Final = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = :lock AND pid = pg_backend_pid() AND granted"
)


class Lease:
    """A lock that lives as long as this process: of PostgreSQL's session, or of a file beside SQLite's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._file: int | None = None

    def take(self) -> bool:
        """Whether it is ours from now on."""
        return self._take_of_postgresql() if self._engine.dialect.name == "postgresql" else self._take_of_file()

    def holds(self) -> bool:
        """Whether it still is; PostgreSQL takes it back when the connection breaks, of which nobody tells us."""
        if self._connection is None:
            return self._file is not None or os.name != "posix"
        try:
            return bool(self._connection.scalar(_IS_OURS, {"lock": _LOCK}))
        except SQLAlchemyError:
            return False

    def give_back(self) -> None:
        """Let another server have it."""
        if self._connection is not None:
            with contextlib.suppress(SQLAlchemyError):
                # Not back into the pool: the lock is the session's.
                self._connection.invalidate()
                self._connection.close()
            self._connection = None
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _take_of_postgresql(self) -> bool:
        connection = None
        try:
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            if connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
                self._connection = connection
                return True
        except SQLAlchemyError:
            pass
        if connection is not None:
            connection.close()
        return False

    def _take_of_file(self) -> bool:
        if os.name != "posix":
            # A SQLite file is for one server; elsewhere that is left to whoever starts two.
            return True
        import fcntl

        opened = os.open(f"{self._engine.url.database}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(opened)
            return False
        self._file = opened
        return True
