"""The inbox' routes: who is let in, what forms may do, and what answers carry."""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager

import httpx
import pytest
from chat_systems import SETTINGS, say
from stores import KINDS, count, rows

from serving.inbox.chart import days_of
from serving.store.tables import conversations, messages, now, sessions
from tests.conftest import OWN_TOPICS

KEY = "key of the team"
KEYS = hashlib.sha256(KEY.encode()).hexdigest()
ANGRY = "you thieves the parcel is a scam!!!"


@pytest.fixture(params=KINDS)
def server(request, start_desk, new_store):
    with start_desk(new_store(request.param)) as running:
        yield running


@contextmanager
def person_at(server):
    """A client that is logged in, on a server with two scored conversations."""
    say(server.client, "generic", ANGRY, 1)
    say(server.client, "generic", "great parcel thanks", 2)
    store = server.service.settings.store
    server.wait_for(lambda: count(store, messages, messages.c.status == "scored") == 2)
    with httpx.Client(base_url=server.client.base_url, timeout=20) as client:
        log_in(client)
        yield client


@pytest.fixture
def person(server):
    with person_at(server) as client:
        yield client


@pytest.fixture(scope="module")
def shared(start_server, tiny_classifier, tmp_path_factory):
    """A server for all that changes nothing, and a person at it."""
    store = tmp_path_factory.mktemp("store") / "rida.db"
    with start_server(lambda: tiny_classifier, store=str(store), **SETTINGS) as running:
        running.wait_until_ready()
        with person_at(running) as client:
            yield running, client


def token_of(page):
    return re.search(r'name="token" value="([^"]+)"', page.text)[1]


def log_in(client, **fields):
    form = {"name": "Sara", "token": token_of(client.get("/inbox/login")), **fields}
    return client.post("/inbox/login", data=form)


def test_nobody_sees_anything_without_logging_in(server):
    say(server.client, "generic", ANGRY, 1)
    for path in ("/inbox", "/inbox?part=live", "/inbox/conversations/1"):
        answer = server.client.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/inbox/login")
    assert server.client.get("/inbox/events").status_code == 401
    for path in ("/inbox/conversations/1", "/inbox/messages/1", "/inbox/logout"):
        assert server.client.post(path, data={"act": "claim", "mood": "angry"}).status_code == 401


def test_a_key_opens_a_wrong_one_does_not_and_one_that_is_taken_away_closes(start_desk):
    with start_desk(keys=KEYS) as server, httpx.Client(base_url=server.client.base_url) as client:
        assert log_in(client).status_code == 401
        assert log_in(client, key="another").status_code == 401
        assert "not one of the server" in log_in(client, key=KEYS).text
        assert count(server.service.settings.store, sessions) == 0
        answer = log_in(client, key=KEY)
        assert answer.status_code == 303
        cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith("rida_session"))
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/inbox" in cookie
        assert client.get("/inbox").status_code == 200
        assert KEY not in str(rows(server.service.settings.store, sessions))
        assert client.cookies["rida_session"] not in str(rows(server.service.settings.store, sessions))
        object.__setattr__(server.service.settings, "keys", ("0" * 64,))
        assert client.get("/inbox").status_code == 303


