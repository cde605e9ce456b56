"""What goes wrong in a server's life, one test each: the server goes on, and says what it can."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path

import httpx
import pytest
from server_processes import process, refused
from stub_classifiers import Held

from model.manifest import GRAPH
from serving.http.workers import Worker

BUSY = {"text": "Great parcel"}


def kill(thread_id):
    """End a thread in the middle of what it does; it has no chance to put anything in order."""
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), ctypes.py_object(SystemExit)) == 1


def test_a_worker_killed_mid_batch_is_replaced_and_its_requests_are_told(held):
    server, stub = held
    lost = server.in_background(BUSY)
    stub.wait_for_runs(1)
    waiting = server.in_background({"text": "Great room"})
    server.wait_for(lambda: server.service.scoring.waiting_tokens, "the second request to wait")
    kill(stub.threads[0])
    answer = lost.result(timeout=20)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "worker_lost"
    assert int(answer.headers["Retry-After"]) > 0
    stub.wait_for_runs(2)
    stub.release.set()
    assert waiting.result(timeout=20).status_code == 200
    assert server.client.post("/v1/classify", json=BUSY).status_code == 200
    assert server.metric("rida_workers_replaced_total") == 1
    assert len(set(stub.threads)) == 2


def test_a_worker_that_cannot_be_replaced_yet_is_replaced_when_it_can_be(held, monkeypatch):
    server, stub = held
    lost = server.in_background(BUSY)
    stub.wait_for_runs(1)
    with monkeypatch.context() as patched:
        patched.setattr(Worker, "start", no_thread)
        kill(stub.threads[0])
        assert lost.result(timeout=20).json()["error"]["code"] == "worker_lost"
        for answer in (server.client.get("/v2/health/ready"), server.client.post("/v1/classify", json=BUSY)):
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "worker_lost"
    stub.release.set()
    assert server.client.get("/v2/health/ready").status_code == 200
    assert server.client.post("/v1/classify", json=BUSY).status_code == 200


def no_thread(worker):
    raise RuntimeError("can't start new thread")


def test_a_request_that_outlives_its_deadline_is_told_and_its_texts_are_not_scored(start_stub, tiny_classifier):
    stub = Held(tiny_classifier)
    with start_stub(stub, threads="1", deadline_seconds="1") as server:
        in_hand = server.in_background(BUSY)
        stub.wait_for_runs(1)
        waiting = server.in_background({"text": "Great room"})
        for answer in (in_hand.result(timeout=20), waiting.result(timeout=20)):
            assert answer.status_code == 504
            assert answer.json()["error"]["code"] == "deadline_passed"
        stub.release.set()
        # On a slow machine a second may be too little for the one that shows that the server goes on.
        server.service.settings = replace(server.service.settings, deadline_seconds=60)
        assert server.client.post("/v1/classify", json=BUSY).status_code == 200
        assert len(stub.runs) == 2


def test_what_cannot_be_answered_in_time_is_refused_at_once(start_stub, tiny_classifier):
    with start_stub(Held(tiny_classifier), threads="1", deadline_seconds="60") as server:
        server.service.scoring.rate._of_one = 1.0
        started = time.monotonic()
        answer = server.client.post("/v1/classify", json={"texts": ["Great parcel"] * 100})
        assert time.monotonic() - started < 5
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "too_much_text"
        assert "Retry-After" not in answer.headers


def test_a_full_queue_refuses_before_it_reads_and_says_when_there_is_room(start_stub, tiny_classifier):
    stub = Held(tiny_classifier)
    with start_stub(stub, threads="1", queue_milliseconds="1") as server:
        admitted = [server.in_background({"texts": ["Great parcel"] * 20})]
        stub.wait_for_runs(1)
        server.service.scoring.rate._of_one = 10.0
        refused = server.client.post("/v1/classify", content=b"not even JSON")
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "queue_full"
        in_hand = sum(map(len, stub.runs[0]))
        assert int(refused.headers["Retry-After"]) == pytest.approx(in_hand / 10, abs=1)
        stub.release.set()
        assert [each.result(timeout=20).status_code for each in admitted] == [200]
        assert server.client.post("/v1/classify", json=BUSY).status_code == 200


def test_a_body_that_trickles_in_is_cut_off_and_holds_nobody_up(start_server, tiny_classifier):
    with start_server(lambda: tiny_classifier, deadline_seconds="1") as server:
        server.wait_until_ready()
        url = server.client.base_url
        with socket.create_connection((url.host, url.port)) as slow:
            slow.sendall(b"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
            slow.sendall(b"Content-Length: 1000\r\n\r\n{")
            assert server.client.post("/v1/classify", json=BUSY).status_code == 200
            slow.settimeout(20)
            with contextlib.suppress(OSError):
                slow.sendall(b'"')
            said = b""
            while part := slow.recv(65536):
                said += part
        assert said.startswith(b"HTTP/1.1 408 ")
        assert b"body_too_slow" in said


@pytest.mark.parametrize("jump", [86_400.0, -86_400.0])
def test_a_jump_of_the_clock_changes_nothing(held, monkeypatch, jump):
    server, stub = held
    asked = server.in_background(BUSY)
    stub.wait_for_runs(1)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    waiting = server.in_background({"text": "Great room"})
    server.wait_for(lambda: server.service.scoring.waiting_tokens, "the second request to wait")
    stub.release.set()
    assert asked.result(timeout=20).status_code == 200
    assert waiting.result(timeout=20).status_code == 200


def test_a_thousand_idle_connections_hold_nobody_up(running_server):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= 4096, "two ends of a thousand connections need as many open files"
    url = running_server.client.base_url
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
        with ExitStack() as idle:
            for _ in range(1000):
                idle.enter_context(socket.create_connection((url.host, url.port)))
            assert running_server.client.post("/v1/classify", json=BUSY).status_code == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


TELLS_WHOM_IT_ADMITS = """
import sys
import serving.http.routes as routes
score = routes._score
async def told(service, scoring, asked, request, deadline):
    print(routes.exchange_of(request.scope).request_id, flush=True)
    return await score(service, scoring, asked, request, deadline)
