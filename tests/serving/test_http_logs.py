"""Log lines for people and for machines, and no text of a customer in either."""

from __future__ import annotations

import io
import json
import logging

import pytest

from serving.http.logs import FORMATTERS

CANARY = "canary-c0de-tell-nobody"


@pytest.fixture(params=FORMATTERS)
def written(request):
    """Everything that the process logs from here on, at any level, as the server would write it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(FORMATTERS[request.param])
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    # The test's own client logs what it sends; the server has no such client.
    handler.addFilter(lambda record: not record.name.startswith(("httpx", "httpcore")))
    yield stream.getvalue
    root.removeHandler(handler)
    root.setLevel(before)


def line_of(server, written, request_id):
    server.wait_for(lambda: request_id in written(), "the log line")
    return next(json.loads(line) for line in written().splitlines() if request_id in line)


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_a_json_line_tells_the_request_and_what_it_took(running_server, written):
    body = {"texts": ["great parcel thanks", "late again", ""]}
    response = running_server.client.post("/v1/classify", json=body, headers={"X-Request-Id": "mine"})
    line = line_of(running_server, written, "mine")
    assert {"level": "info", "logger": "rida.http", "request_id": "mine"}.items() <= line.items()
    assert {"method": "POST", "route": "/v1/classify", "status": 200, "texts": 3}.items() <= line.items()
    assert line["tokens"] == sum(
        len(window)
        for text in body["texts"][:2]
        for window in running_server.service.scoring.classifier.read([text])[0].windows
    )
    assert 0 <= line["queue_ms"] + line["scoring_ms"] <= line["ms"] + 0.2
    assert line["time"].endswith("+00:00")
    assert response.headers["X-Request-Id"] == "mine"


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_every_json_line_is_an_object(running_server, written):
    running_server.client.get("/v2/health/live")
    running_server.client.get("/nowhere", headers={"X-Request-Id": 'a "quoted" one'})
    line = line_of(running_server, written, "quoted")
    assert line["request_id"] == 'a "quoted" one'
    assert all(isinstance(json.loads(each), dict) for each in written().splitlines())


def test_an_exception_that_a_library_logs_is_shown_without_its_message(written):
    try:
        raise ValueError(f"cannot read {CANARY}")
    except ValueError:
        logging.getLogger("some.library").exception("it failed")
    assert "it failed" in written()
    assert "ValueError at test_http_logs.py:" in written()
    assert CANARY not in written()


def test_a_worker_that_dies_is_logged_without_what_it_said(start_stub, tiny_classifier, written):
    from stub_classifiers import Stub

    class Fatal(Stub):
        def on_run(self, windows):
            raise SystemExit(CANARY)

    with start_stub(Fatal(tiny_classifier)) as server:
        response = server.client.post("/v1/classify", json={"text": CANARY, "id": CANARY})
        assert response.status_code == 503
        assert response.json()["error"]["code"] == "worker_lost"
        assert CANARY not in response.text
        server.wait_for(lambda: " 503" in written() or '"status": 503' in written())
    assert "a scoring worker died and is replaced: SystemExit at " in written()
    assert CANARY not in written()
