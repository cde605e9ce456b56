"""Takes deliveries into the store: each message once, however often it comes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Table,
    bindparam,
    case,
    cast,
    false,
    func,
    insert,
    null,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from serving.store.tables import DAY, conversations, deliveries, messages

if TYPE_CHECKING:
    from serving.hooks.delivery import Delivered

_DAY_OF_ANGER: Final = DAY
"""How long a calm customer has to wait to stand where a nearly angry one stands at once, in milliseconds."""

_ANGRY_FIRST: Final = 100 * 365 * DAY
"""More than anybody waits: whose mood is angry stands before all others."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery and the system that it came from, at a moment."""

    system: str
    delivered: Delivered
    received_at: int


def take_in(connection: Connection, arrivals: Sequence[Arrival]) -> list[bool]:
    """Store what is new; whether each was."""
    fresh = _new_ones(connection, arrivals)
    new = [arrival for arrival in arrivals if id(arrival) in fresh]
    if new:
        ids = _conversation_ids(connection, new)
        _add_messages(connection, new, ids)
        _note_answers(connection, new, ids)
    return [id(arrival) in fresh for arrival in arrivals]


def _new_ones(connection: Connection, arrivals: Sequence[Arrival]) -> set[int]:
    first: dict[tuple[str, str], Arrival] = {}
    for arrival in arrivals:
        first.setdefault((arrival.system, arrival.delivered.key), arrival)
    rows = [
        {"system": system, "key": key, "received_at": arrival.received_at}
        for (system, key), arrival in sorted(first.items(), key=lambda each: each[0])
    ]
    added = connection.execute(
        insert_new(connection, deliveries).returning(deliveries.c.system, deliveries.c.key), rows
    )
    return {id(first[row.system, row.key]) for row in added}


def insert_new(connection: Connection, table: Table) -> Any:
    """An INSERT that leaves out rows which are there already."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table).on_conflict_do_nothing()


def _conversation_ids(connection: Connection, new: Sequence[Arrival]) -> dict[tuple[str, str], int]:
    names = sorted({(each.system, each.delivered.conversation) for each in new})
    at = max(each.received_at for each in new)
    rows = [
        {
            "system": system, "external_id": name, "resolved": False, "topics": "", "needs_review": False,
            "alarmed": False, "alarms": 0, "last_at": 0, "changed_at": at,
        }
        for system, name in names
    ]  # fmt: skip
    connection.execute(insert_new(connection, conversations), rows)
    c = conversations.c
    found = connection.execute(select(c.id, c.system, c.external_id).where(tuple_(c.system, c.external_id).in_(names)))
    return {(row.system, row.external_id): row.id for row in found}


def _add_messages(connection: Connection, new: Sequence[Arrival], ids: dict[tuple[str, str], int]) -> None:
    said = [each for each in new if each.delivered.direction == "customer"]
    if not said:
        return
    connection.execute(
        insert(messages),
        [
            {
                "conversation_id": ids[each.system, each.delivered.conversation],
                "text": each.delivered.text,
                "text_hash": text_hash(each.delivered.text),
                "sent_at": each.delivered.at,
                "received_at": each.received_at,
                "status": "waiting",
            }
            for each in said
        ],
    )
    c = conversations.c
    sent_at = bindparam("sent_at", type_=BigInteger)
    # What came late, and was sent before the answer, asks for nothing. Some systems tell whole seconds only.
    asks = sent_at >= func.coalesce(c.answered_at, 0)
    since = case((asks, func.coalesce(c.waiting_since, sent_at)), else_=c.waiting_since)
    connection.execute(
        update(conversations)
        .where(c.id == bindparam("conversation"))
        .values(
            waiting_since=since,
            place=place_of(since, c.angry, c.mood),
            last_at=case((c.last_at > sent_at, c.last_at), else_=sent_at),
            changed_at=bindparam("received_at", type_=BigInteger),
            # Who writes again has not been helped yet.
            resolved=case((asks, false()), else_=c.resolved),
        ),
        [
            {
                "conversation": ids[each.system, each.delivered.conversation],
                "sent_at": each.delivered.at,
                "received_at": each.received_at,
            }
            for each in said
        ],
    )


def _note_answers(connection: Connection, new: Sequence[Arrival], ids: dict[tuple[str, str], int]) -> None:
    answers = [each for each in new if each.delivered.direction == "agent"]
    if not answers:
        return
    c = conversations.c
    sent_at = bindparam("sent_at", type_=BigInteger)
    ends = c.last_at <= sent_at
    connection.execute(
        update(conversations)
        .where(c.id == bindparam("conversation"))
        .values(
            waiting_since=case((ends, null()), else_=c.waiting_since),
            place=case((ends, null()), else_=c.place),
            answered_at=case((c.answered_at > sent_at, c.answered_at), else_=sent_at),
            changed_at=bindparam("received_at", type_=BigInteger),
        ),
        [
            {
                "conversation": ids[each.system, each.delivered.conversation],
                "sent_at": each.delivered.at,
                "received_at": each.received_at,
            }
            for each in answers
        ],
    )


def place_of(waiting_since: Any, angry: Any, mood: Any) -> Any:
    """The place in the inbox, lowest first; NULL for a conversation that does not wait.

    Angry ones stand before all others. Among themselves, and so the others, they stand by since when the customer
    waits, where P(angry) counts as up to a day of waiting. Time moves all places alike, so they can be stored.
    """
    sooner = cast(func.coalesce(angry, 0.0) * _DAY_OF_ANGER, BigInteger)
    return waiting_since - sooner - case((mood == "angry", _ANGRY_FIRST), else_=0)


def text_hash(text: str) -> str:
    """What stays of a text that is not kept."""
    return hashlib.sha256(text.encode()).hexdigest()
