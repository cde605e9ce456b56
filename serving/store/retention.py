"""What is taken out of the store: conversations that somebody wants deleted, and what has been kept long enough."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, null, update

from serving.store.tables import DAY, conversations, deliveries, messages, now, outbox, sessions

_DELIVERY_DAYS: Final = 30
"""How long a repetition is known as one; no system tries for longer than a few days."""

_OUTBOX_DAYS: Final = 7


class Expired(NamedTuple):
    """How much was taken out."""

    conversations: int
    texts: int


def delete_conversation(connection: Connection, system: str, external_id: str) -> bool:
    """Delete a conversation with its messages, scores, corrections and what was to be sent of it; whether it was there.

    That its deliveries came is still known, by hashes that say nothing: sent again, they do not bring it back.
    """
    c = conversations.c
    gone = connection.execute(delete(conversations).where(c.system == system, c.external_id == external_id))
    return gone.rowcount > 0


def expire(connection: Connection, *, keep_text_days: int | None, keep_days: int | None) -> Expired:
    """Take out what is older than it may be. None keeps for ever; a text that still waits to be scored is kept."""
    at = now()
    texts = gone = 0
    if keep_days is not None:
        old = delete(conversations).where(conversations.c.last_at < at - keep_days * DAY)
        gone = connection.execute(old).rowcount
    if keep_text_days is not None:
        c = messages.c
        old_texts = (
            update(messages)
            .where(c.text.is_not(None), c.status != "waiting", c.received_at < at - keep_text_days * DAY)
            .values(text=null())
        )
        texts = connection.execute(old_texts).rowcount
    connection.execute(delete(deliveries).where(deliveries.c.received_at < at - _DELIVERY_DAYS * DAY))
    sent = outbox.c.status.in_(("done", "failed"))
    connection.execute(delete(outbox).where(sent, outbox.c.created_at < at - _OUTBOX_DAYS * DAY))
    connection.execute(delete(sessions).where(sessions.c.expires_at < at))
    return Expired(gone, texts)


def empty_write_ahead_log(connection: Connection) -> None:
    """Take what was deleted out of SQLite's second file too; PostgreSQL does it by itself, in its own time."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
