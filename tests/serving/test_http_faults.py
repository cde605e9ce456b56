"""What goes wrong in a server's life, one test each: the server goes on, and says what it can."""

from __future__ import annotations

import contextlib
import ctypes
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
from pathlib import Path

import httpx
import pytest
from stub_classifiers import Held

from model.manifest import GRAPH

ROOT = Path(__file__).parents[2]
BUSY = {"text": "Great parcel"}


@pytest.fixture
def held(start_stub, tiny_classifier):
    stub = Held(tiny_classifier)
    with start_stub(stub, threads="1") as server:
        yield server, stub


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
    if hard < 4096:
        pytest.skip("needs 4096 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    url = running_server.client.base_url
    with ExitStack() as idle:
        for _ in range(1000):
            idle.enter_context(socket.create_connection((url.host, url.port)))
        assert running_server.client.post("/v1/classify", json=BUSY).status_code == 200
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


@contextlib.contextmanager
def process(weights, *flags, stderr):
    """`rida serve` in a process of its own, ready."""
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "serving.cli", "serve", "--port", url.rpartition(":")[2], "--weights", weights]
    with subprocess.Popen([*command, *flags], cwd=ROOT, stderr=stderr, env=os.environ) as running:
        try:
            until = time.monotonic() + 60
            while True:
                assert time.monotonic() < until
                assert running.poll() is None
                with contextlib.suppress(httpx.TransportError):
                    if httpx.get(f"{url}/v2/health/ready").status_code == 200:
                        break
                time.sleep(0.02)
            yield running, url
        finally:
            running.kill()


def test_sigterm_under_load_answers_what_it_took_in(tiny_weights):
    statuses, cut = [], []

    def ask(url):
        with httpx.Client(timeout=20) as client:
            while True:
                try:
                    statuses.append(client.post(f"{url}/v1/classify", json={"texts": ["late parcel"] * 30}).status_code)
                except httpx.ConnectError:
                    return
                except httpx.TransportError as error:
                    # A connection that is closed between two requests; not one in the middle of an answer.
                    cut.append(type(error))
                    return

    with process(str(tiny_weights), stderr=subprocess.DEVNULL) as (running, url):
        clients = [threading.Thread(target=ask, args=(url,)) for _ in range(8)]
        for each in clients:
            each.start()
        while statuses.count(200) < 50:
            time.sleep(0.01)
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=20) == 0
        for each in clients:
            each.join(timeout=20)
    assert set(statuses) <= {200, 503}
    assert set(cut) <= {httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError}


def test_weights_altered_before_the_start_stop_the_server(tiny_weights, tmp_path):
    altered = shutil.copytree(tiny_weights, tmp_path / "altered")
    graph = bytearray((altered / GRAPH).read_bytes())
    graph[len(graph) // 2] ^= 1
    (altered / GRAPH).write_bytes(graph)
    command = [sys.executable, "-m", "serving.cli", "serve", "--port", "0", "--weights", str(altered)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert GRAPH in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_full_log_target_stops_nothing(tiny_weights, log_format):
    with (
        Path("/dev/full").open("wb") as full,
        process(str(tiny_weights), "--log-format", log_format, stderr=full) as (running, url),
    ):
        for _ in range(3):
            assert httpx.post(f"{url}/v1/classify", json=BUSY).status_code == 200
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=20) == 0
