"""What the inbox shows: conversations in their order, one with its messages, counts and the trend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from model.labels import MOODS, Mood
from serving.store.tables import DAY, conversations, corrections, join_topics, messages, now, split_topics

PAGE: Final = 50
TREND_DAYS: Final = 14
_MOST_MESSAGES: Final = 200


@dataclass(frozen=True, slots=True)
class Filter:
    """Which conversations are asked for; empty stands for all."""

    state: str = "waiting"
    mood: str = ""
    topic: str = ""
    language: str = ""
    review: bool = False
    page: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """A conversation in the list, with the customer's last words."""

    id: int
    system: str
    external_id: str
    mood: Mood | None
    angry: float | None
    topics: tuple[str, ...]
    language: str | None
    needs_review: bool
    claimed_by: str | None
    resolved: bool
    waiting_since: int | None
    last_at: int
    text: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a conversation: what was predicted, and what a person said of it."""

    id: int
    text: str | None
    sent_at: int
    status: str
    error: str | None
    mood: Mood | None
    scores: tuple[tuple[Mood, float], ...]
    topics: tuple[str, ...]
    language: str | None
    needs_review: bool
    truncated: bool
    said_mood: Mood | None
    said_topics: tuple[str, ...] | None
    corrected_by: str | None

    @property
    def shown_mood(self) -> Mood | None:
        """The person's word, else the model's."""
        return self.said_mood or self.mood

    @property
    def shown_topics(self) -> tuple[str, ...]:
        """The person's word, else the model's."""
        return self.topics if self.said_topics is None else self.said_topics


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of the list, and how many there are in all."""

    shown: list[Shown]
    total: int


def list_conversations(connection: Connection, asked: Filter) -> Listed:
    """Those that wait by their place: angriest and longest waiting first. The others by their last message."""
    c = conversations.c
    conditions = _conditions(asked)
    order = (c.place, c.id) if asked.state == "waiting" else (c.last_at.desc(), c.id.desc())
    query = select(conversations).where(*conditions).order_by(*order).limit(PAGE).offset(asked.page * PAGE)
    found = connection.execute(query).all()
    total = connection.scalar(select(func.count()).select_from(conversations).where(*conditions)) or 0
    texts = _last_texts(connection, [row.id for row in found])
    return Listed([_shown(row, texts.get(row.id)) for row in found], total)


def one_conversation(connection: Connection, id_: int) -> tuple[Shown, list[Message]] | None:
    """A conversation and its last messages, the oldest first."""
    row = connection.execute(select(conversations).where(conversations.c.id == id_)).one_or_none()
    if row is None:
        return None
    c = messages.c
    query = (
        select(
            messages, corrections.c.mood.label("said_mood"), corrections.c.topics.label("said_topics"),
            corrections.c.corrected_by,
        )
        .select_from(messages.outerjoin(corrections, corrections.c.message_id == c.id))
        .where(c.conversation_id == id_)
        .order_by(c.sent_at.desc(), c.id.desc())
        .limit(_MOST_MESSAGES)
    )  # fmt: skip
    found = [_message(each) for each in connection.execute(query)]
    return _shown(row, None), found[::-1]


def count_waiting(connection: Connection) -> dict[str, int]:
    """How many wait, by mood, those not scored yet under an empty name, and how many of all need a review."""
    c = conversations.c
    query = select(c.mood, c.needs_review, func.count()).where(*_conditions(Filter())).group_by(c.mood, c.needs_review)
    counts = dict.fromkeys((*MOODS, "", "review"), 0)
    for mood, needs_review, number in connection.execute(query):
        counts[mood or ""] += number
        counts["review"] += number if needs_review else 0
    return counts


def languages(connection: Connection) -> list[str]:
    """The languages of all conversations."""
    c = conversations.c
    return sorted(connection.scalars(select(c.language).where(c.language.is_not(None)).distinct()))


def trend(connection: Connection) -> list[tuple[int, dict[Mood, int]]]:
    """Messages of each mood on each of the last days: the day's first moment, and the numbers."""
    today = now() // DAY
    days = {day: dict.fromkeys(MOODS, 0) for day in range(today - TREND_DAYS + 1, today + 1)}
    c = messages.c
    day = (c.received_at // DAY).label("day")
    query = (
        select(day, c.mood, func.count())
        .where(c.received_at >= min(days) * DAY, c.mood.is_not(None))
        .group_by(day, c.mood)
    )
    for at, mood, number in connection.execute(query):
        if at in days:
            days[at][mood] = number
    return [(at * DAY, numbers) for at, numbers in days.items()]


def _conditions(asked: Filter) -> list[ColumnElement[bool]]:
    c = conversations.c
    states: dict[str, list[ColumnElement[bool]]] = {
        # In the words of the indexes, which no database finds by others.
        "waiting": [c.place.is_not(None)],
        "answered": [c.place.is_(None), c.resolved.is_(False)],
        "resolved": [c.place.is_(None), c.resolved.is_(True)],
    }
    conditions = states.get(asked.state, [])
    if asked.mood:
        conditions.append(c.mood == asked.mood)
    if asked.topic:
        conditions.append(c.topics.contains(join_topics([asked.topic]), autoescape=True))
    if asked.language:
        conditions.append(c.language == asked.language)
    if asked.review:
        conditions.append(c.needs_review.is_(True))
    return conditions


def _last_texts(connection: Connection, ids: Sequence[int]) -> dict[int, str | None]:
    c = messages.c
    rank = func.row_number().over(partition_by=c.conversation_id, order_by=(c.sent_at.desc(), c.id.desc()))
    ranked = select(c.conversation_id, c.text, rank.label("rank")).where(c.conversation_id.in_(ids)).subquery()
    query: Select[Any] = select(ranked.c.conversation_id, ranked.c.text).where(ranked.c.rank == 1)
    return {row.conversation_id: row.text for row in connection.execute(query)}


def _shown(row: Row[Any], text: str | None) -> Shown:
    return Shown(
        row.id, row.system, row.external_id, row.mood, row.angry, split_topics(row.topics), row.language,
        row.needs_review, row.claimed_by, row.resolved, row.waiting_since, row.last_at, text,
    )  # fmt: skip


def _message(row: Row[Any]) -> Message:
    scores = () if row.mood is None else tuple((mood, row._mapping[mood]) for mood in MOODS)
    said_topics = None if row.said_topics is None else split_topics(row.said_topics)
    return Message(
        row.id, row.text, row.sent_at, row.status, row.error, row.mood, scores, split_topics(row.topics), row.language,
        row.needs_review, row.truncated, row.said_mood, said_topics, row.corrected_by,
    )  # fmt: skip
