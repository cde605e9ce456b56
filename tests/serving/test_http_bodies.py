"""Hostile and odd bodies: each has its status, none stops the server."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import ExitStack

import pytest
from fastapi.exceptions import RequestValidationError

from serving.http import routes
from serving.http.body_budget import BODIES
from serving.http.schemas import Asked, ClassifyAnswer, ErrorAnswer, read_asked

JSON = {"Content-Type": "application/json"}
MOST_BYTES = 4_194_304

REFUSED = {
    "empty": (b"", 400, "bad_json"),
    "only spaces": (b"   ", 400, "bad_json"),
    "cut short": (b'{"text": "Gre', 400, "bad_json"),
    "invalid UTF-8": (b'{"text": "caf\xe9"}', 400, "bad_json"),
    "UTF-16": ('{"text": "Great!"}'.encode("utf-16"), 400, "bad_json"),
    "NaN": (b'{"text": NaN}', 400, "bad_json"),
    "infinity": (b'{"texts": [-Infinity]}', 400, "bad_json"),
    "a field named twice": (b'{"text": "a", "text": "b"}', 400, "bad_json"),
    "a field named twice inside": (b'{"texts": [{"text": "a", "text": "b"}]}', 400, "bad_json"),
    "nested too deeply": (b'{"texts": ' + b"[" * 200_000, 400, "bad_json"),
    "a number of 5,000 digits": (b'{"text": ' + b"9" * 5000 + b"}", 400, "bad_json"),
    "a raw NUL in a string": (b'{"text": "a\x00b"}', 400, "bad_json"),
    "a list": (b'["Great!"]', 422, "invalid_field"),
    "a string": (b'"Great!"', 422, "invalid_field"),
    "null": (b"null", 422, "invalid_field"),
    "neither texts nor text": (b"{}", 422, "invalid_field"),
    "both texts and text": (b'{"texts": ["a"], "text": "b"}', 422, "invalid_field"),
    "texts is a string": (b'{"texts": "Great!"}', 422, "invalid_field"),
    "texts is null": (b'{"texts": null}', 422, "invalid_field"),
    "a text is a number": (b'{"texts": ["a", 7]}', 422, "invalid_field"),
    "a text is null": (b'{"text": null}', 422, "invalid_field"),
    "a text is a list": (b'{"texts": [["a"]]}', 422, "invalid_field"),
    "an item without a text": (b'{"texts": [{"id": "7"}]}', 422, "invalid_field"),
    "an id is a number": (b'{"texts": [{"id": 7, "text": "a"}]}', 422, "invalid_field"),
    "an id is half a character": (b'{"text": "a", "id": "\\ud800"}', 422, "invalid_field"),
    "an unknown field": (b'{"text": "a", "mood": "angry"}', 422, "invalid_field"),
    "all_topics is a number": (b'{"text": "a", "all_topics": 1}', 422, "invalid_field"),
    "moderately nested": (b'{"texts": ' + b"[" * 500 + b"]" * 500 + b"}", 422, "invalid_field"),
    "10,000 texts": (json.dumps({"texts": ["a"] * 10_000}).encode(), 413, "too_many_texts"),
    "one byte too many": (b" " * (MOST_BYTES + 1), 413, "body_too_large"),
}

SCORED = {
    "byte order mark": b'\xef\xbb\xbf{"text": "Great!"}',
    "lone surrogate": b'{"text": "a \\ud800 b"}',
    "only lone surrogates": b'{"text": "\\ud800\\udfff\\ud800"}',
    "NUL": b'{"text": "a\\u0000b"}',
    "only NUL": b'{"text": "\\u0000"}',
    "control characters": b'{"text": "\\u0001\\u001b[31m\\u007f"}',
    "right-to-left marks": '{"text": "\u202e\u2067سيئ جدا\u2069\u200f"}'.encode(),
    "only zero-width marks": '{"text": "\u200b\u200c\u200d\ufeff"}'.encode(),
    "only emoji": '{"text": "😡😡😡"}'.encode(),
    "1 MB of text": json.dumps({"text": "slow " * 200_000}).encode(),
    "1 MB without a space": json.dumps({"text": "a" * 1_000_000}).encode(),
    "the most bytes": b'{"text": "a"}' + b" " * (MOST_BYTES - 13),
}


@pytest.mark.parametrize(("body", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_a_bad_body_is_refused_with_the_reason(client, body, status, code):
    response = client.post("/v1/classify", content=body, headers=JSON)
    assert response.status_code == status, response.text
    error = ErrorAnswer.model_validate_json(response.content).error
    assert error.code == code
    assert len(error.message) < 500


@pytest.mark.parametrize("body", SCORED.values(), ids=SCORED)
def test_an_odd_text_has_a_prediction_or_an_error_of_its_own(client, body):
    response = client.post("/v1/classify", content=body, headers=JSON)
    assert response.status_code == 200, response.text
    assert len(ClassifyAnswer.model_validate_json(response.content).results) == 1


def test_a_wrong_field_is_named_with_its_place(client):
    body = {"texts": ["a", {"id": 7, "text": "b"}]}
    assert "texts.1.id" in client.post("/v1/classify", json=body).json()["error"]["message"]


def test_many_wrong_fields_are_counted_not_listed(client):
    message = client.post("/v1/classify", json={"texts": [7] * 500}).json()["error"]["message"]
    assert message.endswith("and 495 more")


def test_bytes_are_counted_as_they_come_without_a_declared_length(client):
    chunks = (b" " * 65_536 for _ in range(80))
    response = client.post("/v1/classify", content=chunks, headers=JSON)
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "body_too_large"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=windows-1256"},
        {"Content-Type": "application/json; charset"},
        {"Content-Type": "application/json, application/json"},
        {"Content-Type": "application"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
    ids=str,
)
def test_a_body_not_said_to_be_plain_json_is_refused(client, headers):
    response = client.post("/v1/classify", content=b'{"text": "Great!"}', headers=headers)
    assert response.status_code == 415
    assert response.json()["error"]["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    "kind",
    [
        "application/json; charset=utf-8",
        "Application/JSON",
        'application/json ; Charset="UTF8";',
        "application/json; profile=x",
        # The library's parser raises for this one.
        "application/json; charset*0*=idna''a;charset*=hex''aa",
    ],
)
def test_json_is_recognised_however_it_is_written(client, kind):
    response = client.post("/v1/classify", content=b'{"text": "Great!"}', headers={"Content-Type": kind})
    assert response.status_code == 200


def test_unknown_fields_are_counted_by_place_however_many_there_are():
    many = {f"{number:06}": 1 for number in range(100_000)}
    with pytest.raises(RequestValidationError) as refused:
        read_asked({"texts": [{"text": "a", **many}, "b", {"text": "c", **many}], **many}, 3)
    assert len(refused.value.errors()) == 3


def test_a_body_that_takes_long_to_read_holds_nobody_up(start_server, tiny_classifier, monkeypatch):
    """Slow here because it is made to wait; what counts is that others are answered meanwhile."""
    entered, let_go = threading.Event(), threading.Event()

    def slow(body, max_texts):
        entered.set()
        let_go.wait(timeout=20)
        return Asked(["Great!"], ["0"], False)

    with start_server(lambda: tiny_classifier) as server:
        server.wait_until_ready()
        monkeypatch.setattr(routes, "_asked", slow)
        large = server.in_background({"text": "slow " * 20_000})
        assert entered.wait(timeout=20)
        assert server.client.get("/v2/health/live").status_code == 200
        let_go.set()
        assert large.result(timeout=20).status_code == 200


def test_bodies_of_all_clients_together_are_bounded(start_server, tiny_classifier):
    head = b"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1024\r\n\r\n"
    with start_server(lambda: tiny_classifier, max_body_bytes="1024") as server, ExitStack() as open_:
        server.wait_until_ready()
        url = server.client.base_url
        for _ in range(BODIES):
            unfinished = open_.enter_context(socket.create_connection((url.host, url.port)))
            unfinished.sendall(head + b" " * 1023)
        server.wait_for(lambda: server.service.bodies._left == BODIES, "the bodies to come in")
        refused = server.client.post("/v1/classify", json={"text": "Great parcel"})
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "queue_full"
        assert int(refused.headers["Retry-After"]) > 0
        open_.close()
        server.wait_for(lambda: server.service.bodies._left == BODIES * 1024, "the bodies to be given up")
        assert server.client.post("/v1/classify", json={"text": "Great parcel"}).status_code == 200
