"""The chat systems: how each signs its deliveries, and what a delivery of it says.

An adapter is a function of the parsed body, the headers and the moment of arrival. It reads a customer's message, or
that an agent has answered; everything else it skips: notes among agents, bots, changes of state, what Rida caused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from serving.hooks import plain_text, signatures
from serving.hooks.delivery import (
    Challenge,
    Delivered,
    DeliveryError,
    Direction,
    Read,
    Skipped,
    identifier,
    moment,
    part,
    storable,
    string,
)

SystemName = Literal["chatwoot", "zendesk", "slack", "intercom", "zammad", "generic"]
_Adapter = Callable[[Mapping[str, object], Mapping[str, str], int], Read]

_CHATWOOT_TYPES: Final[dict[object, Direction]] = {
    "incoming": "customer",
    0: "customer",
    "outgoing": "agent",
    1: "agent",
}
_ZENDESK_TICKET: Final = "zen:event-type:ticket.created"
_ZENDESK_COMMENT: Final = "zen:event-type:ticket.comment_added"
_SLACK_SUBTYPES: Final = (None, "file_share", "thread_broadcast", "me_message")
"""Of what a person has written; all others tell of something else."""

_INTERCOM_CUSTOMERS: Final = ("user", "lead", "contact")
_ZAMMAD_SENDERS: Final[dict[str, Direction]] = {"Customer": "customer", "Agent": "agent"}


@dataclass(frozen=True, slots=True)
class System:
    """One chat system."""

    name: SystemName
    rule: signatures.Rule
    read: _Adapter


def _chatwoot(payload: Mapping[str, object], _: Mapping[str, str], received_at: int) -> Read:
    if string(payload, "event") != "message_created":
        return Skipped("not a new message")
    direction = _CHATWOOT_TYPES.get(_hashable(part(payload, "message_type")))
    if direction is None or part(payload, "private") is True:
        return Skipped("a private or automatic message")
    if direction == "agent" and part(payload, "sender", "type") not in ("user", None):
        return Skipped("a bot's message")
    return _message(
        key=identifier(payload, "id"),
        # Numbered within the account, so the account goes with it; the API asks for both.
        conversation=f"{identifier(payload, 'account', 'id')}/{identifier(payload, 'conversation', 'id')}",
        direction=direction,
        text=plain_text.of_markdown(string(payload, "content")),
        at=moment(part(payload, "created_at"), received_at=received_at),
    )


def _zendesk(payload: Mapping[str, object], headers: Mapping[str, str], received_at: int) -> Read:
    kind = part(payload, "type")
    if kind is None:
        return _zendesk_trigger(payload, headers, received_at)
    ticket = identifier(payload, "detail", "id")
    at = moment(part(payload, "time"), received_at=received_at)
    if kind == _ZENDESK_TICKET:
        requester, submitter = part(payload, "detail", "requester_id"), part(payload, "detail", "submitter_id")
        if requester is not None and submitter is not None and requester != submitter:
            return Skipped("a ticket that an agent opened")
        text = plain_text.of_html(string(payload, "detail", "description"))
        return _message(key=f"ticket {ticket}", conversation=ticket, direction="customer", text=text, at=at)
    if kind != _ZENDESK_COMMENT:
        return Skipped("not a new message")
    comment = part(payload, "event", "comment")
    if part(comment, "is_public") is False:
        return Skipped("a private message")
    return _message(
        key=f"comment {identifier(payload, 'event', 'comment', 'id')}",
        conversation=ticket,
        direction="agent" if part(comment, "author", "is_staff") is True else "customer",
        text=plain_text.of_html(string(payload, "event", "comment", "body")),
        at=at,
    )


def _zendesk_trigger(payload: Mapping[str, object], headers: Mapping[str, str], received_at: int) -> Read:
    """The body that docs/hooks/zendesk.md has a trigger send."""
    conversation = identifier(payload, "ticket_id")
    if str(part(payload, "public")).lower() == "false":
        return Skipped("a private message")
    invocation = headers.get("X-Zendesk-Webhook-Invocation-Id", "")
    named = part(payload, "comment_id") is not None
    key = f"comment {identifier(payload, 'comment_id')}" if named else f"invocation {invocation}"
    if not named and not invocation:
        raise DeliveryError("comment_id must be there, or the header X-Zendesk-Webhook-Invocation-Id")
    return _message(
        key=key,
        conversation=conversation,
        direction="agent" if string(payload, "author") == "agent" else "customer",
        text=plain_text.of_html(string(payload, "text")),
        at=moment(part(payload, "at"), received_at=received_at),
    )


def _slack(payload: Mapping[str, object], _: Mapping[str, str], received_at: int) -> Read:
    kind = string(payload, "type")
    if kind == "url_verification":
        return Challenge(identifier(payload, "challenge"))
    event = part(payload, "event")
    if kind != "event_callback" or part(event, "type") != "message":
        return Skipped("not a new message")
    if part(event, "subtype") not in _SLACK_SUBTYPES:
        return Skipped("a change of a message, or of the channel")
    if any(part(event, name) for name in ("bot_id", "bot_profile", "app_id", "hidden")):
        return Skipped("a bot's message")
    channel, ts = identifier(payload, "event", "channel"), identifier(payload, "event", "ts")
    thread = identifier(payload, "event", "thread_ts") if part(event, "thread_ts") else ts
    return _message(
        key=f"{string(payload, 'team_id')} {channel} {ts}",
        conversation=f"{channel}/{thread}",
        direction="customer",
        text=plain_text.of_slack(string(payload, "event", "text")),
        at=moment(ts, received_at=received_at),
    )


def _intercom(payload: Mapping[str, object], _: Mapping[str, str], received_at: int) -> Read:
    topic = string(payload, "topic")
    item = part(payload, "data", "item")
    if topic == "conversation.user.created":
        said, direction = part(item, "source"), "customer"
    elif topic in ("conversation.user.replied", "conversation.admin.replied"):
        direction = "customer" if "user" in topic else "agent"
        said = _newest_part(item, direction)
    else:
        return Skipped("not a new message")
    conversation = identifier(payload, "data", "item", "id")
    if said is None:
        return Skipped("no message of whom it is about")
    return _message(
        key=identifier({"message": said}, "message", "id"),
        conversation=conversation,
        direction="customer" if direction == "customer" else "agent",
        text=plain_text.of_html(string({"message": said}, "message", "body")),
        at=moment(part(said, "created_at") or part(item, "created_at"), received_at=received_at),
    )


def _newest_part(item: object, direction: str) -> object:
    """The message that the delivery is about: it brings the whole conversation, in the order of time."""
    parts = part(item, "conversation_parts", "conversation_parts")
    for each in reversed(parts if isinstance(parts, Sequence) and not isinstance(parts, str) else []):
        by_customer = part(each, "author", "type") in _INTERCOM_CUSTOMERS
        if part(each, "body") and by_customer == (direction == "customer"):
            return each
    return None


def _zammad(payload: Mapping[str, object], _: Mapping[str, str], received_at: int) -> Read:
    conversation = identifier(payload, "ticket", "id")
    article = part(payload, "article")
    if not article:
        return Skipped("not a new message")
    direction = _ZAMMAD_SENDERS.get(string(payload, "article", "sender"))
    if direction is None or part(article, "internal") is True:
        return Skipped("a private or automatic message")
    body = string(payload, "article", "body")
    is_html = string(payload, "article", "content_type").startswith("text/html")
    return _message(
        key=identifier(payload, "article", "id"),
        conversation=conversation,
        direction=direction,
        text=plain_text.of_html(body) if is_html else body,
        at=moment(part(article, "created_at"), received_at=received_at),
    )


def _generic(payload: Mapping[str, object], _: Mapping[str, str], received_at: int) -> Read:
    if string(payload, "event").startswith("conversation."):
        return Skipped("what this server itself has sent")
    direction = string(payload, "direction") or "customer"
    if direction not in ("customer", "agent"):
        raise DeliveryError("direction must be customer or agent")
    strip = _FORMATS.get(string(payload, "format") or "text")
    if strip is None:
        raise DeliveryError(f"format must be one of {', '.join(_FORMATS)}")
    if part(payload, "private") is True:
        return Skipped("a private message")
    return _message(
        key=identifier(payload, "id"),
        conversation=identifier(payload, "conversation"),
        direction="customer" if direction == "customer" else "agent",
        text=strip(string(payload, "text")),
        at=moment(part(payload, "at"), received_at=received_at),
    )


_FORMATS: Final[dict[str, Callable[[str], str]]] = {
    "text": str,
    "html": plain_text.of_html,
    "markdown": plain_text.of_markdown,
}


def _message(*, key: str, conversation: str, direction: Direction, text: str, at: int) -> Read:
    text = storable(text) if direction == "customer" else ""
    if direction == "customer" and not text:
        return Skipped("a message without a text")
    # Hashed, so that what is kept to know a repetition by says nothing of whose it was.
    digest = hashlib.sha256(f"{conversation}\n{key}".encode()).hexdigest()
    return Delivered(digest, conversation, direction, text, at)


def _hashable(value: object) -> object:
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


SYSTEMS: Final[tuple[System, ...]] = (
    System("chatwoot", signatures.CHATWOOT, _chatwoot),
    System("zendesk", signatures.ZENDESK, _zendesk),
    System("slack", signatures.SLACK, _slack),
    System("intercom", signatures.INTERCOM, _intercom),
    System("zammad", signatures.ZAMMAD, _zammad),
    System("generic", signatures.RIDA, _generic),
)
"""Every system that can deliver, each at /hooks/ and its name."""
