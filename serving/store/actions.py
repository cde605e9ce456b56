"""What a person at the inbox does: claim, resolve, correct."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import Connection, delete, func, insert, select, update

from model.labels import TOPICS, Mood
from serving.store.intake import place_of
from serving.store.scores import Policy, refresh
from serving.store.tables import conversations, corrections, join_topics, messages, now, split_topics

Act = Literal["claim", "release", "resolve", "reopen"]


class UnknownTopicError(Exception):
    """Neither the weights nor the message know of the topic."""


def act(connection: Connection, conversation_id: int, what: Act, *, by: str) -> bool:
    """Change a conversation's state; False where there is no such conversation.

    A resolved conversation is no longer alarmed: should the customer turn angry again, that is news.
    """
    c = conversations.c
    at = now()
    # Who has written nothing yet waits for nothing.
    since = func.nullif(c.last_at, 0)
    values: dict[Act, dict[str, Any]] = {
        "claim": {"claimed_by": by},
        "release": {"claimed_by": None},
        "resolve": {
            "resolved": True, "alarmed": False, "waiting_since": None, "place": None, "resolved_at": at,
            # In whole seconds, as some systems tell no more of when a message was sent.
            "answered_at": at - at % 1000,
        },
        "reopen": {"resolved": False, "waiting_since": since, "place": place_of(since, c.angry, c.mood)},
    }  # fmt: skip
    statement = update(conversations).where(c.id == conversation_id).values(**values[what], changed_at=at)
    if what in ("resolve", "reopen"):
        # Twice is once: a second "reopen" must not make the customer wait from the beginning.
        statement = statement.where(c.resolved.is_(what == "reopen"))
        connection.execute(statement)
        return connection.scalar(select(c.id).where(c.id == conversation_id)) is not None
    return connection.execute(statement).rowcount > 0


def correct(
    connection: Connection,
    message_id: int,
    policy: Policy,
    *,
    by: str,
    mood: Mood | None = None,
    topic: str | None = None,
) -> int | None:
    """Say what a message's mood is, or that it speaks of a topic or, if so far it was said to, that it does not.

    Without either, what was said is taken back. Gives the conversation; None where there is no such scored message.

    Raises:
        UnknownTopicError: the topic is none of the weights', nor was the message said to speak of it.
    """
    row = connection.execute(_with_correction(message_id)).one_or_none()
    if row is None:
        return None
    said_mood, said_topics, own_topics = mood or row.said_mood, row.said_topics, row.own_topics
    if topic is not None:
        seen = split_topics(row.topics)
        before = seen if said_topics is None else split_topics(said_topics)
        in_order = dict.fromkeys((*policy.topics, *seen, *before))
        if topic not in in_order:
            raise UnknownTopicError
        said_topics = join_topics(each for each in in_order if each in {*before} ^ {topic})
        # Whatever was on the page could be said: also what weights before these knew.
        own_topics = join_topics(each for each in in_order if each not in TOPICS)
    connection.execute(delete(corrections).where(corrections.c.message_id == message_id))
    if mood is not None or topic is not None:
        connection.execute(
            insert(corrections).values(
                message_id=message_id, mood=said_mood, topics=said_topics, own_topics=own_topics,
                corrected_by=by, corrected_at=now(),
            )
        )  # fmt: skip
    conversation: int = row.conversation_id
    refresh(connection, [conversation], policy)
    return conversation


def _with_correction(message_id: int) -> Any:
    c = messages.c
    return (
        select(
            c.conversation_id,
            c.topics,
            corrections.c.mood.label("said_mood"),
            corrections.c.topics.label("said_topics"),
            corrections.c.own_topics,
        )
        .select_from(messages.outerjoin(corrections, corrections.c.message_id == c.id))
        .where(c.id == message_id, c.status == "scored")
    )
