"""What people said of the model's answers: rows to train on, and how often they disagreed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from model.labels import MOODS, TOPICS
from serving.store.tables import corrections, messages, split_topics


@dataclass(frozen=True, slots=True)
class Rate:
    """Of `messages` that the model gave an answer, people looked at `said` and changed `changed`."""

    name: str
    messages: int
    said: int
    changed: int

    @property
    def share(self) -> float:
        """How many were changed, of all: people mostly speak up where something is wrong, so of those that they
        looked at it would be nearly all.
        """
        return self.changed / self.messages if self.messages else 0.0


def training_rows(connection: Connection) -> Iterator[dict[str, Any]]:
    """Each corrected message in the format of a source; what nobody spoke of is null. Without texts no rows.

    `topics_covered` are the topics that the weights knew when somebody spoke of the message's.
    """
    query = _corrected().where(messages.c.text.is_not(None)).order_by(messages.c.id)
    for row in connection.execute(query):
        yield {
            "id": f"correction-{row.id}",
            "text": row.text,
            "lang": row.language or "und",
            "mood": row.said_mood,
            "topics": None if row.said_topics is None else list(split_topics(row.said_topics)),
            "topics_covered": None if row.said_topics is None else [*TOPICS, *split_topics(row.own_topics or "")],
        }


def count_without_text(connection: Connection) -> int:
    """How many corrections have lost their text."""
    query = _corrected().where(messages.c.text.is_(None)).subquery()
    return connection.scalar(select(func.count()).select_from(query)) or 0


def rates(connection: Connection) -> dict[str, list[Rate]]:
    """By the mood and the topics that the model saw, and by language."""
    rows = connection.execute(_corrected()).all()
    return {
        "mood": _by_mood(connection, rows),
        "topic": _by_topic(connection, rows),
        "language": _by_language(connection, rows),
    }


def _by_mood(connection: Connection, rows: Sequence[Row[Any]]) -> list[Rate]:
    numbers = _scored_by(connection, messages.c.mood)
    said = Counter(row.mood for row in rows if row.said_mood is not None)
    changed = Counter(row.mood for row in rows if row.said_mood not in (None, row.mood))
    return [Rate(mood, numbers[mood], said[mood], changed[mood]) for mood in MOODS]


def _by_topic(connection: Connection, rows: Sequence[Row[Any]]) -> list[Rate]:
    """A topic is changed where a person took it away, or said it where the model had not seen it."""
    numbers: Counter[str] = Counter()
    for joined, number in _scored_by(connection, messages.c.topics).items():
        numbers.update(dict.fromkeys(split_topics(joined or ""), number))
    said: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    for row in rows:
        if row.said_topics is not None:
            before, after = set(split_topics(row.topics)), set(split_topics(row.said_topics))
            said.update(before | after)
            changed.update(before ^ after)
    own = sorted({*numbers, *said}.difference(TOPICS))
    return [Rate(topic, numbers[topic], said[topic], changed[topic]) for topic in (*TOPICS, *own)]


def _by_language(connection: Connection, rows: Sequence[Row[Any]]) -> list[Rate]:
    numbers = _scored_by(connection, messages.c.language)
    said = Counter(row.language for row in rows)
    changed = Counter(row.language for row in rows if _differs(row))
    return [
        Rate(language or "unknown", number, said[language], changed[language])
        for language, number in sorted(numbers.items(), key=lambda each: (-each[1], each[0] or ""))
    ]


def _differs(row: Row[Any]) -> bool:
    other_topics = row.said_topics is not None and set(split_topics(row.said_topics)) != set(split_topics(row.topics))
    return other_topics or row.said_mood not in (None, row.mood)


def _scored_by(connection: Connection, column: Any) -> Counter[Any]:
    query = select(column, func.count()).where(messages.c.status == "scored").group_by(column)
    return Counter({row[0]: row[1] for row in connection.execute(query)})


def _corrected() -> Select[Any]:
    c = messages.c
    return select(
        c.id, c.text, c.language, c.mood, c.topics, corrections.c.mood.label("said_mood"),
        corrections.c.topics.label("said_topics"), corrections.c.own_topics,
    ).join(corrections, corrections.c.message_id == c.id)  # fmt: skip
