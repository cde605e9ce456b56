"""The tables of the store. Moments are whole milliseconds since 1970, in UTC."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

DAY: Final = 86_400_000
"""Milliseconds of a day."""

metadata: Final = MetaData()

# SQLite counts rows up by itself only in a column of this very type.
_Id = BigInteger().with_variant(Integer, "sqlite")


def _partial(name: str, *columns: str, where: str) -> Index:
    """An index that has only some rows, in both kinds of database."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


conversations: Final = Table(
    "conversations",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("system", String(16), nullable=False),
    Column("external_id", String(200), nullable=False),
    Column("resolved", Boolean, nullable=False, default=False),
    Column("claimed_by", String(80)),
    Column("mood", String(16)),
    Column("satisfied", Float),
    Column("neutral", Float),
    Column("dissatisfied", Float),
    Column("angry", Float),
    Column("topics", String, nullable=False, default=""),
    Column("language", String(8)),
    Column("needs_review", Boolean, nullable=False, default=False),
    # Whether the alarm for the angry mood has been raised and not yet been taken back; and how often it was.
    Column("alarmed", Boolean, nullable=False, default=False),
    Column("alarms", Integer, nullable=False, default=0),
    # Since when the customer waits for an answer; and the place in the inbox that follows, the lowest first. Both are
    # NULL where nobody waits, so one of them is enough to ask for.
    Column("waiting_since", BigInteger),
    Column("place", BigInteger),
    # When the customer last wrote (0: not yet), an agent answered or somebody resolved it, and the last of these alone.
    Column("last_at", BigInteger, nullable=False),
    Column("answered_at", BigInteger),
    Column("resolved_at", BigInteger),
    Column("changed_at", BigInteger, nullable=False),
    UniqueConstraint("system", "external_id", name="one_conversation"),
    _partial("conversations_waiting", "place", "id", where="place IS NOT NULL"),
    _partial("conversations_counted", "mood", "needs_review", "place", where="place IS NOT NULL"),
    _partial("conversations_answered", "resolved", "last_at", "id", where="place IS NULL"),
    Index("conversations_by_change", "changed_at"),
    Index("conversations_by_language", "language"),
    Index("conversations_by_last", "last_at", "id"),
    # An id is never given out again: the other sides know alarms by it.
    sqlite_autoincrement=True,
)

messages: Final = Table(
    "messages",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("conversation_id", _Id, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("text", Text),
    Column("text_hash", String(64), nullable=False),
    Column("sent_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    # waiting, scored or rejected.
    Column("status", String(8), nullable=False),
    Column("scored_at", BigInteger),
    Column("error", String(40)),
    Column("mood", String(16)),
    Column("satisfied", Float),
    Column("neutral", Float),
    Column("dissatisfied", Float),
    Column("angry", Float),
    Column("topics", String, nullable=False, default=""),
    Column("language", String(8)),
    Column("needs_review", Boolean, nullable=False, default=False),
    Column("truncated", Boolean, nullable=False, default=False),
    Index("messages_by_status", "status", "id"),
    Index("messages_by_conversation", "conversation_id", "sent_at"),
    # With the mood, for the trend.
    Index("messages_by_arrival", "received_at", "mood"),
    _partial("messages_with_text", "received_at", where="text IS NOT NULL"),
)

deliveries: Final = Table(
    "deliveries",
    metadata,
    Column("system", String(16), primary_key=True),
    # The SHA-256 of what names the message: nothing of a conversation that was deleted can be read from it.
    Column("key", String(64), primary_key=True),
    Column("received_at", BigInteger, nullable=False),
    Index("deliveries_by_arrival", "received_at"),
)

outbox: Final = Table(
    "outbox",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("conversation_id", _Id, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("target", String(16), nullable=False),
    # What the other side knows this by, however often it is sent.
    Column("key", String(100), nullable=False, unique=True),
    Column("payload", JSON, nullable=False),
    # Counts up when what is to be sent is replaced by something newer.
    Column("revision", Integer, nullable=False, default=1),
    # waiting, sending (or cut short while it was sent), done or failed.
    Column("status", String(8), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("problem", String(80)),
    Index("outbox_by_turn", "status", "next_at"),
    Index("outbox_by_conversation", "conversation_id"),
)

corrections: Final = Table(
    "corrections",
    metadata,
    Column("message_id", _Id, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
    # What a person said of each; NULL where nothing was said of it.
    Column("mood", String(16)),
    Column("topics", String),
    # The weights' own topics at that time: of these, too, the person could have said that the text speaks of them.
    Column("own_topics", String),
    Column("corrected_by", String(80), nullable=False),
    Column("corrected_at", BigInteger, nullable=False),
)

sessions: Final = Table(
    "sessions",
    metadata,
    # The SHA-256 of the cookie, so that who reads the store cannot log in with it.
    Column("token_hash", String(64), primary_key=True),
    Column("key_hash", String(64), nullable=False),
    Column("name", String(80), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)


def now() -> int:
    """This moment."""
    return time.time_ns() // 1_000_000


def join_topics(topics: Iterable[str]) -> str:
    """Topics as they stand in a column: with a comma on both sides of each, so that one can be searched for.

    A name may hold a comma, and never a semicolon, which stands for it here.
    """
    listed = ",".join(topic.replace(",", ";") for topic in topics)
    return f",{listed}," if listed else ""


def split_topics(joined: str) -> tuple[str, ...]:
    """The topics of a column."""
    return tuple(part.replace(";", ",") for part in joined.split(",") if part)
