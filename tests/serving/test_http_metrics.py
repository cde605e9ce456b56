"""What Prometheus is told."""

from __future__ import annotations

import pytest
from stub_classifiers import Held

from model.labels import MOODS, TOPICS

CANARY = "canary-77b2-tell-nobody"


@pytest.fixture
def server(start_server, tiny_classifier):
    with start_server(lambda: tiny_classifier) as server:
        server.wait_until_ready()
        yield server


def test_requests_are_counted_by_route_and_status(server):
    server.client.post("/v1/classify", json={"text": "Great!"})
    server.client.post("/v1/classify", json={"texts": 7})
    server.client.get("/made/up")
    count = "rida_requests_total"
    server.wait_for(lambda: server.metric(count, route="-", status="404") == 1)
    assert server.metric(count, route="/v1/classify", status="200") == 1
    assert server.metric(count, route="/v1/classify", status="422") == 1
    assert server.metric("rida_request_seconds_count", route="/v1/classify") == 2


def test_moods_topics_and_rejections_are_counted_by_text(server):
    texts = ["great parcel 7 thanks", "you thieves the refund 8 is a scam!!!", ""]
    results = server.client.post("/v1/classify", json={"texts": texts}).json()["results"]
    moods = [result["mood"] for result in results if "mood" in result]
    topics = [topic["name"] for result in results for topic in result.get("topics", [])]
    assert [server.metric("rida_moods_total", mood=mood) for mood in MOODS] == [moods.count(mood) for mood in MOODS]
    assert [server.metric("rida_topics_total", topic=topic) for topic in TOPICS] == [
        topics.count(topic) for topic in TOPICS
    ]
    assert server.metric("rida_texts_rejected_total", code="empty_text") == 1


def test_the_queue_is_seen_while_it_is_full_and_afterwards(start_stub, tiny_classifier):
    stub = Held(tiny_classifier)
    with start_stub(stub, threads="1") as server:
        first = server.in_background({"text": "Great parcel"})
        stub.wait_for_runs(1)
        second = server.in_background({"text": "Great room"})
        [read] = tiny_classifier.read(["Great room"])
        server.wait_for(lambda: server.metric("rida_queue_tokens") == len(read.windows[0]))
        stub.release.set()
        assert [each.result(timeout=20).status_code for each in (first, second)] == [200, 200]
        assert server.metric("rida_queue_tokens") == 0
        assert server.metric("rida_queue_seconds_count") == 2
        assert server.metric("rida_batch_tokens_sum") == sum(len(window) for run in stub.runs for window in run)
        server.wait_for(lambda: server.metric("rida_scoring_seconds_count") == 2)


def test_the_weights_and_the_rate_are_told(server):
    info = server.service.scoring.classifier.info
    labels = {"name": info.name, "version": info.version, "sha256": info.sha256}
    assert server.metric("rida_model_info", **labels) == 1
    assert server.metric("rida_tokens_per_second") == pytest.approx(server.service.scoring.rate.tokens_per_second)
    assert server.metric("process_resident_memory_bytes") > 0
    assert server.client.get("/metrics").headers["Content-Type"].startswith("text/plain; version=")


def test_nothing_of_a_request_becomes_a_label(server):
    server.client.post("/v1/classify", json={"text": CANARY, "id": CANARY}, headers={"X-Request-Id": CANARY})
    server.client.request("POST", f"/{CANARY}?{CANARY}", headers={"Authorization": f"Bearer {CANARY}"})
    server.client.request(CANARY.upper(), "/v1/classify")
    server.wait_for(lambda: server.metric("rida_requests_total", status="405") == 1)
    assert CANARY not in server.client.get("/metrics").text.lower()
