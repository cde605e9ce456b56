"""The store in SQLite and PostgreSQL: its tables, what comes in, and who works on it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from functools import partial

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from chat_systems import SETTINGS, say
from server_processes import ROOT, process, refused
from sqlalchemy import event, text
from stores import arrival, count, rows

from model.errors import InputError
from model.labels import TOPICS
from serving.store import database as database_module
from serving.store.actions import act
from serving.store.database import open_database
from serving.store.intake import take_in
from serving.store.learning import training_rows
from serving.store.lease import Lease
from serving.store.retention import expire
from serving.store.tables import conversations, corrections, messages, metadata, now
from serving.store.views import Filter, count_waiting, list_conversations

ANGRY = "you thieves the parcel is a scam!!!"


def test_the_steps_lead_to_the_tables_of_the_code(database):
    assert database.look(lambda connection: compare_metadata(MigrationContext.configure(connection), metadata)) == []


def test_a_store_from_before_own_topics_keeps_what_it_has(store, monkeypatch):
    to_first = partial(command.upgrade, revision="0001")
    with monkeypatch.context() as of_old:
        of_old.setattr(database_module.command, "upgrade", lambda config, _: to_first(config))
        old = open_database(store)
    old.change(take_in, [arrival(1)])
    said = "INSERT INTO corrections (message_id, topics, corrected_by, corrected_at) VALUES (1, ',price,', 'Sara', 1)"
    old.change(lambda connection: connection.execute(text("UPDATE messages SET status = 'scored', topics = ',price,'")))
    old.change(lambda connection: connection.execute(text(said)))
    old.close()
    new = open_database(store)
    assert [row["topics_covered"] for row in new.look(lambda connection: [*training_rows(connection)])] == [[*TOPICS]]
    long = ",".join(f"own topic {number}" for number in range(100))
    new.change(lambda connection: connection.execute(messages.update().values(topics=f",{long},")))
    new.close()
    assert rows(store, messages)[0]["topics"] == f",{long},"


def test_a_store_is_opened_as_often_as_wanted_and_keeps_what_it_has(store):
    for number in range(3):
        opened = open_database(store)
        opened.change(take_in, [arrival(number)])
        opened.close()
    assert count(store, messages) == 3


def test_a_store_of_a_newer_version_is_refused_and_left_as_it_is(store):
    opened = open_database(store)
    opened.change(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    opened.close()
    with pytest.raises(InputError, match="newer Rida"):
        open_database(store)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("nowhere/at/all.db", "is not a file in a folder that exists"),
        ("mysql://x/y", "begins with postgresql://"),
        ("://", "begins with postgresql://"),
        ("postgresql://me:hunter22@127.0.0.1:1/x", "cannot be opened"),
    ],
)
def test_a_store_that_cannot_be_opened_is_named_without_its_password(setting, said):
    with pytest.raises(InputError, match=said) as refused:
        open_database(setting)
    assert "hunter22" not in str(refused.value)
    assert "RIDA_STORE" in str(refused.value)


def test_a_file_that_is_no_database_is_named_and_left_as_it_is(tmp_path):
    path = tmp_path / "rida.db"
    path.write_text("not a database " * 100)
    with pytest.raises(InputError, match="not a database"):
        open_database(str(path))
    assert path.read_text().startswith("not a database")


def test_a_server_that_cannot_open_its_store_says_so_and_ends(tiny_weights, tmp_path):
    said = refused(tiny_weights, "--store", str(tmp_path / "no" / "x.db"))
    assert "RIDA_STORE" in said.splitlines()[-1]


@pytest.mark.parametrize("command", ["['corrections', 'report']", "['serve', '--port', '0']"])
def test_a_store_without_its_libraries_is_a_clear_error(tmp_path, command):
    code = f"import sys; sys.modules['sqlalchemy'] = None; from serving.cli import main; sys.exit(main({command}))"
    environment = os.environ | {"RIDA_STORE": str(tmp_path / "rida.db")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert 'pip install "rida[inbox]"' in done.stderr.splitlines()[-1]


def test_a_server_without_a_store_imports_none_of_its_libraries():
    code = (
        "import sys, serving.http.server; from serving.http.app import create_app; "
        "from serving.http.lifecycle import Service; from serving.settings import read_settings; "
        "create_app(Service(read_settings({}, {}), None)); "
        "print(sorted(sys.modules.keys() & {'sqlalchemy', 'alembic', 'jinja2', 'nh3', 'httpx', 'py3langid'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_repetition_in_the_same_lot_and_in_a_later_one_is_no_news(database):
    first, second = arrival(1), arrival(1)
    assert database.change(take_in, [first, second, arrival(2)]) == [True, False, True]
    assert database.change(take_in, [arrival(2), arrival(3)]) == [False, True]


def test_the_longest_waiting_message_counts_and_an_older_answer_ends_nothing(store, database):
    at = now()
    database.change(take_in, [arrival(1, at=at - 5000), arrival(2, at=at - 1000)])
    database.change(take_in, [arrival(3, at=at - 3000, direction="agent")])
    assert rows(store, conversations)[0]["waiting_since"] == at - 5000
    database.change(take_in, [arrival(4, at=at, direction="agent")])
    assert rows(store, conversations)[0]["waiting_since"] is None


def test_of_two_servers_on_a_store_one_does_the_work(store):
    first, second = open_database(store), open_database(store)
    mine, other = Lease(first.engine), Lease(second.engine)
    assert mine.take()
    assert not other.take()
    mine.give_back()
    until = time.monotonic() + 5
    while not other.take():
        assert time.monotonic() < until
    other.give_back()
    first.close()
    second.close()


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(tiny_weights, tmp_path, monkeypatch):
    import httpx

    store = str(tmp_path / "rida.db")
    monkeypatch.setenv("RIDA_STORE", store)
    for name, secret in SETTINGS.items():
        monkeypatch.setenv(f"RIDA_{name.upper()}", secret)
    with process(tiny_weights, stderr=subprocess.DEVNULL) as (running, url), httpx.Client(base_url=url) as client:
        for _ in range(40):
            assert say(client, "generic", ANGRY) == "stored"
        running.kill()
    assert count(store, messages) == 40
    with process(tiny_weights, stderr=subprocess.DEVNULL):
        until = time.monotonic() + 20
        while count(store, messages, messages.c.status == "scored") < 40:
            assert time.monotonic() < until
            time.sleep(0.05)


def test_the_file_is_for_its_owner_alone(tmp_path):
    if os.name != "posix":
        pytest.skip("asks for the rights of a file")
    store = tmp_path / "rida.db"
    open_database(str(store)).close()
    assert store.stat().st_mode & 0o077 == 0


def test_readers_go_on_while_somebody_writes(tmp_path):
    store = str(tmp_path / "rida.db")
    opened = open_database(store)
    opened.change(take_in, [arrival(1)])
    holding = sqlite3.connect(store, isolation_level=None)
    holding.execute("BEGIN IMMEDIATE")
    assert count_messages(opened) == 1
    holding.execute("ROLLBACK")
    holding.close()
    opened.close()


def count_messages(database):
    return database.look(lambda connection: connection.execute(messages.select()).all().__len__())


def test_corrections_go_with_their_message(database):
    database.change(take_in, [arrival(1)])
    values = {"message_id": 1, "mood": "angry", "corrected_by": "Sara", "corrected_at": now()}
    database.change(lambda connection: connection.execute(corrections.insert().values(values)))
    database.change(lambda connection: connection.execute(conversations.delete()))
    assert database.look(lambda connection: connection.execute(corrections.select()).all()) == []


def test_a_message_that_comes_late_opens_nothing_that_was_answered_or_resolved_after_it(store, database):
    at = now()
    database.change(take_in, [arrival(1, conversation="answered", at=at - 9000, direction="agent")])
    database.change(take_in, [arrival(2, conversation="resolved", at=at - 9000)])
    assert database.change(act, 2, "resolve", by="Sara")
    late = [arrival(n, conversation=name, at=at - 10_000) for n, name in ((3, "answered"), (4, "resolved"))]
    assert database.change(take_in, late) == [True, True]
    for row in rows(store, conversations):
        assert row["waiting_since"] is row["place"] is None
        assert row["resolved"] == (row["external_id"] == "resolved")
    new = [arrival(n, conversation=name, at=at + 2000) for n, name in ((5, "answered"), (6, "resolved"))]
    database.change(take_in, new)
    assert [row["waiting_since"] for row in rows(store, conversations)] == [at + 2000] * 2
    assert not any(row["resolved"] for row in rows(store, conversations))


def test_a_conversation_without_a_word_of_the_customer_waits_for_nothing_when_opened_again(store, database):
    database.change(take_in, [arrival(1, direction="agent")])
    for what in ("resolve", "reopen"):
        assert database.change(act, 1, what, by="Sara")
    (row,) = rows(store, conversations)
    assert (row["resolved"], row["waiting_since"], row["place"]) == (False, None, None)


def test_the_list_and_what_expires_are_found_by_an_index(tmp_path):
    database = open_database(str(tmp_path / "rida.db"))
    plans = []

    def explain(_, cursor, statement, parameters, *__):
        if statement.startswith(("SELECT", "UPDATE")):
            rows_of_plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            plans.append(" ".join(row[3] for row in rows_of_plan))

    event.listen(database.engine, "before_cursor_execute", explain)
    for state, index in (("waiting", "conversations_waiting"), ("answered", "conversations_answered")):
        plans.clear()
        database.look(list_conversations, Filter(state=state))
        assert index in plans[0]
        assert "TEMP B-TREE" not in plans[0]
    plans.clear()
    database.look(count_waiting)
    assert "COVERING INDEX conversations_counted" in plans[0]
    plans.clear()
    database.change(expire, keep_text_days=5, keep_days=None)
    assert "messages_with_text" in plans[0]
    database.close()


def test_a_lost_lock_is_noticed_and_taken_again(start_desk, new_store):
    store = new_store("postgresql")
    with start_desk(store) as server:
        opened = open_database(store)
        holders = text("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted")

        def pids():
            return opened.look(lambda connection: list(connection.scalars(holders)))

        server.wait_for(pids)
        (before,) = pids()
        kill = text("SELECT pg_terminate_backend(:pid)")
        opened.look(lambda connection: connection.execute(kill, {"pid": before}))
        server.wait_for(lambda: pids() not in ([], [before]))
        assert say(server.client, "generic", ANGRY) == "stored"
        server.wait_for(lambda: count(store, messages, messages.c.status == "scored") == 1)
        opened.close()


def test_a_lease_knows_whether_it_is_still_held(store):
    opened = open_database(store)
    lease = Lease(opened.engine)
    assert not lease.holds()
    assert lease.take()
    assert lease.holds()
    lease.give_back()
    assert not lease.holds()
    opened.close()
