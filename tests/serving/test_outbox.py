"""What other systems are told: once, in the end, whatever goes wrong on the way."""

from __future__ import annotations

import pytest
from chat_systems import say
from fake_systems import running_fake
from stores import count, rows

from model.errors import InputError
from serving.http.lifecycle import Service
from serving.http.server import Server
from serving.outbox import sender, targets
from serving.settings import read_settings
from serving.store.tables import conversations, outbox

ANGRY = "you thieves the parcel is a scam!!!"
HAPPY = "great parcel thanks"
LABELS = ("chatwoot", "zendesk", "zammad")
URGENT = {"chatwoot": "urgent", "zendesk": "urgent", "zammad": "3 high"}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(sender, "_FIRST_WAIT", 0.05)
    monkeypatch.setattr(sender, "_LONGEST_WAIT", 0.2)
    monkeypatch.setattr(sender, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(targets, "_SECONDS", 0.3)


@pytest.fixture
def fake():
    with running_fake() as found:
        yield found


def name_of(system):
    return "1/7" if system == "chatwoot" else "7"


def labels_of(server, text):
    found = server.service.scoring.classifier.classify([text])[0]
    return {f"rida-{found.mood}", *(f"rida-{topic.name}" for topic in found.topics)}


def all_told(server):
    store = server.service.settings.store
    return lambda: count(store, outbox) and not count(store, outbox, outbox.c.status != "done")


def test_labels_and_priority_are_written_and_those_of_others_stay(start_desk, fake):
    told, url = fake
    for system in LABELS:
        told.labels[system, name_of(system)] = ["vip", "rida-satisfied"]
    with start_desk(**told.settings(url, *LABELS)) as server:
        for system in LABELS:
            say(server.client, system, ANGRY, 7)
        server.wait_for(all_told(server))
        for system in LABELS:
            assert set(told.labels[system, name_of(system)]) == {"vip"} | labels_of(server, ANGRY), system
            assert told.priority[system, name_of(system)] == URGENT[system]
        assert not told.refused


def test_a_priority_is_raised_once_and_left_to_people_after(start_desk, fake):
    told, url = fake
    with start_desk(**told.settings(url, *LABELS)) as server:
        for system in LABELS:
            say(server.client, system, ANGRY, 7)
        server.wait_for(all_told(server))
        told.priority.clear()
        for _ in range(6):
            for system in LABELS:
                say(server.client, system, HAPPY, 7)
        for system in LABELS:
            server.wait_for(lambda system=system: "rida-satisfied" in told.labels[system, name_of(system)], system)
            assert "rida-angry" not in told.labels[system, name_of(system)]
        assert told.priority == {}


@pytest.mark.parametrize("target", ["slack", "webhook"])
def test_an_alarm_is_told_once_and_holds_no_text(start_desk, fake, target):
    told, url = fake
    with start_desk(**told.settings(url, target)) as server:
        for _ in range(4):
            say(server.client, "generic", ANGRY, 7)
        say(server.client, "generic", HAPPY, 8)
        server.wait_for(all_told(server))
        (only,) = told.posted or told.received
        assert "thieves" not in str(only)
        if target == "slack":
            assert only["channel"] == "C9"
            assert "generic 7" in only["text"]
        else:
            assert (only["event"], only["system"], only["conversation"]) == ("conversation.angry", "generic", "7")
            assert only["mood"] == "angry"
            assert {f"rida-{topic}" for topic in only["topics"]} == labels_of(server, ANGRY) - {"rida-angry"}
        assert not told.refused


@pytest.mark.parametrize("target", [*LABELS, "slack", "webhook"])
def test_whatever_fails_it_is_told_in_the_end_and_once(start_desk, fake, target):
    told, url = fake
    told.faults.extend([500, "cut before", "cut after", 429, "late", 401, 503, "cut after", 502])
    if target != "webhook":
        # What a webhook's receiver answers nobody reads.
        told.faults.append("nonsense")
    with start_desk(**told.settings(url, target)) as server:
        say(server.client, target if target in LABELS else "generic", ANGRY, 7)
        server.wait_for(all_told(server), "the end of it")
        assert not told.faults
        if target in LABELS:
            assert set(told.labels[target, name_of(target)]) == labels_of(server, ANGRY)
            assert told.priority[target, name_of(target)] == URGENT[target]
        else:
            assert len(told.posted + told.received) == 1


def test_another_side_that_is_down_for_long_misses_nothing_and_gets_the_newest(start_desk, fake, tmp_path):
    told, url = fake
    told.down = True
    settings = told.settings(url, "zammad", "webhook")
    with start_desk(**settings) as server:
        for number in range(3):
            say(server.client, "zammad", ANGRY, number + 1)
        say(server.client, "zammad", HAPPY, 1)
        server.wait_for(lambda: len(told.asked) > 6)
        assert told.labels == {}
        server.wait_for(lambda: server.metric("rida_outbox_unsent", target="zammad") == 3)
    with start_desk(**settings) as server:
        told.down = False
        server.wait_for(all_told(server))
        assert len(told.received) == 3
        assert {key for _, key in told.labels} == {"1", "2", "3"}
        now = rows(server.service.settings.store, conversations, conversations.c.external_id == "1")[0]["mood"]
        assert f"rida-{now}" in told.labels["zammad", "1"]
        assert told.priority["zammad", "1"] == "3 high"


def test_a_message_to_slack_that_was_cut_off_is_looked_for_and_not_sent_again(start_desk, fake):
    told, url = fake
    told.faults.append("cut after")
    with start_desk(**told.settings(url, "slack")) as server:
        say(server.client, "generic", ANGRY, 7)
        server.wait_for(all_told(server))
    assert len(told.posted) == 1
    assert [path for _, path in told.asked] == ["/slack/chat.postMessage", "/slack/conversations.history"]


def test_a_server_killed_between_sending_and_noting_it_looks_before_it_sends(start_desk, fake, monkeypatch):
    told, url = fake
    settings = told.settings(url, "slack")
    with start_desk(**settings) as server:
        with monkeypatch.context() as killed:
            killed.setattr(sender, "settle", lambda *_, **__: (_ for _ in ()).throw(OSError("killed")))
            say(server.client, "generic", ANGRY, 7)
            server.wait_for(lambda: told.posted)
            server.wait_for(lambda: count(server.service.settings.store, outbox, outbox.c.status == "sending"))
        server.wait_for(all_told(server))
    assert len(told.posted) == 1


def test_a_conversation_that_is_gone_there_is_given_up(start_desk, fake):
    told, url = fake
    told.faults.append(404)
    with start_desk(**told.settings(url, "zammad")) as server:
        say(server.client, "zammad", ANGRY, 7)
        store = server.service.settings.store
        server.wait_for(lambda: count(store, outbox, outbox.c.status == "failed"))
        assert rows(store, outbox)[0]["problem"] == "GET was answered with 404"


def test_waits_grow_differ_and_respect_what_is_asked_for(monkeypatch):
    monkeypatch.undo()
    assert 0.5 <= sender.wait_of(1, None) <= 1
    assert 16 <= sender.wait_of(6, None) <= 32
    assert 300 <= sender.wait_of(60, None) <= 600
    assert len({sender.wait_of(5, None) for _ in range(20)}) > 10
    assert sender.wait_of(1, 30.0) == 30


@pytest.mark.parametrize(("given", "missing"), [("chatwoot_url", "CHATWOOT_TOKEN"), ("slack_token", "SLACK_CHANNEL")])
def test_a_target_that_is_set_by_half_stops_the_start(tmp_path, given, missing):
    value = "http://127.0.0.1:1" if given.endswith("url") else "long enough"
    settings = read_settings({"store": str(tmp_path / "rida.db"), given: value}, {})
    with pytest.raises(InputError, match=missing):
        Server(Service(settings, load=lambda: pytest.fail("not that far")))


@pytest.mark.parametrize("target", ["slack", "webhook"])
def test_what_the_address_of_all_alarms_refuses_is_tried_until_it_is_mended(start_desk, fake, target):
    told, url = fake
    told.faults.extend([404, 400, 301, 413])
    with start_desk(**told.settings(url, target)) as server:
        say(server.client, "generic", ANGRY, 7)
        server.wait_for(all_told(server))
        assert len(told.posted + told.received) == 1
        assert server.metric("rida_outbox_given_up_total", target=target) == 0


def test_an_address_that_wants_no_more_is_given_up_and_counted(start_desk, fake):
    told, url = fake
    told.faults.append(410)
    with start_desk(**told.settings(url, "webhook")) as server:
        say(server.client, "generic", ANGRY, 7)
        store = server.service.settings.store
        server.wait_for(lambda: count(store, outbox, outbox.c.status == "failed"))
        server.wait_for(lambda: server.metric("rida_outbox_given_up_total", target="webhook") == 1)
        server.wait_for(lambda: server.metric("rida_outbox_unsent", target="webhook") == 0)
