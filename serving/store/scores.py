"""Messages that wait to be scored, their scores, and what follows from these for their conversations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, bindparam, func, literal, null, select, update

from model.labels import MOODS
from model.prediction import Prediction, Rejection
from serving.conversation_mood import MESSAGES_READ, Scores, certain, combined, is_alarmed, mood_of
from serving.store.intake import place_of
from serving.store.outbox import Targets, queue_alarm, queue_labels
from serving.store.tables import conversations, corrections, join_topics, messages, now, split_topics


@dataclass(frozen=True, slots=True)
class Unscored:
    """A message that waits."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class Scored:
    """What came of it, and the language of its text."""

    id: int
    answer: Prediction | Rejection
    language: str | None


@dataclass(frozen=True, slots=True)
class Policy:
    """What decides over moods, who is told, and the topics of the weights."""

    angry_threshold: float
    targets: Targets
    topics: tuple[str, ...]
    keep_texts: bool = True


def unscored(connection: Connection, *, most: int, leave_out: Collection[int]) -> list[Unscored]:
    """The messages that have waited longest, but for some."""
    c = messages.c
    query = select(c.id, c.text).where(c.status == "waiting", c.id.not_in(leave_out)).order_by(c.id).limit(most)
    return [Unscored(row.id, row.text or "") for row in connection.execute(query)]


def count_unscored(connection: Connection) -> int:
    """How many messages wait."""
    return connection.scalar(select(func.count()).select_from(messages).where(messages.c.status == "waiting")) or 0


def record_scores(connection: Connection, scored: Sequence[Scored], policy: Policy) -> set[int]:
    """Store scores and what follows from them; the conversations that have changed.

    A message that somebody else has scored meanwhile, or that was deleted, is left as it is.
    """
    rows = [_columns(each) for each in scored]
    c = messages.c
    statement = (
        update(messages)
        .where(c.id == bindparam("message"), c.status == "waiting")
        .values({name: bindparam(name) for name in rows[0] if name != "message"} if rows else {})
    )
    if not policy.keep_texts:
        statement = statement.values(text=null())
    connection.execute(statement, rows)
    query = select(c.conversation_id).distinct().where(c.id.in_([each.id for each in scored]))
    touched = set(connection.scalars(query))
    refresh(connection, touched, policy)
    return touched


def _columns(each: Scored) -> dict[str, Any]:
    shared = {"message": each.id, "scored_at": now(), "language": each.language}
    if isinstance(each.answer, Rejection):
        nothing = dict.fromkeys((*MOODS, "mood"), None)
        return shared | nothing | {
            "status": "rejected", "error": each.answer.code, "topics": "", "needs_review": False, "truncated": False,
        }  # fmt: skip
    return shared | dict(each.answer.scores) | {
        "status": "scored",
        "error": None,
        "mood": each.answer.mood,
        "topics": join_topics(topic.name for topic in each.answer.topics),
        "needs_review": each.answer.needs_review,
        "truncated": each.answer.truncated,
    }  # fmt: skip


def refresh(connection: Connection, ids: Collection[int], policy: Policy) -> None:
    """Work out the mood of conversations anew, and queue what others are to be told of it."""
    recent = _recent_messages(connection, ids)
    before = connection.execute(select(conversations).where(conversations.c.id.in_(recent)))
    for row in before.all():
        _refresh_one(connection, row, recent[row.id], policy)


def _recent_messages(connection: Connection, ids: Collection[int]) -> Mapping[int, list[Row[Any]]]:
    """Of each conversation the last messages that have scores, the newest first, with what a person said of them."""
    c = messages.c
    rank = func.row_number().over(partition_by=c.conversation_id, order_by=(c.sent_at.desc(), c.id.desc()))
    ranked = (
        select(
            c.id, c.conversation_id, c.sent_at, c.received_at, *(c[mood] for mood in MOODS), c.topics, c.language,
            c.needs_review,
            corrections.c.mood.label("said_mood"), corrections.c.topics.label("said_topics"), rank.label("rank"),
        )
        .select_from(messages.outerjoin(corrections, corrections.c.message_id == c.id))
        .where(c.conversation_id.in_(ids), c.status == "scored")
        .subquery()
    )  # fmt: skip
    query = select(ranked).where(ranked.c.rank <= MESSAGES_READ).order_by(ranked.c.conversation_id, ranked.c.rank)
    recent: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(query):
        recent[row.conversation_id].append(row)
    return recent


def _refresh_one(connection: Connection, before: Row[Any], recent: Sequence[Row[Any]], policy: Policy) -> None:
    scores = combined([_scores(row) for row in recent])
    mood = mood_of(scores, policy.angry_threshold)
    topics = join_topics(_topics(recent))
    alarmed = _is_alarmed(before, recent, policy)
    raised = alarmed and not before.alarmed
    c = conversations.c
    angry = scores[MOODS.index("angry")]
    connection.execute(
        update(conversations)
        .where(c.id == before.id)
        .values(
            mood=mood,
            **dict(zip(MOODS, scores, strict=True)),
            topics=topics,
            language=recent[0].language,
            needs_review=recent[0].needs_review and recent[0].said_mood is None,
            alarmed=alarmed,
            alarms=c.alarms + int(raised),
            place=place_of(c.waiting_since, angry, literal(mood)),
            changed_at=bindparam("at", now(), type_=BigInteger),
        )
    )
    if raised or (mood, topics) != (before.mood, before.topics):
        queue_labels(
            connection, before, mood, split_topics(topics),
            known=policy.topics, urgent=raised, targets=policy.targets,
        )  # fmt: skip
    if raised:
        queue_alarm(connection, before, mood, scores, split_topics(topics), targets=policy.targets)


def _is_alarmed(before: Row[Any], recent: Sequence[Row[Any]], policy: Policy) -> bool:
    """What was settled by resolving raises no alarm again; only what the customer has written since then counts."""
    if before.resolved:
        return False
    since = before.resolved_at or 0
    # Some systems tell whole seconds only; so both by their clock and by ours.
    news = [row for row in recent if row.received_at >= since and row.sent_at >= since - since % 1000]
    if not news:
        return bool(before.alarmed)
    return is_alarmed(before.alarmed, combined([_scores(row) for row in news]), policy.angry_threshold)


def _scores(row: Row[Any]) -> Scores:
    if row.said_mood is not None:
        return certain(row.said_mood)
    return (row.satisfied, row.neutral, row.dissatisfied, row.angry)


def _topics(recent: Iterable[Row[Any]]) -> list[str]:
    """All topics of the last messages, those of the newest first."""
    named = (row.topics if row.said_topics is None else row.said_topics for row in recent)
    return list(dict.fromkeys(topic for joined in named for topic in split_topics(joined)))
