"""The other systems: how each is asked, and what it is told.

Labels are set so that the same request twice leaves what it left once; labels that are not ours stay. A priority is
raised when a conversation turns angry and never lowered: that is for people.
"""

from __future__ import annotations

import base64
import html
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
from pydantic import SecretStr

from model.errors import InputError
from serving.hooks.signatures import RIDA
from serving.outbox.asking import NotNowError, ask
from serving.settings import Settings
from serving.store.outbox import Item, Targets

_Send = Callable[[httpx.AsyncClient, Item, Settings], Awaitable[None]]

_SECONDS: Final = 10.0
_SLACK_LOOKED_AT: Final = 200
_SLACK_EVENT: Final = "rida_angry"


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody who is told: by `send`, once `address` and `credential` are set."""

    name: str
    address: str
    credential: str
    takes_labels: bool
    headers: Callable[[str], Mapping[str, str]]
    send: _Send

    def is_set(self, settings: Settings) -> bool:
        """Whether it is to be told.

        Raises:
            InputError: only one of its two settings is there.
        """
        given = [name for name in (self.address, self.credential) if getattr(settings, name) is not None]
        if len(given) == 1:
            (missing,) = {self.address, self.credential} - set(given)
            raise InputError(f"RIDA_{given[0].upper()} is set without RIDA_{missing.upper()}; set both or neither")
        return bool(given)

    def client(self, settings: Settings) -> httpx.AsyncClient:
        """What asks it."""
        credential: SecretStr = getattr(settings, self.credential)
        url = settings.slack_url if self.name == "slack" else getattr(settings, self.address)
        return httpx.AsyncClient(
            base_url=url, headers=self.headers(credential.get_secret_value()), timeout=_SECONDS, follow_redirects=False
        )


def targets_of(settings: Settings) -> Targets:
    """Who is told, by the settings.

    Raises:
        InputError: a target is set by half.
    """
    chosen = [target for target in TARGETS if target.is_set(settings)]
    return Targets(
        frozenset(target.name for target in chosen if target.takes_labels),
        tuple(target.name for target in chosen if not target.takes_labels),
    )


async def _to_chatwoot(client: httpx.AsyncClient, item: Item, _: Settings) -> None:
    account, _, conversation = item.payload["conversation"].partition("/")
    path = f"/api/v1/accounts/{account}/conversations/{conversation}"
    there = (await ask(client, "GET", f"{path}/labels")).json().get("payload", [])
    # All are set at once, so those that are not ours go with them.
    wanted = [label for label in there if label not in item.ours] + item.payload["labels"]
    if wanted != there:
        await ask(client, "POST", f"{path}/labels", json={"labels": wanted})
    if item.payload["urgent"]:
        await ask(client, "PATCH", path, json={"priority": "urgent"})


async def _to_zendesk(client: httpx.AsyncClient, item: Item, _: Settings) -> None:
    path = f"/api/v2/tickets/{item.payload['conversation']}"
    there = set((await ask(client, "GET", f"{path}/tags.json")).json().get("tags", []))
    wanted = set(item.payload["labels"])
    if outdated := sorted((there & item.ours) - wanted):
        await ask(client, "DELETE", f"{path}/tags.json", json={"tags": outdated})
    if missing := sorted(wanted - there):
        await ask(client, "PUT", f"{path}/tags.json", json={"tags": missing})
    if item.payload["urgent"]:
        await ask(client, "PUT", f"{path}.json", json={"ticket": {"priority": "urgent"}})


async def _to_zammad(client: httpx.AsyncClient, item: Item, _: Settings) -> None:
    ticket = item.payload["conversation"]
    listed = await ask(client, "GET", "/api/v1/tags", params={"object": "Ticket", "o_id": ticket})
    there, wanted = set(listed.json().get("tags", [])), set(item.payload["labels"])
    for label in sorted((there & item.ours) - wanted):
        await ask(client, "DELETE", "/api/v1/tags/remove", json={"item": label, "object": "Ticket", "o_id": ticket})
    for label in sorted(wanted - there):
        await ask(client, "POST", "/api/v1/tags/add", json={"item": label, "object": "Ticket", "o_id": ticket})
    if item.payload["urgent"]:
        await ask(client, "PUT", f"/api/v1/tickets/{ticket}", json={"priority": "3 high"})


async def _to_slack(client: httpx.AsyncClient, item: Item, settings: Settings) -> None:
    channel = settings.slack_channel
    if item.unsure and await _is_in_slack(client, item, channel):
        return
    payload = item.payload
    # Slack's three special characters; a topic of ours may hold them.
    about = f" about {html.escape(', '.join(payload['topics']), quote=False)}" if payload["topics"] else ""
    said = {
        "channel": channel,
        "text": f"An angry customer{about}: {payload['system']} {payload['conversation']} "
        f"({100 * payload['scores']['angry']:.0f} %)",
        # By this we know our own message, should we not hear whether it came.
        "metadata": {"event_type": _SLACK_EVENT, "event_payload": {"id": item.key}},
        "unfurl_links": False,
    }
    _require_ok(await ask(client, "POST", "/chat.postMessage", json=said))


async def _is_in_slack(client: httpx.AsyncClient, item: Item, channel: str | None) -> bool:
    asked = {
        "channel": channel or "", "oldest": f"{item.created_at / 1000 - 60:.0f}", "limit": str(_SLACK_LOOKED_AT),
        "include_all_metadata": "true",
    }  # fmt: skip
    answer = _require_ok(await ask(client, "GET", "/conversations.history", params=asked))
    found = (each.get("metadata", {}).get("event_payload", {}).get("id") for each in answer.get("messages", []))
    return item.key in found


def _require_ok(answer: httpx.Response) -> dict[str, Any]:
    """Slack says what went wrong in an answer that is a success by its status."""
    content: dict[str, Any] = answer.json()
    if not content.get("ok"):
        problem = str(content.get("error", ""))
        known = problem if problem.replace("_", "").isalpha() and len(problem) <= 40 else "an error"
        raise NotNowError(f"Slack answered {known}", arrived=False)
    return content


async def _to_webhook(client: httpx.AsyncClient, item: Item, settings: Settings) -> None:
    body = json.dumps(item.payload).encode()
    stamp = str(int(time.time()))
    assert settings.webhook_secret is not None
    headers = {
        "Content-Type": "application/json",
        "X-Rida-Timestamp": stamp,
        "X-Rida-Signature": RIDA.sign(settings.webhook_secret.get_secret_value(), stamp, body),
        # The same on each try: who keeps it takes nothing in twice.
        "X-Rida-Delivery": item.key,
    }
    await ask(client, "POST", str(settings.webhook_url), content=body, headers=headers)


def _zendesk_headers(token: str) -> dict[str, str]:
    if "/token:" in token:
        return {"Authorization": f"Basic {base64.b64encode(token.encode()).decode()}"}
    return {"Authorization": f"Bearer {token}"}


TARGETS: Final = (
    Target("chatwoot", "chatwoot_url", "chatwoot_token", True, lambda token: {"api_access_token": token}, _to_chatwoot),
    Target("zendesk", "zendesk_url", "zendesk_token", True, _zendesk_headers, _to_zendesk),
    Target(
        "zammad", "zammad_url", "zammad_token", True,
        lambda token: {"Authorization": f"Token token={token}"}, _to_zammad,
    ),
    Target(
        "slack", "slack_channel", "slack_token", False,
        lambda token: {"Authorization": f"Bearer {token}"}, _to_slack,
    ),
    Target("webhook", "webhook_url", "webhook_secret", False, lambda _: {}, _to_webhook),
)  # fmt: skip
"""Everybody who can be told."""
