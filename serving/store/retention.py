"""What is taken out of the store: conversations that somebody wants deleted, and what has been kept long enough."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, case, delete, null, select, tuple_, update

from serving.store.tables import DAY, conversations, deliveries, messages, now, outbox, sessions

DELIVERY_DAYS: Final = 30
"""How long a repetition is known as one; what was sent earlier is not taken in at all."""

LOT: Final = 1_000
"""Rows of a table that are taken out at once: the store takes one writer at a time."""

_OUTBOX_DAYS: Final = 7


class Expired(NamedTuple):
    """How much was taken out."""

    conversations: int
    texts: int
    more: bool
    """Whether there is more to take out."""


def delete_conversation(connection: Connection, system: str, external_id: str) -> bool:
    """Delete a conversation with its messages, scores, corrections and what was to be sent of it; whether it was there.

    That its deliveries came is still known, by hashes that say nothing: sent again, they do not bring it back.
    """
    c = conversations.c
    gone = connection.execute(delete(conversations).where(c.system == system, c.external_id == external_id))
    return gone.rowcount > 0


def expire(connection: Connection, *, keep_text_days: int | None, keep_days: int | None) -> Expired:
    """Take out a lot of what is older than it may be. None keeps for ever; a text that waits to be scored is kept."""
    at = now()
    gone = texts = 0
    if keep_days is not None:
        c = conversations.c
        # Of one in which no customer has written yet only its last change is known.
        last_at, limit = case((c.last_at > 0, c.last_at), else_=c.changed_at), at - keep_days * DAY
        gone = _delete(connection, conversations, c.last_at < limit, last_at < limit)
    if keep_text_days is not None:
        m = messages.c
        old = (
            select(m.id)
            .where(m.text.is_not(None), m.status != "waiting", m.received_at < at - keep_text_days * DAY)
            .limit(LOT)
        )
        texts = connection.execute(update(messages).where(m.id.in_(old)).values(text=null())).rowcount
    sent = outbox.c.status.in_(("done", "failed"))
    others = (
        _delete(connection, deliveries, deliveries.c.received_at < at - DELIVERY_DAYS * DAY),
        _delete(connection, outbox, sent, outbox.c.created_at < at - _OUTBOX_DAYS * DAY),
        _delete(connection, sessions, sessions.c.expires_at < at),
    )
    return Expired(gone, texts, more=LOT in (gone, texts, *others))


def _delete(connection: Connection, table: Table, *which: ColumnElement[bool]) -> int:
    key = tuple_(*table.primary_key.columns)
    lot = select(*table.primary_key.columns).where(*which).limit(LOT)
    return connection.execute(delete(table).where(key.in_(lot))).rowcount
