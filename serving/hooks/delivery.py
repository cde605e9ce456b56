"""What a delivery of any system comes down to, and how its fields are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

Direction = Literal["customer", "agent"]

_LONGEST_ID: Final = 200
_LONGEST_TEXT: Final = 25_000
"""Characters of a text that are kept: more than the shipped weights read."""

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_MILLISECONDS_FROM: Final = 100_000_000_000


class DeliveryError(Exception):
    """A delivery lacks a field, or has a wrong one; the message names the field and never what stood in it."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message of a conversation: `key` names it among all of its system, `at` is in milliseconds since 1970.

    Of an agent's answer only that there is one counts, so its text is empty.
    """

    key: str
    conversation: str
    direction: Direction
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A delivery that says nothing of a customer's."""

    reason: str


@dataclass(frozen=True, slots=True)
class Challenge:
    """A question whether somebody is there, to be answered with `value`."""

    value: str


Read = Delivered | Skipped | Challenge


def part(payload: object, *path: str) -> object:
    """What stands at a path of names; None where there is nothing."""
    for name in path:
        payload = payload.get(name) if isinstance(payload, Mapping) else None
    return payload


def identifier(payload: object, *path: str) -> str:
    """An id, be it a string or a number.

    Raises:
        DeliveryError: there is none, or it is too long or not printable.
    """
    value = part(payload, *path)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_ID or not value.isprintable():
        raise DeliveryError(f"{'.'.join(path)} must be an id of at most {_LONGEST_ID} characters")
    return value.strip()


def string(payload: object, *path: str) -> str:
    """A text, empty where there is none.

    Raises:
        DeliveryError: something else than a string stands there.
    """
    value = part(payload, *path)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DeliveryError(f"{'.'.join(path)} must be a string")
    return value


def moment(value: object, *, received_at: int) -> int:
    """When a message was sent, of seconds, milliseconds or ISO 8601; when it came where that cannot be told.

    Nothing was sent after it came, so a clock that is fast puts no conversation before the others.
    """
    at = _milliseconds(value)
    return received_at if at is None or not 0 < at <= received_at else at


def _milliseconds(value: object) -> int | None:
    try:
        if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", value):
            parsed = datetime.fromisoformat(value)
            return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp() * 1000)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            number = float(value)
            return int(number if number > _MILLISECONDS_FROM else number * 1000)
    except (ValueError, OverflowError):
        return None
    return None


def storable(text: str) -> str:
    """`text` without what no database takes, and no longer than anybody reads."""
    return _UNSTORABLE.sub("\ufffd", text[:_LONGEST_TEXT]).strip()
