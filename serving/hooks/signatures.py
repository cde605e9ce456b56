"""Whether a delivery was signed with our secret, and lately. Every system has its own rule; all are an HMAC."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

WINDOW_SECONDS: Final = 300
"""How far a delivery's timestamp may be from our clock, both ways; what the systems themselves advise."""


class SignatureError(Exception):
    """A delivery is not signed with our secret, or not lately; the message says which."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How one system signs: in which header, with what in front, over what."""

    header: str
    prefix: str = ""
    digest: Literal["sha1", "sha256"] = "sha256"
    in_base64: bool = False
    timestamp_header: str | None = None
    signed: Callable[[bytes, bytes], bytes] = lambda _, body: body
    """From the timestamp and the body to what is signed."""

    def sign(self, secret: str, timestamp: str, body: bytes) -> str:
        """The header's value."""
        signed = hmac.digest(secret.encode(), self.signed(timestamp.encode("latin-1"), body), self.digest)
        return self.prefix + (base64.b64encode(signed).decode() if self.in_base64 else signed.hex())

    def verify(self, secret: str, headers: Mapping[str, str], body: bytes, *, seconds: float) -> None:
        """Hold a delivery that came at `seconds` since 1970 against the secret.

        Raises:
            SignatureError: it is not signed, with another secret, or its timestamp is out of the window.
        """
        timestamp = headers.get(self.timestamp_header, "") if self.timestamp_header else ""
        given = headers.get(self.header, "")
        # As bytes, and in a time that tells nothing: headers may hold anything.
        if not hmac.compare_digest(given.encode("latin-1"), self.sign(secret, timestamp, body).encode()):
            raise SignatureError(
                f"{self.header} is missing or is not the signature of this body with the server's secret"
            )
        if self.timestamp_header and not abs(_seconds_of(timestamp) - seconds) <= WINDOW_SECONDS:
            raise SignatureError(
                f"{self.timestamp_header} is more than {WINDOW_SECONDS // 60} minutes from this server's clock"
            )


def _seconds_of(timestamp: str) -> float:
    """Of seconds since 1970 or ISO 8601; not a number where it is neither."""
    try:
        if timestamp.isascii() and timestamp.isdecimal():
            return float(timestamp)
        parsed = datetime.fromisoformat(timestamp)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return float("nan")


CHATWOOT: Final = Rule(
    "X-Chatwoot-Signature",
    prefix="sha256=",
    timestamp_header="X-Chatwoot-Timestamp",
    signed=lambda timestamp, body: timestamp + b"." + body,
)
ZENDESK: Final = Rule(
    "X-Zendesk-Webhook-Signature",
    in_base64=True,
    timestamp_header="X-Zendesk-Webhook-Signature-Timestamp",
    signed=lambda timestamp, body: timestamp + body,
)
SLACK: Final = Rule(
    "X-Slack-Signature",
    prefix="v0=",
    timestamp_header="X-Slack-Request-Timestamp",
    signed=lambda timestamp, body: b"v0:" + timestamp + b":" + body,
)
# These two sign no time: a replay is known by the message's id, which is in the signed body.
INTERCOM: Final = Rule("X-Hub-Signature", prefix="sha1=", digest="sha1")
ZAMMAD: Final = Rule("X-Hub-Signature", prefix="sha1=", digest="sha1")
RIDA: Final = Rule(
    "X-Rida-Signature",
    prefix="sha256=",
    timestamp_header="X-Rida-Timestamp",
    signed=lambda timestamp, body: timestamp + b"." + body,
)
"""Our own: of /hooks/generic, and of what we send to a webhook's address."""
