"""Makes deliveries of all systems: good ones, repetitions, forgeries, stale and broken ones."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from serving.hooks.systems import SYSTEMS

Kind = Literal["valid", "repeated", "forged", "stale", "broken"]

SECRETS = {system.name: f"benchmark secret of {system.name}" for system in SYSTEMS}
SHARES: dict[Kind, float] = {"valid": 0.8, "repeated": 0.08, "forged": 0.05, "stale": 0.04, "broken": 0.03}
_RULES = {system.name: system.rule for system in SYSTEMS}
_TIMED = tuple(system.name for system in SYSTEMS if system.rule.timestamp_header)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is sent; `name` stands at the end of its text, so that the store can be asked for it."""

    kind: Kind
    system: str
    body: bytes
    name: str

    def headers(self) -> dict[str, str]:
        """As the system would sign it now."""
        moment = time.time() - (3600 if self.kind == "stale" else 0)
        iso = datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        stamp = iso if self.system == "zendesk" else str(int(moment))
        rule = _RULES[self.system]
        secret = "another secret" if self.kind == "forged" else SECRETS[self.system]
        signed = {"Content-Type": "application/json", rule.header: rule.sign(secret, stamp, self.body)}
        return signed | ({rule.timestamp_header: stamp} if rule.timestamp_header else {})


def deliveries(texts: Sequence[str], seed: int, run: str) -> Iterator[Delivery]:
    """Deliveries without end, alike for the same seed; conversations have five messages on average."""
    chance = random.Random(seed)
    kinds, weights = list(SHARES), list(SHARES.values())
    sent: list[Delivery] = []
    number = 0
    while True:
        number += 1
        kind = chance.choices(kinds, weights)[0]
        if kind == "repeated" and sent:
            again = chance.choice(sent[-500:])
            yield Delivery("repeated", again.system, again.body, again.name)
            continue
        system = chance.choice(_TIMED) if kind == "stale" else chance.choice(list(_BODIES))
        name = f"{run}-{number}"
        text = f"{chance.choice(texts)} ({name})"
        payload = _BODIES[system](text, f"{run}-{chance.randrange(1 + number // 5)}", name)
        body = json.dumps(payload, ensure_ascii=False).encode()
        delivery = Delivery(
            "valid" if kind == "repeated" else kind, system, body[:-1] if kind == "broken" else body, name
        )
        if delivery.kind == "valid":
            sent.append(delivery)
        yield delivery


def _chatwoot(text: str, conversation: str, number: str) -> Mapping[str, Any]:
    return {
        "event": "message_created", "id": number, "content": text, "content_type": "text", "message_type": "incoming",
        "created_at": datetime.now(UTC).isoformat(), "private": False, "sender": {"id": 1, "type": "contact"},
        "inbox": {"id": 1}, "account": {"id": 1}, "conversation": {"id": conversation, "status": "open", "labels": []},
    }  # fmt: skip


def _zendesk(text: str, conversation: str, number: str) -> Mapping[str, Any]:
    return {
        "type": "zen:event-type:ticket.comment_added", "account_id": 1, "id": number,
        "time": datetime.now(UTC).isoformat(), "subject": f"zen:ticket:{conversation}", "detail": {"id": conversation},
        "event": {"comment": {"id": number, "body": text, "is_public": True, "author": {"is_staff": False}}},
    }  # fmt: skip


def _slack(text: str, conversation: str, number: str) -> Mapping[str, Any]:
    return {"type": "event_callback", "team_id": "T1", "event_id": number, "event": {
        "type": "message", "channel": "C1", "user": "U1", "text": text, "ts": number, "thread_ts": conversation,
    }}  # fmt: skip


def _intercom(text: str, conversation: str, number: str) -> Mapping[str, Any]:
    said = {"id": number, "part_type": "comment", "body": f"<p>{text}</p>", "created_at": int(time.time()),
            "author": {"type": "user"}}  # fmt: skip
    item = {"type": "conversation", "id": conversation, "conversation_parts": {"conversation_parts": [said]}}
    return {"type": "notification_event", "topic": "conversation.user.replied", "id": number, "data": {"item": item}}


def _zammad(text: str, conversation: str, number: str) -> Mapping[str, Any]:
    article = {"id": number, "body": text, "content_type": "text/plain", "sender": "Customer", "internal": False,
               "created_at": datetime.now(UTC).isoformat()}  # fmt: skip
    return {"ticket": {"id": conversation}, "article": article}


def _generic(text: str, conversation: str, number: str) -> Mapping[str, Any]:
    return {"conversation": conversation, "id": number, "text": text}


_BODIES: dict[str, Callable[[str, str, str], Mapping[str, Any]]] = {
    "chatwoot": _chatwoot, "zendesk": _zendesk, "slack": _slack, "intercom": _intercom, "zammad": _zammad,
    "generic": _generic,
}  # fmt: skip
