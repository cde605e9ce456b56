"""Deliveries that leave nothing in the store: refused, skipped, or only a question; and what the description says."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from chat_systems import BODIES, SECRETS, SETTINGS, deliver, say, signed
from stores import count

from serving.store.tables import conversations, deliveries

SYSTEMS = tuple(BODIES)


@pytest.fixture(scope="module")
def empty_desk(start_server, tiny_classifier, tmp_path_factory):
    """One server for all deliveries that leave nothing in the store."""
    store = tmp_path_factory.mktemp("store") / "rida.db"
    with start_server(lambda: tiny_classifier, store=str(store), **SETTINGS) as server:
        server.wait_until_ready()
        yield server
        assert count(str(store), deliveries) == 0


@pytest.mark.parametrize("system", SYSTEMS)
def test_another_secret_another_body_and_no_signature_are_refused(empty_desk, system):
    body = json.dumps(BODIES[system]("late", 1, 1)).encode()
    rule = next(name for name in signed(system, body) if "Signature" in name and "Timestamp" not in name)
    unsigned = {name: value for name, value in signed(system, body).items() if name != rule}
    for content, headers in (
        (body, signed(system, body, secret="another secret")),
        (body + b" ", signed(system, body)),
        (body, unsigned),
        (body, unsigned | {rule: ""}),
        (body, unsigned | {rule: "sha256=\u00e9".encode("latin-1")}),
    ):
        refused = empty_desk.client.post(f"/hooks/{system}", content=content, headers=headers)
        assert refused.status_code == 401, headers
        assert refused.json()["error"]["code"] == "bad_signature"
    assert count(empty_desk.service.settings.store, deliveries) == 0


@pytest.mark.parametrize("system", ["chatwoot", "zendesk", "slack", "generic"])
@pytest.mark.parametrize("age", [3600, 301, -3600])
def test_a_timestamp_out_of_the_window_is_refused(empty_desk, system, age):
    refused = deliver(empty_desk.client, system, BODIES[system]("late", 1, 1), age=age)
    assert refused.status_code == 401
    assert "5 minutes" in refused.json()["error"]["message"]


@pytest.mark.parametrize("stamp", ["", "soon", "nan", "1e9", "٣", "9" * 400, "2026-13-01T00:00:00Z"])
def test_a_timestamp_that_is_none_is_refused_however_it_is_signed(empty_desk, stamp):
    body = json.dumps(BODIES["chatwoot"]("late", 1, 1)).encode()
    from serving.hooks.signatures import CHATWOOT

    try:
        signature = CHATWOOT.sign(SECRETS["chatwoot"], stamp, body)
    except UnicodeEncodeError:
        signature = "sha256="
    headers = [(b"Content-Type", b"application/json"), (b"X-Chatwoot-Signature", signature.encode()),
               (b"X-Chatwoot-Timestamp", stamp.encode())]  # fmt: skip
    assert empty_desk.client.post("/hooks/chatwoot", content=body, headers=headers).status_code == 401


def test_slack_is_told_that_the_address_is_ours(empty_desk):
    answer = deliver(empty_desk.client, "slack", {"type": "url_verification", "challenge": "3eZbrw"})
    assert answer.json() == {"challenge": "3eZbrw"}
    assert (
        deliver(
            empty_desk.client, "slack", {"type": "url_verification", "challenge": "x"}, secret="other one"
        ).status_code
        == 401
    )


def test_intercom_is_told_that_the_address_is_there(empty_desk):
    assert empty_desk.client.head("/hooks/intercom").status_code == 200
    assert empty_desk.client.head("/hooks/nobody").status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe{}", b"[" * 100_000, b'{"a": NaN}'])
@pytest.mark.parametrize("system", ["chatwoot", "zammad"])
def test_a_body_that_is_no_object_is_refused(empty_desk, system, body):
    refused = empty_desk.client.post(f"/hooks/{system}", content=body, headers=signed(system, body))
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] in ("bad_json", "bad_delivery")


@pytest.mark.parametrize(
    ("system", "path", "wrong"),
    [
        ("chatwoot", "id", None),
        ("chatwoot", "id", {"a": 1}),
        ("chatwoot", "content", 7),
        ("chatwoot", "conversation", {}),
        ("chatwoot", "conversation", {"id": "x" * 201}),
        ("chatwoot", "account", "me"),
        ("zendesk", "detail", {}),
        ("zendesk", "event", {"comment": {"body": "late", "is_public": True}}),
        ("intercom", "topic", 7),
        ("zammad", "ticket", None),
        ("generic", "conversation", ""),
        ("generic", "conversation", "a\x00b"),
        ("generic", "id", True),
        ("generic", "text", ["late"]),
        ("generic", "direction", "sideways"),
        ("generic", "format", "docx"),
    ],
)
def test_a_missing_or_wrong_field_is_named_without_what_stood_there(empty_desk, system, path, wrong):
    payload = BODIES[system]("late", 1, 1)
    payload[path] = wrong
    refused = deliver(empty_desk.client, system, payload)
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert error["code"] == "bad_delivery"
    assert path in error["message"]
    assert "late" not in error["message"]
    assert "sideways" not in error["message"]


def test_another_content_type_and_a_body_of_five_megabytes_are_refused(empty_desk):
    body = json.dumps(BODIES["generic"]("late", 1, 1)).encode()
    headers = signed("generic", body)
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        refused = empty_desk.client.post("/hooks/generic", content=body, headers=headers | {"Content-Type": kind})
        assert refused.status_code == 415
    huge = json.dumps(BODIES["generic"]("late " * 1_000_000, 1, 1)).encode()
    refused = empty_desk.client.post("/hooks/generic", content=huge, headers=signed("generic", huge))
    assert refused.status_code == 413


def test_a_system_without_a_secret_and_a_server_without_a_store_have_no_hooks(
    start_server, tiny_classifier, tmp_path, client
):
    assert client.post("/hooks/generic", json={}).status_code == 404
    assert client.get("/inbox").status_code == 404
    with start_server(lambda: tiny_classifier, store=str(tmp_path / "rida.db"), zammad_secret="long enough") as server:
        assert server.client.post("/hooks/generic", json={}).status_code == 404
        assert server.client.post("/hooks/zammad", json={}).status_code == 401
        assert server.client.get("/hooks/zammad").status_code == 405


@pytest.mark.parametrize(
    ("system", "changes"),
    [
        ("chatwoot", {"event": "conversation_updated"}),
        ("chatwoot", {"message_type": "activity"}),
        ("chatwoot", {"private": True}),
        ("chatwoot", {"message_type": "outgoing", "sender": {"type": "agent_bot"}}),
        ("chatwoot", {"content": None}),
        ("chatwoot", {"content": " \n"}),
        ("zendesk", {"type": "zen:event-type:ticket.tags_changed"}),
        ("zendesk", {"event": {"comment": {"id": "1", "body": "x", "is_public": False}}}),
        ("slack", {"bot_id": "B1"}),
        ("slack", {"subtype": "message_changed"}),
        ("slack", {"subtype": "channel_join"}),
        ("slack", {"subtype": ["file_share"]}),
        ("generic", {"at": time.time() - 29.5 * 86400}),
        ("slack", {"text": "<@U1>"}),
        ("intercom", {"topic": "ping"}),
        ("intercom", {"topic": "conversation.admin.noted"}),
        ("zammad", {"internal": True}),
        ("zammad", {"sender": "System"}),
        ("zammad", {"body": "<p> </p>", "content_type": "text/html; charset=utf-8"}),
        ("generic", {"private": True}),
        ("generic", {"event": "conversation.angry"}),
    ],
)
def test_what_no_customer_has_written_is_skipped(empty_desk, system, changes):
    assert say(empty_desk.client, system, "x", **changes) == "skipped"
    assert count(empty_desk.service.settings.store, conversations) == 0


def test_the_description_has_each_hook_and_its_errors(empty_desk):
    paths = empty_desk.client.get("/openapi.json").json()["paths"]
    page = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
    for system in SYSTEMS:
        told = paths[f"/hooks/{system}"]["post"]
        assert told["operationId"] == f"hook_{system}"
        assert {"200", "400", "401", "413", "415", "503"} <= set(told["responses"])
        assert f"POST /hooks/{system}`" in page
        assert (Path(__file__).parents[2] / "docs" / "hooks" / f"{system}.md").is_file()
    assert not any(path.startswith("/inbox") for path in paths)
