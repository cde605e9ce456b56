"""Deliveries of every system, over HTTP, into the store, and scored."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import httpx
import pytest
from chat_systems import BODIES, SETTINGS, deliver, say, signed
from sqlalchemy.exc import DataError, OperationalError
from stores import KINDS, count, rows

from serving.hooks import plain_text
from serving.http.errors import ApiError
from serving.store.intake import take_in
from serving.store.tables import conversations, messages

ANGRY = "you thieves the parcel is a scam!!!"
SYSTEMS = tuple(BODIES)


async def deliver_all(url, bodies):
    """All at once."""
    async with httpx.AsyncClient(base_url=url, timeout=20) as client:
        sent = (client.post(f"/hooks/{system}", content=body, headers=signed(system, body)) for system, body in bodies)
        return await asyncio.gather(*sent)


def wait_until_scored(server, number=1):
    store = server.service.settings.store
    server.wait_for(lambda: count(store, messages, messages.c.status != "waiting") == number, f"{number} scores")
    return rows(store, messages)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_delivery_is_stored_once_and_scored(start_desk, new_store, kind, system):
    with start_desk(new_store(kind)) as server:
        payload = BODIES[system](ANGRY, 7, 1)
        answers = [deliver(server.client, system, payload).json() for _ in range(3)]
        assert answers == [{"status": "stored"}, {"status": "duplicate"}, {"status": "duplicate"}]
        (message,) = wait_until_scored(server)
        (conversation,) = rows(server.service.settings.store, conversations)
        expected = server.service.scoring.classifier.classify([ANGRY])[0]
        assert message["text"] == ANGRY
        assert message["mood"] == expected.mood == conversation["mood"]
        assert message["angry"] == pytest.approx(expected.scores["angry"])
        assert message["language"] == "en"
        assert conversation["system"] == system
        assert "7" in conversation["external_id"]
        assert abs(message["sent_at"] / 1000 - time.time()) < 60
        assert conversation["waiting_since"] == message["sent_at"]


@pytest.mark.parametrize("kind", KINDS)
def test_many_at_once_are_each_stored_once(start_desk, new_store, kind):
    with start_desk(new_store(kind)) as server:
        bodies = [
            (system, json.dumps(BODIES[system](f"late {n}", n % 5, n)).encode()) for n in range(8) for system in SYSTEMS
        ]
        answers = asyncio.run(deliver_all(server.client.base_url, bodies * 3))
        statuses = [answer.json()["status"] for answer in answers]
        assert sorted(statuses) == ["duplicate"] * 96 + ["stored"] * 48
        assert len(wait_until_scored(server, 48)) == 48
        assert count(server.service.settings.store, conversations) == 30


def test_an_answer_ends_the_waiting_and_its_text_is_not_kept(desk):
    store = desk.service.settings.store
    agents = {
        "chatwoot": {"message_type": "outgoing", "sender": {"type": "user"}},
        "zammad": {"sender": "Agent"},
        "generic": {"direction": "agent"},
        "zendesk": {"event": {"comment": {"id": "9", "body": "calm", "author": {"is_staff": True}}}},
    }
    for system, changes in agents.items():
        say(desk.client, system, ANGRY, 1)
        say(desk.client, system, "we are sorry", 1, **changes)
    assert all(row["waiting_since"] is row["place"] is None for row in rows(store, conversations))
    assert len(wait_until_scored(desk, len(agents))) == len(agents)
    assert all(row["place"] is None for row in rows(store, conversations))
    say(desk.client, "generic", "still nothing", 1)
    assert rows(store, conversations, conversations.c.system == "generic")[0]["waiting_since"]


@pytest.mark.parametrize(
    ("system", "sent", "stored"),
    [
        ("chatwoot", "**Late** [again](http://x.y) &amp; broken", "Late again & broken"),
        ("intercom", "the parcel<br>is <b>late</b> &lt;3", "the parcel\nis late <3"),
        ("slack", "<@U1> it is *late*, see <https://x.y|this> &amp; that", "it is late, see this & that"),
        ("generic", "a <b> c ** d", "a <b> c ** d"),
        ("generic", "الطرد متأخر 😡 \u200fجدا", "الطرد متأخر 😡 \u200fجدا"),
        ("generic", "half \ud83d a character \x00", "half \ufffd a character \ufffd"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_texts_are_stored_as_their_words(start_desk, new_store, kind, system, sent, stored):
    with start_desk(new_store(kind)) as server:
        say(server.client, system, sent)
        assert rows(server.service.settings.store, messages)[0]["text"] == stored


@pytest.mark.parametrize(
    "bomb",
    ["<div>" * 300_000, "<b><i><a>" * 100_000 + "</b>" * 100_000, "&lt;" * 500_000, "<" * 1_000_000],
    ids=["deep", "crossed", "escaped", "broken"],
)
def test_a_bomb_of_html_takes_no_time(desk, bomb):
    started = time.monotonic()
    assert say(desk.client, "generic", bomb + "late", format="html") in ("stored", "skipped")
    assert time.monotonic() - started < 2


def test_a_delivery_is_acknowledged_while_the_weights_are_loading_and_scored_after(
    start_server, tiny_classifier, tmp_path
):
    loaded = threading.Event()

    def load():
        loaded.wait(timeout=20)
        return tiny_classifier

    with start_server(load, store=str(tmp_path / "rida.db"), **SETTINGS) as server:
        assert say(server.client, "generic", ANGRY) == "stored"
        assert rows(server.service.settings.store, messages)[0]["status"] == "waiting"
        loaded.set()
        assert wait_until_scored(server)[0]["status"] == "scored"


def test_a_message_that_cannot_be_scored_says_why_and_holds_nothing_up(start_desk, tiny_classifier):
    from stub_classifiers import Choking

    stub = Choking(tiny_classifier, "poison in the parcel")
    stub.release.set()
    with start_desk(classifier=stub) as server:
        stub.armed = True
        for text in (ANGRY, "poison in the parcel", "\u4e00\u4e01", ANGRY):
            say(server.client, "generic", text)
        found = wait_until_scored(server, 4)
        assert [row["status"] for row in found] == ["scored", "rejected", "rejected", "scored"]
        assert [row["error"] for row in found] == [None, "scoring_failed", "unreadable_text", None]


def test_texts_that_are_not_to_be_kept_are_gone_once_scored(start_desk):
    with start_desk(keep_text_days="0") as server:
        say(server.client, "generic", ANGRY)
        (message,) = wait_until_scored(server)
        assert message["text"] is None
        assert len(message["text_hash"]) == 64
        assert message["mood"] is not None


def test_deliveries_are_counted(desk):
    say(desk.client, "zammad", ANGRY)
    deliver(desk.client, "zammad", {}, secret="another one")
    assert desk.metric("rida_deliveries_total", system="zammad", status="stored") == 1
    assert desk.metric("rida_requests_total", route="/hooks/zammad", status="401") == 1


def test_a_store_that_fails_is_told_to_the_sender_and_the_next_delivery_goes_through(desk, monkeypatch):
    database = desk.service.desk.database
    real = database.change

    def fail(*given, **named):
        raise OperationalError("INSERT", {}, Exception("disk full of secrets"))

    monkeypatch.setattr(database, "change", fail)
    refused = deliver(desk.client, "generic", BODIES["generic"]("late", 1, 1))
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "store_failed"
    assert "Retry-After" in refused.headers
    monkeypatch.setattr(database, "change", real)
    assert deliver(desk.client, "generic", BODIES["generic"]("late", 1, 1)).json() == {"status": "stored"}


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast", "me_message"])
def test_what_a_person_wrote_in_slack_in_another_way_is_taken(desk, subtype):
    assert say(desk.client, "slack", ANGRY, subtype=subtype) == "stored"


def test_what_people_say_where_slack_shows_our_alarms_is_skipped(start_desk):
    told = {"slack_channel": "C9", "slack_token": "long enough", "slack_url": "http://127.0.0.1:1"}
    with start_desk(**told) as server:
        assert say(server.client, "slack", "I take this one", channel="C9") == "skipped"
        assert say(server.client, "slack", ANGRY) == "stored"


@pytest.mark.parametrize("of", [plain_text.of_html, plain_text.of_markdown, plain_text.of_slack])
@pytest.mark.parametrize(
    "bomb",
    [
        "\u00a0" * 100_000 + "x",
        "\u2003\n" * 50_000,
        "[" * 25_000,
        "![" * 12_000,
        "[" * 1999,
        "*a" * 12_000,
        "`" * 25_000,
    ],
    ids=["spaces", "lines", "brackets", "images", "some brackets", "stars", "ticks"],
)
def test_what_is_made_to_be_slow_to_read_takes_no_time(of, bomb):
    started = time.thread_time()
    of(bomb)
    assert time.thread_time() - started < 1


def test_lines_lose_the_spaces_around_them_and_blank_lines():
    assert plain_text.tidy(" \u00a0 a \t b\u00a0c \n \u2003\n\n d ") == "a b\u00a0c\nd"


@pytest.mark.parametrize("code", ["deadline_passed", "worker_lost", "not_ready", "draining", "queue_full", "too_late"])
def test_no_message_is_given_up_because_the_server_is_busy(desk, monkeypatch, code):
    from serving.hooks import scorer

    monkeypatch.setattr(scorer, "_PAUSE_SECONDS", 0.01)
    scoring, refusals = desk.service.scoring, []
    real = scoring.score

    async def refuse(*given, **named):
        if len(refusals) < 12:
            refusals.append(code)
            raise ApiError(503, code, "busy")
        return await real(*given, **named)

    monkeypatch.setattr(scoring, "score", refuse)
    for number in range(2):
        say(desk.client, "generic", ANGRY, number)
    assert [row["status"] for row in wait_until_scored(desk, 2)] == ["scored", "scored"]
    assert len(refusals) == 12


def test_a_server_that_is_stopping_takes_no_more_deliveries(start_desk):
    with start_desk() as server:
        server.service.phase = "draining"
        refused = deliver(server.client, "generic", BODIES["generic"]("late", 1, 1))
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "draining")
        assert count(server.service.settings.store, messages) == 0
        server.service.phase = "ready"


def test_a_store_that_is_locked_refuses_all_who_wait_in_one_go(desk, monkeypatch):
    tries = []
    database = desk.service.desk.database
    real = database.change

    def locked(work, *given, **named):
        if work is not take_in:
            return real(work, *given, **named)
        tries.append(len(given[0]))
        time.sleep(0.3)
        raise OperationalError("BEGIN IMMEDIATE", {}, Exception("database is locked"))

    monkeypatch.setattr(database, "change", locked)
    bodies = [("generic", json.dumps(BODIES["generic"]("late", n, n)).encode()) for n in range(20)]
    answers = asyncio.run(deliver_all(desk.client.base_url, bodies))
    assert {answer.json()["error"]["code"] for answer in answers} == {"store_failed"}
    assert len(tries) < 10
    assert sum(tries) == 20


def test_a_message_that_no_database_takes_is_not_the_fault_of_the_others(desk, monkeypatch):
    database = desk.service.desk.database
    real = database.change

    def picky(work, *given, **named):
        if work is take_in and any(each.delivered.text == "poison" for each in given[0]):
            raise DataError("INSERT", {}, Exception("no such character"))
        return real(work, *given, **named)

    monkeypatch.setattr(database, "change", picky)
    bodies = [("generic", json.dumps(BODIES["generic"]("poison" if n == 3 else "x", n, n)).encode()) for n in range(9)]
    answers = asyncio.run(deliver_all(desk.client.base_url, bodies))
    assert sorted(answer.status_code for answer in answers) == [200] * 8 + [503]


def test_a_store_that_hangs_is_not_waited_for_longer_than_the_deadline(start_desk, monkeypatch):
    go_on = threading.Event()
    with start_desk(deadline_seconds="1") as server:
        database = server.service.desk.database
        real = database.change
        hangs = lambda work, *given, **named: (go_on.wait(timeout=20), real(work, *given, **named))[1]  # noqa: E731
        monkeypatch.setattr(database, "change", hangs)
        started = time.monotonic()
        refused = deliver(server.client, "generic", BODIES["generic"]("late", 1, 1))
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "store_failed")
        assert time.monotonic() - started < 5
        go_on.set()
        assert deliver(server.client, "generic", BODIES["generic"]("late", 1, 1)).status_code == 200
