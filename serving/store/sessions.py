"""Who is logged in to the inbox."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from serving.store.tables import now, sessions

SESSION_SECONDS: Final = 12 * 3600
"""A working day and a little."""


@dataclass(frozen=True, slots=True)
class Session:
    """A person at the inbox; `csrf` is what each of their forms brings."""

    name: str
    csrf: str
    key_hash: str


def begin_session(connection: Connection, name: str, key_hash: str) -> str:
    """The cookie of a new session."""
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(sessions).values(
            token_hash=_hash(token), key_hash=key_hash, name=name, csrf=secrets.token_urlsafe(32),
            expires_at=now() + SESSION_SECONDS * 1000,
        )
    )  # fmt: skip
    return token


def find_session(connection: Connection, token: str) -> Session | None:
    """The session of a cookie, if it has not run out."""
    c = sessions.c
    query = select(c.name, c.csrf, c.key_hash).where(c.token_hash == _hash(token), c.expires_at > now())
    row = connection.execute(query).one_or_none()
    return Session(row.name, row.csrf, row.key_hash) if row else None


def end_session(connection: Connection, token: str) -> None:
    """Forget a session."""
    connection.execute(delete(sessions).where(sessions.c.token_hash == _hash(token)))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
