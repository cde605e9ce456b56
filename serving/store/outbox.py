"""The outbox: what other systems are to be told, kept until they have been told.

Labels are a state: a newer one takes the place of one that was not sent yet. An alarm is an event: each has a key of
its own, by which the other side, or a look there before a second try, can tell that it has come.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, or_, select, update

from model.labels import MOODS, Mood
from serving.conversation_mood import Scores
from serving.store.tables import now, outbox
from serving.store.topic_labels import LABELS, mood_label, topic_labels


@dataclass(frozen=True, slots=True)
class Targets:
    """Who is told: systems that take labels for their own conversations, and those that are told of alarms."""

    labels: frozenset[str] = frozenset()
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """Something to send.

    `unsure` means that a try before may have arrived; `ours` are the labels that we may take away.
    """

    id: int
    target: str
    key: str
    payload: dict[str, Any]
    revision: int
    attempts: int
    created_at: int
    unsure: bool
    ours: frozenset[str]


def queue_labels(
    connection: Connection,
    conversation: Row[Any],
    mood: Mood,
    topics: Sequence[str],
    *,
    known: Sequence[str],
    urgent: bool,
    targets: Targets,
) -> None:
    """Queue the labels of a conversation in place of those not yet sent; `urgent` raises its priority too.

    `known` are the topics of the weights, by which two topics of like names get different labels.
    """
    if conversation.system not in targets.labels:
        return
    key = f"{conversation.system}:{conversation.id}:labels"
    label_of = topic_labels(dict.fromkeys((*known, *topics)))
    labels = [mood_label(mood), *(label_of[topic] for topic in topics)]
    payload: dict[str, Any] = {"conversation": conversation.external_id, "labels": labels, "urgent": urgent}
    before = connection.execute(select(outbox.c.status, outbox.c.payload).where(outbox.c.key == key)).one_or_none()
    if before is None:
        _add(connection, conversation.id, conversation.system, key, payload)
        return
    # That the priority has to be raised must not get lost with what is replaced.
    payload["urgent"] = urgent or (before.status != "done" and before.payload["urgent"])
    # Nor what was set there: weights of another day may not know the topic any more.
    set_once = {*before.payload["labels"], *before.payload.get("earlier", ())}
    payload["earlier"] = sorted(set_once - LABELS - set(labels))
    at = now()
    connection.execute(
        update(outbox)
        .where(outbox.c.key == key)
        .values(
            payload=payload, revision=outbox.c.revision + 1, status="waiting", attempts=0, next_at=at, created_at=at,
            problem=None,
        )
    )  # fmt: skip


def queue_alarm(
    connection: Connection,
    conversation: Row[Any],
    mood: Mood,
    scores: Scores,
    topics: Sequence[str],
    *,
    targets: Targets,
) -> None:
    """Queue the news that a conversation has turned angry; no text of the customer goes with it."""
    at = now()
    for target in targets.alarms:
        key = f"{target}:{conversation.id}:alarm:{conversation.alarms + 1}"
        payload = {
            "event": "conversation.angry",
            "id": key,
            "system": conversation.system,
            "conversation": conversation.external_id,
            "mood": mood,
            "scores": {name: round(score, 6) for name, score in zip(MOODS, scores, strict=True)},
            "topics": list(topics),
            "at": datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds"),
        }
        _add(connection, conversation.id, target, key, payload)


def _add(connection: Connection, conversation_id: int, target: str, key: str, payload: dict[str, Any]) -> None:
    at = now()
    connection.execute(
        insert(outbox).values(
            conversation_id=conversation_id, target=target, key=key, payload=payload, revision=1, status="waiting",
            attempts=0, next_at=at, created_at=at,
        )
    )  # fmt: skip


def take_next(connection: Connection, target: str, *, ours: Collection[str] = ()) -> Item | None:
    """What a target is to be sent next, if it is time for anything; from now on a try of it may have arrived.

    `ours` are labels that may be taken away, beside LABELS and those that the conversation once got from us.
    """
    c = outbox.c
    query = (
        select(outbox)
        .where(c.target == target, or_(c.status == "waiting", c.status == "sending"), c.next_at <= now())
        .order_by(c.next_at, c.id)
        .limit(1)
        # On PostgreSQL, where the lease may have gone to another server without this one knowing it yet.
        .with_for_update(skip_locked=True)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    connection.execute(update(outbox).where(c.id == row.id).values(status="sending", attempts=c.attempts + 1))
    return Item(
        row.id, row.target, row.key, row.payload, row.revision, row.attempts + 1, row.created_at,
        unsure=row.status == "sending", ours=LABELS.union(ours, row.payload.get("earlier", ())),
    )  # fmt: skip


def settle(connection: Connection, item: Item, status: str, *, next_at: int = 0, problem: str | None = None) -> None:
    """Note how a try ended, unless something newer has taken the item's place."""
    c = outbox.c
    connection.execute(
        update(outbox)
        .where(c.id == item.id, c.revision == item.revision)
        .values(status=status, next_at=next_at, problem=problem)
    )


def count_unsent(connection: Connection, target: str) -> int:
    """How many items wait for a target."""
    c = outbox.c
    query = select(func.count()).where(c.target == target, c.status.in_(("waiting", "sending")))
    return connection.scalar(query) or 0
