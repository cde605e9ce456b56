"""Connections: what ends them, and what does not."""

from __future__ import annotations

import contextlib
import logging
import resource
import socket

import httpx
import pytest

from serving.http import connections, endings
from serving.http.connections import KEEP_ALIVE_SECONDS
from serving.http.server import allow_open_files

LINE = b"POST /v1/classify HTTP/1.1\r\nHost: x\r\n"
JSON = b"Content-Type: application/json\r\n"


@pytest.fixture(scope="module")
def server(start_server, tiny_classifier):
    with start_server(lambda: tiny_classifier, deadline_seconds="1") as server:
        server.wait_until_ready()
        yield server


@pytest.fixture
def connected(server):
    with connect(server) as connected:
        yield connected


def connect(server):
    url = server.client.base_url
    return socket.create_connection((url.host, url.port), timeout=20)


def until(connected, end):
    said = b""
    while not said.endswith(end):
        part = connected.recv(65536)
        assert part, said
        said += part
    return said


def until_closed(connected):
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connected.recv(65536):
            said += part
    return said


@pytest.mark.parametrize("before", [b"", b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"], ids=["first", "second"])
def test_a_head_that_does_not_come_to_its_end_is_not_waited_for(connected, before):
    connected.sendall(before + LINE)
    assert until_closed(connected).count(b"HTTP/1.1 ") == before.count(b"GET")


def test_a_head_that_does_not_end_is_not_read_for_ever(connected):
    connected.sendall(LINE)
    with contextlib.suppress(ConnectionError):
        for _ in range(40):
            connected.sendall(b"X-Filler: " + b"a" * 10_000 + b"\r\n")
    said = until_closed(connected)
    assert said == b"" or said.startswith(b"HTTP/1.1 400 ")


def test_blank_lines_do_not_keep_a_connection(connected):
    connected.sendall(b"\r\n")
    until_closed(connected)


def test_what_is_no_request_waits_for_the_answers_before_it(held):
    server, stub = held
    body = b'{"text": "Great!"}'
    with connect(server) as connected:
        connected.sendall(LINE + JSON + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        stub.wait_for_runs(1)
        connected.sendall(b"nonsense\r\n\r\n")
        stub.release.set()
        said = until_closed(connected)
    assert said.startswith(b"HTTP/1.1 200 ")
    assert said.count(b"HTTP/1.1 400 ") == 1


def test_an_idle_connection_outlives_the_time_that_a_head_has(connected):
    connected.settimeout(2.5)
    with pytest.raises(TimeoutError):
        connected.recv(1)
    assert KEEP_ALIVE_SECONDS > 60


def test_a_refusal_of_a_small_request_keeps_the_connection(connected, monkeypatch):
    monkeypatch.setattr(endings, "_MOMENT_SECONDS", 20.0)
    for _ in range(2):
        connected.sendall(LINE + b"Content-Length: 6\r\n\r\n")
        connected.sendall(b"Great!")
        said = until(connected, b"}}")
        assert said.startswith(b"HTTP/1.1 415 ")
        assert b"connection: close" not in said.lower()


@pytest.mark.parametrize(
    "length", [b"Content-Length: 1000000000", b"Content-Length: 10", b"Transfer-Encoding: chunked"]
)
def test_a_refusal_does_not_wait_for_the_rest_of_a_request(connected, length, monkeypatch):
    monkeypatch.setattr(endings, "_LINGER_SECONDS", 0.2)
    connected.sendall(LINE + length + b"\r\n\r\n")
    said = until_closed(connected)
    assert said.startswith(b"HTTP/1.1 415 ")
    assert b"connection: close" in said.lower()
    assert b"unsupported_media_type" in said


def test_who_sends_more_than_is_read_gets_the_whole_answer(server):
    response = httpx.post(server.client.base_url.join("/v1/classify"), content=b" " * 12_000_000, timeout=20)
    assert response.status_code == 415
    assert response.json()["error"]["code"] == "unsupported_media_type"


def test_who_asks_before_sending_is_refused_unsent(connected):
    connected.sendall(LINE + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n")
    said = until(connected, b"}}")
    assert said.startswith(b"HTTP/1.1 415 ")
    assert b"connection: close" in said.lower()


def test_requests_sent_at_once_are_answered_one_after_the_other(connected):
    body = b'{"text": "Great!"}'
    connected.sendall((LINE + JSON + b"Content-Length: %d\r\n\r\n" % len(body) + body) * 3 + b"nonsense\r\n\r\n")
    said = until_closed(connected)
    assert said.count(b"HTTP/1.1 200 ") == 3
    assert said.count(b"HTTP/1.1 400 ") == 1


def test_answers_that_nobody_takes_are_not_kept(server, monkeypatch):
    monkeypatch.setattr(connections, "_STALL_SECONDS", 0.5)
    with connect(server) as deaf:
        deaf.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 2000)
        open_ = server.server.server_state.connections
        stalled = []
        server.wait_for(lambda: stalled.extend(each for each in open_ if each.holds_unsent) or stalled, "a pile")
        server.wait_for(lambda: stalled[0] not in open_, "its end")


@pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready", "/metrics"])
def test_head_is_answered_like_get_without_a_body(server, path):
    response = server.client.head(path)
    assert response.status_code == 200
    assert response.content == b""
    assert int(response.headers["Content-Length"]) > 0
    assert server.client.put(path).headers["Allow"] in ("GET, HEAD", "HEAD, GET")


def test_who_asks_for_another_protocol_is_answered_in_this_one_without_a_word(server, caplog):
    caplog.set_level(logging.WARNING)
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert server.client.get("/v2/health/live", headers=headers).status_code == 200
    assert not caplog.records


def test_a_body_is_read_beside_an_offer_to_change_the_protocol(server):
    """As Java's client offers with every request."""
    headers = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQBAAAAAAIAAAAA"}
    for _ in range(2):
        response = server.client.post("/v1/classify", json={"text": "Great!"}, headers=headers)
        assert response.status_code == 200


def test_what_comes_after_the_body_is_no_header(connected):
    trailer = b"5\r\nGreat\r\n0\r\nContent-Type: application/json\r\n\r\n"
    connected.sendall(LINE + b"Transfer-Encoding: chunked\r\n\r\n" + trailer)
    assert until(connected, b"}}").startswith(b"HTTP/1.1 415 ")


def test_as_many_files_may_be_open_as_the_system_allows():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        allow_open_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