routes._score = told
from serving.cli import main
sys.exit(main())
"""


def test_sigterm_under_load_answers_all_that_it_took_in(tiny_weights, tmp_path):
    answered = {}

    def ask(url, name):
        with httpx.Client(timeout=60) as client:
            for number in count():
                request_id = f"{name}-{number}"
                body, headers = {"texts": ["late parcel"] * 30}, {"X-Request-Id": request_id}
                try:
                    answered[request_id] = client.post(f"{url}/v1/classify", json=body, headers=headers).status_code
                except httpx.TransportError:
                    # It may have closed or stopped listening before this one; whether it took it in, it tells itself.
                    return

    flags = ("--deadline-seconds", "60", "--drain-seconds", "60", "--queue-milliseconds", "60000")
    told = tmp_path / "admitted"
    with (
        told.open("wb") as out,
        process(tiny_weights, *flags, code=TELLS_WHOM_IT_ADMITS, stdout=out, stderr=subprocess.DEVNULL) as (
            running,
            url,
        ),
    ):
        clients = [threading.Thread(target=ask, args=(url, name)) for name in range(8)]
        for each in clients:
            each.start()
        while len(answered) < 50:
            time.sleep(0.01)
        before = set(answered)
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=60) == 0
        for each in clients:
            each.join(timeout=60)
    admitted = set(told.read_text().split())
    assert {request_id for request_id, status in answered.items() if status == 200} == admitted
    assert set(answered.values()) <= {200, 503}
    assert admitted - before, "nothing was in flight"


def test_weights_altered_before_the_start_stop_the_server(tiny_weights, tmp_path):
    altered = shutil.copytree(tiny_weights, tmp_path / "altered")
    graph = bytearray((altered / GRAPH).read_bytes())
    graph[len(graph) // 2] ^= 1
    (altered / GRAPH).write_bytes(graph)
    assert GRAPH in refused(altered)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_full_log_target_stops_nothing(tiny_weights, log_format):
    with (
        Path("/dev/full").open("wb") as full,
        process(tiny_weights, "--log-format", log_format, stderr=full) as (running, url),
    ):
        for _ in range(3):
            assert httpx.post(f"{url}/v1/classify", json=BUSY).status_code == 200
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=20) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="sets the size of a pipe")
def test_a_log_that_nobody_reads_stops_nothing(tiny_weights):
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    try:
        with process(tiny_weights, stderr=writing) as (running, url), httpx.Client(timeout=20) as client:
            for _ in range(100):
                assert client.get(f"{url}/nowhere").status_code == 404
            assert client.post(f"{url}/v1/classify", json=BUSY).status_code == 200
            running.send_signal(signal.SIGTERM)
            assert running.wait(timeout=20) == 0
        os.set_blocking(reading, False)
        assert len(os.read(reading, 65536)) >= 3000, "the pipe was not full"
    finally:
        os.close(reading)
        os.close(writing)
