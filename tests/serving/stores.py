"""Stores for tests: SQLite files, and databases of a PostgreSQL that is started once."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from server_processes import free_port
from sqlalchemy import func, select

from serving.hooks.delivery import Delivered
from serving.store.database import open_database
from serving.store.intake import Arrival
from serving.store.tables import now

KINDS = ("sqlite", "postgresql")
_numbers = itertools.count(1)


def binaries() -> Path:
    """Where Debian keeps PostgreSQL's server; a test that has none is skipped, unless all are to run."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        if os.environ.get("RIDA_TEST_ALL"):
            pytest.fail("PostgreSQL's server is not installed: apt-get install postgresql")
        pytest.skip("PostgreSQL's server is not installed")
    return found[-1].parent


class Postgres:
    """A server of our own on a free port, whose data does not outlast the tests."""

    def __init__(self, folder: Path) -> None:
        self.binaries, self.folder, self.port = binaries(), folder, free_port()
        # The server refuses to run as root.
        self.user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        if self.user:
            shutil.chown(folder, "postgres", "postgres")
            for parent in folder.parents:
                if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
                    parent.chmod(parent.stat().st_mode | 0o011)
        self._run("initdb", "-D", str(folder / "data"), "-U", "rida", "-A", "trust", "--no-sync", "-E", "UTF8")
        options = f"-p {self.port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=50"
        self._run("pg_ctl", "-D", str(folder / "data"), "-o", options, "-l", str(folder / "log"), "-w", "start")

    def new_database(self) -> str:
        name = f"store{next(_numbers)}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "rida", name)
        return f"postgresql://rida@127.0.0.1:{self.port}/{name}"

    def stop(self) -> None:
        # Not by pg_ctl, which waits for it a second at a time.
        os.kill(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), *arguments]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        # Not captured: what the server inherits it would keep open.
        subprocess.run(command, cwd=self.folder, check=True, **quiet, **self.user)


def rows(store, table, *where):
    """All rows of a table as dictionaries."""
    database = open_database(store)
    try:
        query = select(table).where(*where).order_by(*table.primary_key.columns)
        return [dict(row._mapping) for row in database.look(lambda connection: connection.execute(query).all())]
    finally:
        database.close()


def count(store, table, *where):
    """How many rows there are."""
    database = open_database(store)
    try:
        return database.look(
            lambda connection: connection.scalar(select(func.count()).select_from(table).where(*where))
        )
    finally:
        database.close()


def arrival(number, *, system="generic", conversation="7", direction="customer", at=None, text="late"):
    """A message as it comes in."""
    at = at or now()
    return Arrival(system, Delivered(f"key {number}", conversation, direction, text, at), at)
