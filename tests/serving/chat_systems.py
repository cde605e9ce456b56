"""Deliveries as the chat systems send them: bodies, headers, signatures."""

from __future__ import annotations

import itertools
import json
import time
from datetime import UTC, datetime

from serving.hooks.systems import SYSTEMS

SECRETS = {system.name: f"secret of {system.name}" for system in SYSTEMS}
SETTINGS = {f"{name}_secret": secret for name, secret in SECRETS.items()}
RULES = {system.name: system.rule for system in SYSTEMS}
_numbers = itertools.count(1)


def chatwoot(text, conversation, number, /, **changes):
    return {
        "event": "message_created", "id": number, "content": text, "content_type": "text", "message_type": "incoming",
        "created_at": datetime.now(UTC).isoformat(), "private": False, "sender": {"id": 1, "type": "contact"},
        "inbox": {"id": 1}, "account": {"id": 1},
        "conversation": {"id": conversation, "status": "open", "labels": [], "priority": None, "meta": {}},
    } | changes  # fmt: skip


def zendesk(text, conversation, number, /, **changes):
    return {
        "type": "zen:event-type:ticket.comment_added", "account_id": 1, "id": f"event {number}",
        "time": datetime.now(UTC).isoformat(), "subject": f"zen:ticket:{conversation}",
        "detail": {"id": str(conversation), "subject": "Help", "description": "the first words", "priority": "NORMAL"},
        "event": {"comment": {"id": str(number), "body": text, "is_public": True,
                              "author": {"id": "1", "is_staff": False}}},
    } | changes  # fmt: skip


def slack(text, conversation, number, /, **changes):
    event = {"type": "message", "channel": "C1", "user": "U1", "text": text, "ts": f"{int(time.time())}.{number:06}",
             "thread_ts": f"1700000000.{conversation:06}"}  # fmt: skip
    return {"type": "event_callback", "team_id": "T1", "event_id": f"Ev{number}", "event": event | changes}


def intercom(text, conversation, number, /, **changes):
    said = {"id": str(number), "part_type": "comment", "body": f"<p>{text}</p>", "created_at": int(time.time()),
            "author": {"type": "user", "id": "1"}}  # fmt: skip
    return {
        "type": "notification_event", "topic": "conversation.user.replied", "id": f"notif_{number}",
        "data": {"type": "notification_event_data", "item": {
            "type": "conversation", "id": str(conversation), "source": {"id": "1", "body": "<p>first</p>"},
            "conversation_parts": {"conversation_parts": [said]},
        }},
    } | changes  # fmt: skip


def zammad(text, conversation, number, /, **changes):
    article = {"id": number, "body": text, "content_type": "text/plain", "sender": "Customer", "internal": False,
               "type": "email", "created_at": datetime.now(UTC).isoformat()}  # fmt: skip
    return {"ticket": {"id": conversation, "number": f"1{conversation}"}, "article": article | changes}


def generic(text, conversation, number, /, **changes):
    return {"conversation": str(conversation), "id": str(number), "text": text} | changes


BODIES = {each.__name__: each for each in (chatwoot, zendesk, slack, intercom, zammad, generic)}


def signed(system, body, *, secret=None, age=0):
    """Headers of a delivery that was signed `age` seconds ago."""
    rule = RULES[system]
    moment = time.time() - age
    stamp = (
        datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")
        if system == "zendesk"
        else str(int(moment))
    )
    headers = {"Content-Type": "application/json", rule.header: rule.sign(secret or SECRETS[system], stamp, body)}
    if rule.timestamp_header:
        headers[rule.timestamp_header] = stamp
    return headers


def deliver(client, system, payload, **how):
    """Send a delivery, signed; `payload` is what is sent as JSON."""
    body = json.dumps(payload).encode()
    return client.post(f"/hooks/{system}", content=body, headers=signed(system, body, **how))


def say(client, system, text, conversation=1, /, **changes):
    """Have a customer say something; the number of the message."""
    number = next(_numbers)
    answer = deliver(client, system, BODIES[system](text, conversation, number, **changes))
    assert answer.status_code == 200, answer.text
    return answer.json()["status"]
