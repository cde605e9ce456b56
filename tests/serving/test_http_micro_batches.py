"""Requests share runs of the model, and notice nothing of each other but the speed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from stub_classifiers import Choking, Held, Poisoned

from tests.conftest import feedback_rows

TEXTS = [row["text"] for row in feedback_rows(seed=5)][::4]


@pytest.fixture
def held(start_stub, tiny_classifier):
    """A server with one worker, that holds its first run until it is let go."""
    stub = Held(tiny_classifier)
    with start_stub(
        stub, threads="1", batch_tokens="256", deadline_seconds="3600", queue_milliseconds="3600000"
    ) as server:
        yield server, stub


def keep_busy(server, stub):
    """One request in the worker's hands; from now on others queue up."""
    answer = server.in_background({"text": "Great parcel"})
    stub.wait_for_runs(1)
    return answer


def queue_up(server, body, **asked):
    """A request that waits in the queue when this returns."""
    before = server.service.scoring.waiting_tokens
    answer = server.in_background(body, **asked)
    server.wait_for(lambda: server.service.scoring.waiting_tokens > before, "the queue to grow")
    return answer


def windows(server, *texts):
    return [window for each in server.service.scoring.classifier.read(texts) for window in each.windows]


def test_a_text_is_scored_the_moment_that_a_worker_is_free(held):
    server, stub = held
    keep_busy(server, stub)
    assert stub.runs == [windows(server, "Great parcel")]


def test_what_waits_together_is_scored_together(held):
    server, stub = held
    busy = keep_busy(server, stub)
    waiting = [queue_up(server, {"text": text}) for text in TEXTS[:4]]
    stub.release.set()
    for answer in [busy, *waiting]:
        assert answer.result(timeout=20).status_code == 200
    assert len(stub.runs) == 2
    assert sorted(stub.runs[1]) == sorted(windows(server, *TEXTS[:4]))


def test_a_short_text_does_not_wait_behind_a_long_one(held, monkeypatch):
    server, stub = held
    # At one token a second the long one's turn comes late enough for the slowest machine to send the short one.
    monkeypatch.setattr(server.service.scoring.rate, "_of_one", 1.0)
    keep_busy(server, stub)
    long = queue_up(server, {"text": "the parcel was late and broken " * 100})
    short = queue_up(server, {"text": "Great room"})
    stub.release.set()
    assert short.result(timeout=20).status_code == 200
    assert long.result(timeout=20).json()["results"][0]["tokens"] == 128
    [of_short] = windows(server, "Great room")
    assert of_short in stub.runs[1]


def test_texts_whose_client_has_left_are_not_scored(held):
    server, stub = held
    busy = keep_busy(server, stub)
    first = queue_up(server, {"text": "refund the invoice"})
    last = queue_up(server, {"text": "Great room"})
    with httpx.Client(base_url=server.client.base_url) as leaving, pytest.raises(httpx.ReadTimeout):
        leaving.post("/v1/classify", json={"texts": ["delivery"] * 50}, timeout=0.3)
    server.wait_for(
        lambda: server.metric("rida_requests_total", status="unanswered") == 1, "the server to notice who left"
    )
    stub.release.set()
    for answer in (busy, first, last):
        assert answer.result(timeout=20).status_code == 200
    [unwanted] = windows(server, "delivery")
    assert not any(unwanted in run for run in stub.runs)


@pytest.mark.parametrize("fault", [Choking, Poisoned])
def test_a_fault_in_one_request_does_not_reach_those_in_the_same_run(start_stub, tiny_classifier, fault):
    stub = fault(tiny_classifier, "broken invoice")
    with start_stub(stub, threads="1", batch_tokens="256") as server:
        busy = keep_busy(server, stub)
        bad = queue_up(server, {"texts": ["Great room", "broken invoice"]})
        good = queue_up(server, {"texts": TEXTS[:3]})
        stub.release.set()
        assert busy.result(timeout=20).status_code == 200
        said = bad.result(timeout=20).json()
        if fault is Choking:
            assert said["error"]["code"] == "internal_error"
        else:
            assert said["results"][0]["mood"]
            assert said["results"][1]["error"]["code"] == "no_score"
        found = good.result(timeout=20).json()["results"]
        again = server.client.post("/v1/classify", json={"text": "Great room"})
        assert again.status_code == 200
    for result, alone in zip(found, tiny_classifier.classify(TEXTS[:3]), strict=True):
        assert result["scores"] == pytest.approx(alone.scores, abs=1e-4)


def test_each_of_many_clients_gets_the_answers_to_its_own_texts(client, tiny_classifier):
    """And the scores are those that the text has alone, whatever it shared a run with."""
    alone = {text: tiny_classifier.classify([text])[0].scores for text in TEXTS}
    together = threading.Barrier(8)

    def ask(start):
        together.wait(timeout=20)
        for at in range(start, len(TEXTS), 8):
            mine = TEXTS[at:] + TEXTS[:at]
            body = {"texts": [{"id": text, "text": text} for text in mine[: at % 5 + 1]]}
            response = client.post("/v1/classify", json=body)
            assert [result["id"] for result in response.json()["results"]] == [each["id"] for each in body["texts"]]
            for result in response.json()["results"]:
                assert result["scores"] == pytest.approx(alone[result["id"]], abs=1e-4)
        return True

    with ThreadPoolExecutor(8) as clients:
        assert all(clients.map(ask, range(8)))


def test_a_request_of_rejected_texts_alone_needs_no_run(held):
    server, stub = held
    keep_busy(server, stub)
    response = server.client.post("/v1/classify", json={"texts": ["", "  "]})
    assert [result["error"]["code"] for result in response.json()["results"]] == ["empty_text"] * 2
    assert len(stub.runs) == 1
