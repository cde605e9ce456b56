"""One error shape for every status, a request id on every answer, and no text in either or in the log."""

from __future__ import annotations

import logging
import re
import threading
import time

import httpx
import pytest
from stub_classifiers import Held, Quoting

from serving.http.errors import CODES, STATUSES
from serving.http.schemas import ErrorAnswer

CANARY = "canary-8d1f-tell-nobody"


@pytest.fixture
def failing(start_stub, tiny_classifier):
    with start_stub(Quoting(tiny_classifier)) as server:
        yield server.client


@pytest.fixture(scope="module")
def inbox(start_server, tiny_classifier, tmp_path_factory):
    with start_server(lambda: tiny_classifier, store=str(tmp_path_factory.mktemp("store") / "rida.db")) as server:
        yield server.client


@pytest.fixture(scope="module")
def keyed(start_server, tiny_classifier):
    with start_server(lambda: tiny_classifier, keys="0" * 64) as server:
        server.wait_until_ready()
        yield server.client


@pytest.fixture(scope="module")
def starting(start_server, tiny_classifier):
    loaded = threading.Event()

    def load():
        loaded.wait(timeout=600)
        return tiny_classifier

    with start_server(load) as server:
        yield server.client
        loaded.set()


@pytest.fixture
def limited(start_server, tiny_classifier):
    with start_server(lambda: tiny_classifier, texts_per_minute="1") as server:
        server.wait_until_ready()
        assert server.client.post("/v1/classify", json={"text": CANARY}).status_code == 200
        yield server.client


@pytest.fixture
def too_slow(start_stub, tiny_classifier):
    with start_stub(Held(tiny_classifier), deadline_seconds="1") as server:
        yield server.client


def byte_by_byte():
    for each in b'{"text": "' + CANARY.encode():
        yield bytes([each])
        time.sleep(0.05)


PROVOKED = {
    400: ("client", {"content": b"{" + CANARY.encode(), "headers": {"Content-Type": "application/json"}}),
    401: ("keyed", {"json": {"text": CANARY}}),
    403: (
        "inbox",
        {"url": "/inbox/login", "data": {"token": CANARY, "name": CANARY}, "headers": {"Cookie": "rida_login=another"}},
    ),
    404: ("client", {"url": f"/{CANARY}?text={CANARY}"}),
    405: ("client", {"method": "PUT", "json": {"text": CANARY}}),
    408: ("too_slow", {"content": byte_by_byte, "headers": {"Content-Type": "application/json"}}),
    413: ("client", {"json": {"texts": [CANARY] * 1001}}),
    415: ("client", {"content": CANARY}),
    422: ("client", {"json": {CANARY: CANARY, "texts": [{CANARY: 1, "text": [CANARY]}, 7]}}),
    429: ("limited", {"json": {"text": CANARY}}),
    500: ("failing", {"json": {"text": CANARY, "id": CANARY}}),
    503: ("starting", {"json": {"text": CANARY}}),
    504: ("too_slow", {"json": {"text": CANARY}}),
}


@pytest.fixture
def provoke(request):
    def ask(status, **more):
        fixture, asked = PROVOKED[status]
        asked = {"method": "POST", "url": "/v1/classify", **asked, **more}
        if callable(asked.get("content")):
            asked["content"] = asked["content"]()
        # On a connection of its own: what libraries log may depend on what was set up when it was made.
        with httpx.Client(base_url=request.getfixturevalue(fixture).base_url, timeout=20) as client:
            return client.request(**asked)

    return ask


def test_every_status_that_the_server_answers_is_provoked_here():
    assert set(PROVOKED) == set(STATUSES) == set(CODES)


@pytest.mark.parametrize("status", PROVOKED)
def test_every_error_has_the_one_shape_and_repeats_nothing(provoke, status):
    response = provoke(status)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    assert set(response.json()) == {"error"}
    assert set(response.json()["error"]) == {"code", "message", "request_id"}
    error = ErrorAnswer.model_validate_json(response.content).error
    assert error.code in CODES[status]
    assert error.request_id == response.headers["X-Request-Id"]
    assert CANARY not in response.text + str(response.headers)


@pytest.mark.parametrize("status", [200, *PROVOKED])
def test_no_text_reaches_the_log_at_any_level(provoke, client, caplog, status):
    for logger in (None, "uvicorn.error", "uvicorn.access", "asyncio"):
        caplog.set_level(logging.DEBUG, logger)
    if status == 200:
        url = client.base_url.join(f"/v1/classify?text={CANARY}")
        httpx.post(url, json={"text": CANARY, "id": CANARY}, timeout=20)
    else:
        provoke(status)
    logged = wait_for(f" {status} ", caplog)
    assert CANARY not in logged


def wait_for(words, caplog):
    """What the server logged, once `words` are in it: the line comes after the client's answer."""
    deadline = time.monotonic() + 20
    while True:
        records = [each for each in caplog.records if not each.name.startswith(("httpx", "httpcore"))]
        logged = "\n".join(record.getMessage() + str(record.exc_info) for record in records)
        if words in logged:
            return logged
        assert time.monotonic() < deadline, logged
        time.sleep(0.01)


def test_a_fault_is_logged_with_its_type_and_place(provoke, caplog):
    caplog.set_level(logging.INFO)
    response = provoke(500)
    logged = wait_for(" 500 ", caplog)
    assert re.search(r"ValueError at .*stub_classifiers\.py:\d+ after KeyError at", logged)
    assert logged.count(response.headers["X-Request-Id"]) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_refusals_that_pass_say_when_to_come_back(provoke, status):
    assert int(provoke(status).headers["Retry-After"]) > 0


def test_a_wrong_method_is_told_the_right_one(provoke):
    assert provoke(405).headers["Allow"] == "POST"


@pytest.mark.parametrize("given", ["a", "0f3c-77", "x" * 128, "with space"])
def test_a_sane_request_id_is_echoed(client, given):
    assert client.get("/v2/health/live", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "tab\tinside", "caf\u00e9"])
def test_any_other_request_id_is_replaced(client, given):
    headers = [(b"X-Request-Id", given.encode())]
    made = client.get("/v2/health/live", headers=headers).headers["X-Request-Id"]
    assert made != given
    assert len(made) == 32


def test_a_slash_at_the_end_is_not_redirected(client):
    assert client.get("/v1/model/").status_code == 404