def test_behind_a_proxy_that_encrypts_the_cookie_is_for_encrypted_connections_alone(shared):
    server, _ = shared
    answer = server.client.get("/inbox/login", headers={"X-Forwarded-Proto": "https"})
    assert "Secure" in answer.headers["set-cookie"]
    assert "Secure" not in server.client.get("/inbox/login").headers["set-cookie"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\x00b", "\u202eabc"])
def test_a_name_is_needed(shared, name):
    server, _ = shared
    with httpx.Client(base_url=server.client.base_url) as client:
        assert log_in(client, name=name).status_code == 400


def test_a_session_that_has_run_out_or_was_ended_opens_nothing(server, person):
    assert person.get("/inbox").status_code == 200
    cookie = person.cookies["rida_session"]
    person.post("/inbox/logout", data={"token": token_of(person.get("/inbox"))})
    person.cookies.set("rida_session", cookie, path="/inbox")
    assert person.get("/inbox").status_code == 303
    log_in(person)
    database = server.service.desk.database
    database.change(lambda connection: connection.execute(sessions.update().values(expires_at=now() - 1)))
    assert person.get("/inbox").status_code == 303


@pytest.mark.parametrize("token", [None, "", "wrong", "\u00e9"])
@pytest.mark.parametrize("path", ["/inbox/conversations/1", "/inbox/messages/1", "/inbox/logout", "/inbox/login"])
def test_a_form_of_another_site_changes_nothing(shared, path, token):
    server, person = shared
    form = {"act": "resolve", "mood": "neutral", "name": "Eve"} | ({} if token is None else {"token": token})
    person.get("/inbox/login")
    refused = person.post(path, data=form)
    assert refused.status_code == 403
    assert not rows(server.service.settings.store, conversations)[0]["resolved"]
    assert person.get("/inbox").status_code == 200


def test_no_page_runs_what_did_not_come_from_here(shared):
    _, person = shared
    for path in (
        "/inbox",
        "/inbox/login",
        "/inbox/conversations/1",
        "/inbox/static/inbox.js",
        "/inbox/static/inbox.css",
    ):
        answer = person.get(path)
        assert answer.status_code == 200
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert not re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=\"|\bstyle=", answer.text) or path.endswith("js")


def test_angriest_and_longest_waiting_come_first(server):
    store = server.service.settings.store
    hour = 3600
    at = int(now() / 1000)
    said = [("great parcel thanks", 2 * hour), (ANGRY, 0), ("great parcel thanks", 30 * hour), (ANGRY, 3 * hour)]
    for number, (text, ago) in enumerate(said, 1):
        say(server.client, "generic", text, number, at=at - ago)
    server.wait_for(lambda: count(store, messages, messages.c.status == "scored") == 4)
    with httpx.Client(base_url=server.client.base_url) as client:
        log_in(client)
        order = [int(id_) for id_ in re.findall(r'id="conversation-(\d+)"', client.get("/inbox").text)]
    moods = {row["id"]: row["mood"] for row in rows(store, conversations)}
    assert (moods[4], moods[2]) == ("angry", "angry")
    assert "angry" not in (moods[1], moods[3])
    # However long a calm one has waited, it stands behind an angry one of now.
    assert order == [4, 2, 3, 1]


@pytest.mark.parametrize(
    "query",
    [
        "mood=furious",
        "topic=%25",
        "topic=%00",
        "topic=a%3Bb",
        "topic=" + "x" * 100,
        "language=%00",
        "page=-1",
        "page=99999",
        "page=x",
        "state=nowhere",
        "review=2",
        "mood=angry&mood=",
    ],
)
def test_a_filter_that_makes_no_sense_is_no_fault(shared, query):
    _, person = shared
    assert person.get(f"/inbox?{query}").status_code == 200


@pytest.mark.parametrize("id_", ["0", "99", "-1", "x", "9" * 30, "1e3", "٣"])
def test_what_is_not_there_is_not_found(shared, id_):
    _, person = shared
    token = token_of(person.get("/inbox"))
    assert person.get(f"/inbox/conversations/{id_}").status_code == 404
    assert person.post(f"/inbox/conversations/{id_}", data={"token": token, "act": "claim"}).status_code == 404
    assert person.post(f"/inbox/messages/{id_}", data={"token": token, "mood": "angry"}).status_code == 404
    assert person.get(f"/inbox/static/{id_}").status_code == 404


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/inbox/conversations/1", {}),
        ("/inbox/conversations/1", {"act": "explode"}),
        ("/inbox/messages/1", {}),
        ("/inbox/messages/1", {"mood": "furious"}),
        ("/inbox/messages/1", {"topic": "x,delivery,y"}),
    ],
)
def test_a_form_that_says_nothing_known_is_refused(shared, path, form):
    _, person = shared
    refused = person.post(path, data={"token": token_of(person.get("/inbox")), **form})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_form")


def test_a_form_of_another_type_or_size_is_refused(shared):
    _, person = shared
    token = token_of(person.get("/inbox"))
    assert person.post("/inbox/messages/1", json={"token": token}).status_code == 415
    assert person.post("/inbox/messages/1", data={"token": token, "mood": "x" * 20_000}).status_code == 413
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"token=%ff%fe", b"a=1&" * 50):
        assert person.post("/inbox/messages/1", content=body, headers=kind).status_code == 400


