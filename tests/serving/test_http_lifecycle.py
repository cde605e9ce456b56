"""From loading to draining, in a thread and in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from server_processes import process, status_of
from stub_classifiers import Held, Stub

from model.errors import RidaError, WeightsError
from model.prediction import Rejection
from serving.http import endings
from serving.http.server import listen
from serving.http.workers import Worker
from serving.settings import read_settings

ROOT = Path(__file__).parents[2]


def test_it_lives_but_is_not_ready_until_a_text_was_scored(start_server, tiny_classifier):
    loaded = threading.Event()

    def load():
        loaded.wait(timeout=20)
        return tiny_classifier

    with start_server(load) as server:
        assert server.client.get("/v2/health/live").json() == {"live": True}
        for path in ("/v2/health/ready", "/v1/model"):
            response = server.client.get(path)
            assert response.status_code == 503
            assert response.json()["error"]["code"] == "not_ready"
        loaded.set()
        server.wait_until_ready()
        assert server.client.get("/v2/health/ready").json() == {"ready": True}


def test_health_is_answered_while_texts_are_scored(held):
    server, classifier = held
    asked = server.in_background({"text": "Great!"})
    assert classifier.entered.wait(timeout=20)
    assert server.client.get("/v2/health/ready", timeout=5).status_code == 200
    classifier.release.set()
    assert asked.result(timeout=20).status_code == 200


def test_draining_refuses_the_new_and_answers_what_is_in_flight(held):
    server, classifier = held
    asked = server.in_background({"text": "Great!"})
    assert classifier.entered.wait(timeout=20)
    server.server.handle_exit(signal.SIGTERM, None)
    for method, path in (("GET", "/v2/health/ready"), ("POST", "/v1/classify")):
        response = server.client.request(method, path)
        assert response.status_code == 503
        assert response.json()["error"]["code"] == "draining"
        assert int(response.headers["Retry-After"]) > 0
        # So that a balancer takes its next request elsewhere.
        assert response.headers["Connection"] == "close"
    live = server.client.get("/v2/health/live")
    assert (live.status_code, live.headers["Connection"]) == (200, "close")
    assert not server.server.should_exit
    classifier.release.set()
    assert asked.result(timeout=20).status_code == 200
    deadline = time.monotonic() + 20
    while not server.server.should_exit:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(("drain_seconds", "signals"), [("0", 1), ("60", 2)])
def test_a_request_that_outlasts_the_draining_or_a_second_signal_is_told_so(
    start_stub, tiny_classifier, drain_seconds, signals
):
    classifier = Held(tiny_classifier)
    with start_stub(classifier, drain_seconds=drain_seconds) as server:
        asked = server.in_background({"text": "Great!"})
        assert classifier.entered.wait(timeout=20)
        for _ in range(signals):
            server.server.handle_exit(signal.SIGTERM, None)
        answer = asked.result(timeout=20)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "draining"


def test_a_second_signal_does_not_wait_for_the_rest_of_a_body(start_server, tiny_classifier, monkeypatch):
    monkeypatch.setattr(endings, "_LINGER_SECONDS", 3600.0)
    with start_server(lambda: tiny_classifier, drain_seconds="3600", deadline_seconds="3600") as server:
        server.wait_until_ready()
        with connect(server) as asking:
            asking.settimeout(20)
            head = b"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            asking.sendall(head + b"Content-Length: 100\r\n\r\n{")
            server.wait_for(lambda: server.service.in_flight, "the request")
            for _ in range(2):
                server.server.handle_exit(signal.SIGTERM, None)
            assert asking.recv(65536).startswith(b"HTTP/1.1 503 ")


def test_a_run_in_hand_is_let_end_before_the_process_does(start_stub, tiny_classifier):
    """An interpreter that goes away under a thread in native code aborts, and the exit code would not be 0."""
    classifier = Held(tiny_classifier)
    with start_stub(classifier, drain_seconds="0") as server:
        asked = server.in_background({"text": "Great!"})
        classifier.wait_for_runs(1)
        workers = list(server.workers._threads)
        server.server.handle_exit(signal.SIGTERM, None)
        assert asked.result(timeout=20).status_code == 503
        assert any(worker.is_alive() for worker in workers)
        assert not any(worker.daemon for worker in workers)
        classifier.release.set()
        for worker in workers:
            worker.join(timeout=20)
    assert not any(worker.is_alive() for worker in workers)


@pytest.mark.parametrize("fault", ["load", "warm-up"])
def test_unusable_weights_stop_the_server_with_the_reason(start_server, tiny_classifier, caplog, fault):
    class Useless(Stub):
        def classify(self, texts):
            return [Rejection("0", "empty_text", "nothing to read")]

    def load():
        if fault == "load":
            raise WeightsError("the weights folder is damaged")
        return Useless(tiny_classifier)

    with start_server(load) as server:
        asked = connect(server)
        server.wait_for(lambda: server.server.should_exit, "the end")
        asked.close()
    assert isinstance(server.service.failure, WeightsError)
    assert "the time to drain" not in caplog.text


def test_scoring_that_cannot_start_stops_the_server_with_the_reason(start_server, tiny_classifier, monkeypatch):
    real = Worker.start
    started = []

    def start(worker):
        if started:
            raise RuntimeError("can't start new thread")
        started.append(worker)
        real(worker)

    monkeypatch.setattr(Worker, "start", start)
    with start_server(lambda: tiny_classifier, threads="2") as server:
        server.wait_for(lambda: server.server.should_exit, "the end")
    assert isinstance(server.service.failure, RidaError)
    started[0].join(timeout=20)
    assert not started[0].is_alive()


def test_draining_does_not_wait_for_those_who_are_refused_or_only_probe(start_server, tiny_classifier):
    with start_server(lambda: tiny_classifier, drain_seconds="3600") as server:
        server.wait_until_ready()
        with connect(server) as refused:
            refused.sendall(b"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
            assert refused.recv(65536).startswith(b"HTTP/1.1 415 ")
            server.server.handle_exit(signal.SIGTERM, None)
            server.wait_for(lambda: server.server.should_exit, "the end")


def test_draining_waits_for_who_reads_slowly(start_server, tiny_classifier):
    with start_server(lambda: tiny_classifier, drain_seconds="60") as server, connect(server) as slow:
        server.wait_until_ready()
        (connection,) = [each for each in server.server.server_state.connections if peer(each) == slow.getsockname()]
        served = connection.transport.get_extra_info("socket")
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        served.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        # Ids are echoed, and empty texts cost nothing.
        body = json.dumps({"texts": [{"id": "x" * 4000, "text": ""}] * 30}).encode()
        head = f"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        slow.settimeout(20)
        slow.sendall(head.encode() + b"\r\n\r\n" + body)
        said = slow.recv(1000)
        server.server.handle_exit(signal.SIGTERM, None)
        # Longer than what the server leaves to all at its very end.
        time.sleep(2.5)
        assert not server.server.should_exit
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_000_000)
        served.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1_000_000)
        while part := slow.recv(65536):
            said += part
    head, _, answer = said.partition(b"\r\n\r\n")
    assert len(json.loads(answer)["results"]) == 30


def connect(server):
    url = server.client.base_url
    return socket.create_connection((url.host, url.port))


def peer(connection):
    return connection.transport.get_extra_info("peername")


@pytest.mark.parametrize(("signals", "code"), [((signal.SIGTERM,) * 2, 0), ((signal.SIGTERM, signal.SIGINT), 130)])
def test_a_second_signal_ends_the_process_at_once(tiny_weights, signals, code):
    patience = ("--drain-seconds", "3600", "--deadline-seconds", "3600")
    with process(tiny_weights, *patience, stderr=subprocess.PIPE) as (running, url):
        host, _, port = url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as asking:
            head = b"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            asking.sendall(head + b"Content-Length: 100\r\n\r\n{")
            # One after the other, so that the second finds the first one's request in hand.
            while status_of(url) != 200:
                time.sleep(0.01)
            running.send_signal(signals[0])
            while status_of(url) != 503:
                time.sleep(0.01)
            time.sleep(0.5)
            assert running.poll() is None
            running.send_signal(signals[1])
            assert running.wait(timeout=20) == code
        assert b"Traceback" not in running.stderr.read()


def test_a_signal_while_the_weights_are_loaded_ends_the_process_at_once(tiny_weights):
    slow = (
        "import sys, time, serving.http.server as server; server.load = lambda *given, **named: time.sleep(3600); "
        "from serving.cli import main; sys.exit(main())"
    )
    with process(tiny_weights, code=slow, ready=False, stderr=subprocess.DEVNULL) as (running, url):
        assert status_of(url) == 503
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=20) == 0


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_the_process_with_the_right_code(tiny_weights, sent, code):
    command = [sys.executable, "-m", "serving.cli", "serve", "--port", "0", "--weights", str(tiny_weights)]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "RIDA_HOST": "127.0.0.1"}, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            lines = iter(process.stderr.readline, "")
            url = next(line for line in lines if "listening on" in line).split()[-1]
            assert any(" ready with " in line for line in lines)
            answer = httpx.post(f"{url}/v1/classify", json={"text": "Great!"}, timeout=20)
            assert answer.status_code == 200
            process.send_signal(sent)
            said = "".join(lines)
            assert process.wait(timeout=20) == code
        finally:
            process.kill()
    assert "Traceback" not in said
    assert "POST /v1/classify 200" in said


def test_answers_are_not_held_back_to_be_sent_with_more():
    # asyncio switches Nagle's algorithm off only on sockets that say they are TCP.
    with listen(read_settings({"port": "0"}, {})) as listener:
        assert listener.proto == socket.IPPROTO_TCP
