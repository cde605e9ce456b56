"""Opens the store and runs what reads and writes it, beside the event loop.

One thread writes, as SQLite takes one writer at a time in any case; two read. Every piece of work is a function of a
connection; what it did is kept when it returns and undone when it raises.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from model.errors import InputError

_SETTING: Final = "--store (RIDA_STORE)"
_BUSY_SECONDS: Final = 2
"""How long a store that is locked, or a host that does not answer, is waited for: who delivers waits as well."""

_LOG_BUSY_MILLISECONDS: Final = 200
_POSTGRESQL: Final = {
    "connect_timeout": _BUSY_SECONDS,
    # A host that is gone without a word is noticed.
    "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000,
}  # fmt: skip
_READERS: Final = 2
_MIGRATION_LOCK: Final = 7_211_001

_Given = ParamSpec("_Given")
_Value = TypeVar("_Value")


class Database:
    """An open store."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._for_writing = engine.execution_options(writes=True)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="rida-store-writing")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="rida-store-reading")

    def change(
        self, work: Callable[Concatenate[Connection, _Given], _Value], *given: _Given.args, **named: _Given.kwargs
    ) -> _Value:
        """Do `work` in a transaction, in the calling thread."""
        with self._for_writing.begin() as connection:
            return work(connection, *given, **named)

    def look(
        self, work: Callable[Concatenate[Connection, _Given], _Value], *given: _Given.args, **named: _Given.kwargs
    ) -> _Value:
        """Do `work`, which changes nothing, in the calling thread."""
        with self.engine.connect() as connection:
            return work(connection, *given, **named)

    async def write(
        self, work: Callable[Concatenate[Connection, _Given], _Value], *given: _Given.args, **named: _Given.kwargs
    ) -> _Value:
        """Do `work` in a transaction, after whatever is being written; on disk once this returns."""
        return await asyncio.get_running_loop().run_in_executor(
            self._writer, lambda: self.change(work, *given, **named)
        )

    async def read(
        self, work: Callable[Concatenate[Connection, _Given], _Value], *given: _Given.args, **named: _Given.kwargs
    ) -> _Value:
        """Do `work`, which changes nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, lambda: self.look(work, *given, **named))

    def empty_log(self) -> bool:
        """Take what was deleted out of SQLite's second file too; False where somebody who reads keeps it from us.

        PostgreSQL does it by itself, in its own time.
        """
        if self.engine.dialect.name != "sqlite":
            return True
        with self.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.execute(f"PRAGMA busy_timeout = {_LOG_BUSY_MILLISECONDS}")
            try:
                busy: int = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                driver.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
        return not busy

    def close(self) -> None:
        """Finish what is being written, and close."""
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True, cancel_futures=True)
        self.engine.dispose()


def open_database(store: str) -> Database:
    """Open the SQLite file or PostgreSQL database of the setting, and bring its tables up to date.

    Raises:
        InputError: it cannot be opened, is no store of ours, or was written by a newer Rida.
    """
    try:
        url = _url_of(store)
    except OSError as error:
        raise InputError(f"{_SETTING}: {store} cannot be written: {error.strerror}") from None
    of_file = url.get_backend_name() == "sqlite"
    engine = create_engine(
        url, pool_pre_ping=not of_file, hide_parameters=True, connect_args={} if of_file else _POSTGRESQL
    )
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    database = Database(engine)
    try:
        database.change(_migrate)
    except CommandError:
        database.close()
        raise InputError(f"{_SETTING}: the store was written by a newer Rida; use that one") from None
    except (SQLAlchemyError, OSError, ImportError) as error:
        database.close()
        if isinstance(error, ModuleNotFoundError):
            raise
        # The library's words may quote the URL with its password; the driver's name what went wrong.
        reason = " ".join(str(getattr(error, "orig", None) or type(error).__name__).split())
        raise InputError(f"{_SETTING}: the store cannot be opened: {_without_password(reason, url)}") from None
    return database


def _url_of(store: str) -> URL:
    if "://" not in store:
        path = Path(store)
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise InputError(f"{_SETTING}: {store} is not a file in a folder that exists")
        # What customers write is for the server's own account alone.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return URL.create("sqlite", database=str(path.absolute()))
    try:
        url = make_url(store)
    except ArgumentError:
        raise InputError(f"{_SETTING} must be a path, or a URL that begins with postgresql://") from None
    if url.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise InputError(f"{_SETTING} must be a path, or a URL that begins with postgresql://")
    return url.set(drivername="postgresql+psycopg")


def _without_password(reason: str, url: URL) -> str:
    return reason.replace(str(url.password), "…") if url.password else reason


def _prepare_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    # Transactions begin where we say so; the driver's own begin only before the first write.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA journal_mode = WAL")
    # What was acknowledged must outlast a power cut, not only a killed process.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # What is deleted is overwritten: a text that had to go must not be found in the file.
    connection.execute("PRAGMA secure_delete = ON")


def _begin_sqlite(connection: Connection) -> None:
    # Who means to write says so at once: a reader that turns writer can be refused without waiting.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
