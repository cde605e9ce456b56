"""Log lines for people and for machines, and no text of a customer in either."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import json
import logging
import os
import re
import sys

import pytest

from serving.http.failures import log_what_nobody_caught
from serving.http.log_writer import LogWriter
from serving.http.logs import FORMATTERS
from serving.http.traces import trace

CANARY = "canary-c0de-tell-nobody"


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


@pytest.fixture
def pipe():
    """A pipe that nobody has read from yet; on Linux of one page."""
    reading, writing = os.pipe()
    if sys.platform == "linux":
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    yield reading, writing
    os.close(writing)
    os.close(reading)


@pytest.mark.skipif(sys.platform != "linux", reason="sets the size of a pipe")
@pytest.mark.parametrize("log_format", FORMATTERS)
def test_lines_that_nobody_takes_are_counted_and_told_when_somebody_does(pipe, log_format):
    reading, writing = pipe
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b" " * 4096)
    os.set_blocking(writing, True)
    writer = LogWriter(writing, most_lines=10)
    writer.setFormatter(FORMATTERS[log_format])
    for number in range(500):
        writer.handle(logging.LogRecord("some.library", logging.INFO, "", 0, f"line {number}", (), None))
    assert writer.lost > 400
    said, told = b"", 0
    # In one line, or in several where its thread got a turn while lines were still coming.
    while told < writer.lost:
        said += os.read(reading, 4096)
        told = sum(int(number) for number in re.findall(rb"(\d+) log lines were lost", said))
    assert told == writer.lost
    writer.close()


def test_a_line_that_cannot_be_made_is_counted_and_nothing_is_said_of_it(pipe, capsys):
    reading, writing = pipe
    writer = LogWriter(writing)
    try:
        raise ValueError(CANARY)
    except ValueError:
        writer.handle(logging.LogRecord("some.library", logging.INFO, "", 0, "%d", (CANARY,), sys.exc_info()))
    writer.handle(logging.LogRecord("some.library", logging.INFO, "", 0, "half a character: \ud800", (), None))
    writer.close()
    said = os.read(reading, 4096)
    assert writer.lost == 1
    assert b"half a character: \\ud800" in said
    assert CANARY not in said.decode() + "".join(capsys.readouterr())


def test_exceptions_that_are_each_others_cause_come_to_an_end():
    first, second = ValueError(CANARY), KeyError(CANARY)
    first.__cause__, second.__cause__ = second, first
    assert trace(first).startswith("ValueError at  after KeyError at ")
    assert len(trace(first)) < 200


def test_what_the_event_loop_says_of_faults_that_nobody_caught_holds_no_text(written):
    async def fail():
        asyncio.get_running_loop().set_exception_handler(log_what_nobody_caught)
        lost = asyncio.get_running_loop().create_future()
        lost.set_exception(ValueError(CANARY))
        del lost
        gc.collect()

    asyncio.run(fail())
    assert "a fault outside of any request: ValueError" in written()
    assert CANARY not in written()