def test_claiming_resolving_and_opening_again(server, person):
    store = server.service.settings.store

    def send(act):
        answer = person.post("/inbox/conversations/1", data={"token": token_of(person.get("/inbox")), "act": act})
        assert answer.status_code == 303
        return rows(store, conversations)[0]

    assert send("claim")["claimed_by"] == "Sara"
    assert "with <bdi>Sara</bdi>" in person.get("/inbox").text
    assert send("release")["claimed_by"] is None
    before = rows(store, conversations)[0]
    assert send("resolve")["waiting_since"] is None
    assert "generic 1" not in person.get("/inbox").text
    assert "generic 1" in person.get("/inbox?state=resolved").text
    assert send("reopen")["place"] == before["place"]
    assert send("reopen")["waiting_since"] == before["waiting_since"]


def test_changes_are_told_as_they_happen_and_the_stream_ends_with_the_server(server, person):
    with person.stream("GET", "/inbox/events") as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(lines) == "retry: 1000"
        say(server.client, "generic", ANGRY, 3)
        assert next(line for line in lines if line.startswith("data: "))
        server.service.phase = "draining"
        assert not [line for line in lines if line.startswith("data: never")]
    server.service.phase = "ready"


def test_texts_that_are_not_kept_are_said_to_be_so(server, person):
    database = server.service.desk.database
    database.change(lambda connection: connection.execute(messages.update().values(text=None)))
    assert "the text is not kept" in person.get("/inbox").text
    assert "the text is not kept" in person.get("/inbox/conversations/1").text


def test_the_list_is_turned_page_by_page(server, person, monkeypatch):
    from serving.inbox import routes
    from serving.store import views

    monkeypatch.setattr(views, "PAGE", 1)
    monkeypatch.setattr(routes, "PAGE", 1)
    first = person.get("/inbox").text
    assert "page 1 of 2" in first
    assert "generic 1" in first
    assert "generic 2" in person.get(re.search(r'id="on" href="([^"]+)"', first)[1].replace("&amp;", "&")).text


def test_the_bars_of_the_trend_stand_on_each_other_and_the_highest_reaches_the_top():
    calm = {"satisfied": 1, "neutral": 0, "dissatisfied": 0, "angry": 1}
    wild = {"satisfied": 0, "neutral": 1, "dissatisfied": 0, "angry": 3}
    none = dict.fromkeys(calm, 0)
    first, second, third = days_of([(0, calm), (86_400_000, wild), (172_800_000, none)])
    assert [(part.mood, part.y, part.height) for part in first.parts] == [("angry", 75, 25), ("satisfied", 50, 25)]
    assert second.parts[-1].y == 0
    assert third.parts == ()
    assert second.name == "02 Jan"
    assert days_of([]) == []


def test_own_topics_can_be_filtered_by_and_said(start_desk, own_topics_classifier):
    _, own = OWN_TOPICS

    def listed(client):
        return client.get("/inbox", params={"topic": own}).text

    with start_desk(None, own_topics_classifier) as server, person_at(server) as client:
        form = {"token": token_of(client.get("/inbox")), "topic": own}
        assert "1 conversation<" in listed(client)
        assert client.post("/inbox/messages/2", data=form).status_code == 303
        assert "2 conversations<" in listed(client)
        assert f'<option value="{own}" dir="auto" selected>' in listed(client)
        assert f'<span class="tag"><bdi>{own}</bdi></span>' in listed(client)
        button = f'value="{own}" data-key="6" aria-keyshortcuts="6" aria-pressed="true"><bdi>{own}</bdi>'
        assert button in client.get("/inbox/conversations/2").text
        assert client.post("/inbox/messages/1", data={**form, "topic": "of other weights"}).status_code == 400
    # These weights do not know the topic; what was said of it can still be found and taken back.
    with start_desk() as server, httpx.Client(base_url=server.client.base_url) as client:
        log_in(client)
        form = {"token": token_of(client.get("/inbox")), "topic": own}
        assert "2 conversations<" in listed(client)
        assert f'value="{own}" aria-pressed="true"' in client.get("/inbox/conversations/2").text
        assert client.post("/inbox/messages/2", data=form).status_code == 303
        assert "1 conversation<" in listed(client)
