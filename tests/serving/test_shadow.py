"""Second weights that score what was answered and answer nobody: what they tell, and that they cost no answer."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from chat_systems import deliver, generic
from other_weights import changed
from server_processes import process, refused
from stub_classifiers import Held, Quoting

from model.errors import WeightsError
from model.labels import MOODS
from model.manifest import CONFIG
from model.prediction import Prediction, TopicScore
from serving.http import shadow as shadow_module
from serving.http.disagreement import Disagreement, change_of
from serving.http.schemas import ShadowAnswer
from serving.http.shadow_process import Failed, _answers

CANARY = "canary-5ad0-tell-nobody"
TEXTS = ["great parcel 7 thanks", "what are the hours of room 8", "the agent was late and broken", "great app 9 thanks"]


@pytest.fixture(scope="module")
def other_weights(tiny_weights, tmp_path_factory):
    """The tiny weights with a threshold that makes every text angry, and one that gives every text a topic."""
    folder = tmp_path_factory.mktemp("other") / "other"
    return changed(tiny_weights, folder, angry=0.0, topics={"facility": 0.0})


@pytest.fixture
def start_shadowed(start_server, other_weights, tiny_classifier):
    def start(classifier=tiny_classifier, **settings):
        return start_server(lambda: classifier, shadow=str(other_weights), **settings)

    return start


@pytest.fixture
def shadowed(start_shadowed):
    with start_shadowed() as server:
        server.wait_until_ready()
        yield server


def summary(server) -> dict:
    return server.client.get("/v1/shadow").json()


def compared(server, texts) -> dict:
    """What changes in the summary by these texts."""
    before = summary(server)["texts"]
    assert server.client.post("/v1/classify", json={"texts": texts}).status_code == 200
    legible = sum(bool(text) for text in texts)
    server.wait_for(lambda: summary(server)["texts"] >= before + legible, "the shadow")
    return summary(server)


def pid_of(server) -> int:
    return server.service.shadow._process.pid


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that nobody has asked for yet is still listed.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_first_weights_answer_and_the_disagreement_of_the_second_is_told(shadowed, tiny_classifier):
    answer = shadowed.client.post("/v1/classify", json={"texts": [*TEXTS, ""]}).json()
    info = tiny_classifier.info
    assert answer["model"] == {"name": info.name, "version": info.version, "sha256": info.sha256}
    moods = [result["mood"] for result in answer["results"][:-1]]
    assert set(moods) != {"angry"}
    shadowed.wait_for(lambda: summary(shadowed)["texts"] == len(TEXTS), "the shadow")
    told = summary(shadowed)
    ShadowAnswer.model_validate(told)
    assert told["model"]["name"] == info.name
    assert told["shadow"]["name"] == "other"
    assert told["running"]
    assert {mood: told["moods"][mood]["angry"] for mood in MOODS} == {mood: moods.count(mood) for mood in MOODS}
    unchanged = moods.count("angry")
    assert told["agreement"]["share"] == pytest.approx(unchanged / len(TEXTS))
    assert told["agreement"]["low"] <= told["agreement"]["share"] <= told["agreement"]["high"]
    had = sum("facility" in [topic["name"] for topic in result.get("topics", [])] for result in answer["results"])
    assert told["topics"]["facility"] == {"gained": len(TEXTS) - had, "lost": 0}
    assert (told["waiting"], told["dropped"], told["unscored"], told["mean_score_change"]) == (0, 0, 0, 0)
    assert shadowed.metric("rida_shadow_texts_total") == len(TEXTS)
    for mood in set(moods) - {"angry"}:
        assert shadowed.metric("rida_shadow_mood_changes_total", **{"from": mood, "to": "angry"}) == moods.count(mood)
    assert shadowed.metric("rida_shadow_topic_changes_total", topic="facility", change="gained") == len(TEXTS) - had
    assert shadowed.metric("rida_shadow_score_change_count") == len(TEXTS)
    assert shadowed.metric("rida_shadow_info", name="other", sha256=told["shadow"]["sha256"]) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="priorities are told otherwise there")
def test_its_process_yields_to_everything_else(shadowed):
    assert os.getpriority(os.PRIO_PROCESS, pid_of(shadowed)) == 19


def test_without_a_shadow_the_route_says_how_to_have_one(client):
    response = client.get("/v1/shadow")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "no_shadow"
    assert "--shadow" in response.json()["error"]["message"]


def test_only_topics_that_both_know_are_compared():
    def said(mood, *topics):
        scores = {each: 0.7 if each == mood else 0.1 for each in MOODS}
        return Prediction("0", mood, scores, tuple(TopicScore(name, 0.9) for name in topics), (), False, False, 3)

    found = Disagreement(("price", "delivery", "mine"), ("price", "delivery", "theirs"))
    first, second = said("angry", "price", "mine"), said("neutral", "delivery", "theirs")
    found.add([change_of(first, second, found.shared), change_of(first, first, found.shared)])
    told = found.as_dict()
    assert told["topics"] == {"delivery": {"gained": 1, "lost": 0}, "price": {"gained": 0, "lost": 1}}
    assert told["topics_of_one"] == {"first": ["mine"], "shadow": ["theirs"]}
    assert told["mean_score_change"] == pytest.approx(0.3)
    assert (found.texts, found.changed, found.alarms_lost, found.alarms_gained) == (2, 1, 1, 0)


def test_a_shadow_that_is_killed_touches_no_answer_and_is_started_again(start_shadowed, caplog):
    with start_shadowed() as server:
        server.wait_until_ready()
        compared(server, TEXTS)
        first = pid_of(server)
        os.kill(first, signal.SIGKILL)
        for _ in range(3):
            assert server.client.post("/v1/classify", json={"texts": TEXTS}).status_code == 200
        assert server.client.get("/v2/health/ready").status_code == 200
        server.wait_for(lambda: server.metric("rida_shadow_restarts_total") == 1, "the start")
        server.wait_for(lambda: summary(server)["running"], "the start")
        assert pid_of(server) != first
        compared(server, TEXTS)
    assert "the shadow's process has ended or hangs (exit code -9)" in caplog.text


def test_a_shadow_that_hangs_delays_nothing_and_what_it_cannot_take_is_counted(start_shadowed, monkeypatch):
    monkeypatch.setattr(shadow_module, "_MOST_TEXTS", 10)
    with start_shadowed() as server:
        server.wait_until_ready()
        compared(server, TEXTS)
        hanging = pid_of(server)
        os.kill(hanging, signal.SIGSTOP)
        asked = 12
        for _ in range(asked):
            began = time.monotonic()
            assert server.client.post("/v1/classify", json={"texts": TEXTS}).status_code == 200
            assert time.monotonic() - began < 5
        told = summary(server)
        assert told["waiting"] <= 10
        # At most a lot is in its hands.
        assert asked * len(TEXTS) - 10 - 8 <= told["dropped"] < asked * len(TEXTS)
        assert server.metric("rida_shadow_dropped_total") == told["dropped"]
        server.server.handle_exit(signal.SIGTERM, None)
        began = time.monotonic()
        server.wait_for(lambda: server.server.should_exit, "the end")
        assert time.monotonic() - began < 2
    deadline = time.monotonic() + 10
    while alive(hanging):
        assert time.monotonic() < deadline, "the process of the shadow is left over"
        time.sleep(0.02)


def test_one_that_hangs_for_long_is_replaced(start_shadowed, monkeypatch):
    monkeypatch.setattr(shadow_module, "_PATIENCE_SECONDS", 0.5)
    with start_shadowed() as server:
        server.wait_until_ready()
        os.kill(pid_of(server), signal.SIGSTOP)
        server.client.post("/v1/classify", json={"texts": TEXTS})
        server.wait_for(lambda: server.metric("rida_shadow_restarts_total") == 1, "the start")
        server.wait_for(lambda: summary(server)["running"], "the start")
        compared(server, TEXTS)


def test_nothing_is_scored_while_the_model_has_work(start_shadowed, tiny_classifier):
    stub = Held(tiny_classifier)
    with start_shadowed(stub, threads="1") as server:
        server.wait_until_ready()
        compared(server, TEXTS)
        stub.armed = True
        asked = server.in_background({"text": "great room"})
        stub.wait_for_runs(1)
        server.service.offer_to_shadow(TEXTS, tiny_classifier.classify(TEXTS))
        time.sleep(0.3)
        assert summary(server)["waiting"] == len(TEXTS)
        stub.release.set()
        assert asked.result(timeout=20).status_code == 200
        server.wait_for(lambda: summary(server)["texts"] == 2 * len(TEXTS) + 1, "the shadow")


def test_a_text_too_long_for_a_lot_is_dropped_and_the_rest_compared(shadowed):
    before = summary(shadowed)
    told = compared(shadowed, [TEXTS[0]])
    shadowed.client.post("/v1/classify", json={"text": "great parcel " * 2000})
    shadowed.wait_for(lambda: summary(shadowed)["dropped"] == before["dropped"] + 1, "the drop")
    assert summary(shadowed)["texts"] == told["texts"]


def test_what_the_hooks_bring_is_compared_too(start_desk, other_weights):
    with start_desk(shadow=str(other_weights)) as server:
        deliver(server.client, "generic", generic("you thieves the parcel is a scam!!!", "7", "1"))
        server.wait_for(lambda: summary(server)["texts"] == 1, "the shadow")


@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_weights_that_do_not_load_refuse_the_start(start_server, tiny_classifier, other_weights, tmp_path, fault):
    folder = tmp_path / "broken"
    if fault == "damaged":
        shutil.copytree(other_weights, folder)
        (folder / CONFIG).write_text("{}")
    with start_server(lambda: tiny_classifier, shadow=str(folder)) as server:
        server.wait_for(lambda: server.server.should_exit, "the end")
    assert isinstance(server.service.failure, WeightsError)
    assert str(server.service.failure).startswith("--shadow (RIDA_SHADOW): ")
    assert "broken" in str(server.service.failure)


def test_the_command_ends_with_the_reason(tiny_weights, tmp_path):
    said = refused(tiny_weights, "--shadow", str(tmp_path / "nowhere"))
    assert "rida: --shadow (RIDA_SHADOW): " in said
    assert "no such weights folder" in said


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_however_the_server_ends_its_shadow_does_too(tiny_weights, other_weights, sent):
    with process(tiny_weights, "--shadow", str(other_weights), stderr=subprocess.PIPE) as (running, url):
        httpx.post(f"{url}/v1/classify", json={"texts": TEXTS}, timeout=20)
        children = [int(pid) for pid in children_of(running.pid)]
        assert children
        running.send_signal(sent)
        running.wait(timeout=20)
        assert b"Traceback" not in running.stderr.read()
    until = time.monotonic() + 10
    while any(alive(pid) for pid in children):
        assert time.monotonic() < until, "a process is left over"
        time.sleep(0.05)


def children_of(pid: int) -> list[str]:
    return [child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_a_line_now_and_then_tells_the_numbers(start_shadowed, monkeypatch, written):
    monkeypatch.setattr(shadow_module, "_TELL_SECONDS", 0.0)
    with start_shadowed() as server:
        server.wait_until_ready()
        compared(server, TEXTS)
        server.wait_for(lambda: f"of {len(TEXTS)} texts" in written(), "the line")
    lines = [json.loads(line) for line in written().splitlines() if '"shadow": {' in line]
    assert lines[-1]["shadow"]["texts"] == len(TEXTS)
    assert set(lines[-1]["shadow"]) == {
        "texts", "moods_changed", "alarms_lost", "alarms_gained", "unscored", "dropped"
    }  # fmt: skip


def test_no_text_is_told_by_logs_metrics_or_summary_whatever_goes_wrong(start_shadowed, monkeypatch, written, capfd):
    monkeypatch.setattr(shadow_module, "_TELL_SECONDS", 0.0)
    with start_shadowed() as server:
        server.wait_until_ready()
        compared(server, [f"{CANARY} {text}" for text in TEXTS])
        os.kill(pid_of(server), signal.SIGKILL)
        server.client.post("/v1/classify", json={"texts": [CANARY, CANARY * 5000]})
        server.wait_for(lambda: server.metric("rida_shadow_restarts_total") == 1, "the start")
        server.wait_for(lambda: summary(server)["running"], "the start")
        told = server.client.get("/metrics").text + server.client.get("/v1/shadow").text
    assert "the shadow's process has ended" in written()
    assert CANARY not in told + written() + "".join(capfd.readouterr())


def test_what_goes_wrong_in_its_process_is_told_without_the_text(tiny_classifier):
    stub = Quoting(tiny_classifier)
    stub.armed = True
    stub.classify = lambda texts: stub.predictions(texts, [], None)
    told = _answers(stub, [CANARY])
    assert isinstance(told, Failed)
    assert "ValueError" in told.reason
    assert CANARY not in told.reason
