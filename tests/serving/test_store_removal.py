"""What is taken out of the store, by hand or when its time has come, and that nothing of it is left."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from chat_systems import deliver, generic
from stores import arrival, count, rows

from serving import store_commands
from serving.cli import main
from serving.store import retention
from serving.store.database import open_database
from serving.store.intake import take_in
from serving.store.retention import expire
from serving.store.tables import DAY, conversations, deliveries, messages, now, outbox

ANGRY = "you thieves the parcel is a scam!!!"
CANARY = "canary-c0de"


def test_a_deleted_conversation_leaves_nothing_behind(start_desk, store, monkeypatch, capsys):
    with start_desk(store, webhook_url="http://127.0.0.1:1", webhook_secret="long enough") as server:
        for name in ("7", "8"):
            deliver(server.client, "generic", generic(f"{ANGRY} {CANARY}{name}", name, f"{CANARY}-{name}"))
        server.wait_for(lambda: count(store, messages, messages.c.status == "scored") == 2)
        monkeypatch.setenv("RIDA_STORE", store)
        assert main(["conversations", "delete", "generic:7"]) == 0
        assert main(["conversations", "delete", "generic:7", "zammad:8"]) == 1
        assert [row["external_id"] for row in rows(store, conversations)] == ["8"]
        assert count(store, messages) == count(store, outbox) == 1
        # Sent again, it does not come back.
        answer = deliver(server.client, "generic", generic(f"{ANGRY} {CANARY}7", "7", f"{CANARY}-7"))
        assert answer.json()["status"] == "duplicate"
    assert "deleted generic:7" in capsys.readouterr().out
    if "://" not in store:
        kept = b"".join(path.read_bytes() for path in Path(store).parent.glob("rida.db*"))
        assert f"{CANARY}8".encode() in kept
        assert f"{CANARY}7".encode() not in kept


def test_a_name_that_is_none_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RIDA_STORE", str(tmp_path / "rida.db"))
    assert main(["conversations", "delete", "7"]) == 2
    assert "there is no file" in capsys.readouterr().err
    open_database(str(tmp_path / "rida.db")).close()
    assert main(["conversations", "delete", "7"]) == 2
    assert "SYSTEM:ID" in capsys.readouterr().err
    monkeypatch.delenv("RIDA_STORE")
    assert main(["conversations", "expire"]) == 2
    assert "RIDA_STORE" in capsys.readouterr().err


def test_texts_and_conversations_are_taken_out_when_their_time_has_come(store, database):
    old = now() - 10 * DAY
    database.change(
        take_in,
        [
            arrival(1, conversation="old", at=old),
            arrival(2, conversation="new"),
            arrival(3, conversation="waits", at=old),
        ],
    )
    scored = messages.update().where(messages.c.id != 3).values(status="scored")
    database.change(lambda connection: connection.execute(scored))
    database.change(expire, keep_text_days=5, keep_days=None)
    assert [row["text"] for row in rows(store, messages)] == [None, "late", "late"]
    assert count(store, deliveries) == 3
    database.change(expire, keep_text_days=None, keep_days=5)
    assert [row["external_id"] for row in rows(store, conversations)] == ["new"]
    assert count(store, messages) == 1
    database.change(lambda connection: connection.execute(deliveries.update().values(received_at=now() - 31 * DAY)))
    database.change(expire, keep_text_days=None, keep_days=None)
    assert count(store, deliveries) == 0


def test_a_running_server_takes_out_what_is_old(start_desk, store):
    opened = open_database(store)
    opened.change(take_in, [arrival(1, at=now() - 10 * DAY)])
    opened.close()
    with start_desk(store, keep_days="5") as server:
        server.wait_for(lambda: count(store, conversations) == 0)


def test_what_is_old_goes_lot_by_lot(store, database, monkeypatch):
    monkeypatch.setattr(retention, "LOT", 2)
    old = now() - 10 * DAY
    database.change(take_in, [arrival(number, conversation=f"{number}", at=old) for number in range(5)])
    database.change(lambda connection: connection.execute(messages.update().values(status="scored")))
    gone = [database.change(expire, keep_text_days=5, keep_days=None) for _ in range(3)]
    assert [(each.texts, each.more) for each in gone] == [(2, True), (2, True), (1, False)]
    monkeypatch.setenv("RIDA_STORE", store)
    assert main(["conversations", "expire", "--keep-days", "5"]) == 0
    assert count(store, conversations) == 0


def test_texts_that_are_gone_are_gone_from_the_log_too_and_who_reads_is_waited_for(tmp_path, monkeypatch, capsys):
    store = str(tmp_path / "rida.db")
    database = open_database(store)
    database.change(take_in, [arrival(1, text=CANARY)])
    reader = sqlite3.connect(store, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM messages").fetchall()
    monkeypatch.setenv("RIDA_STORE", store)
    monkeypatch.setattr(store_commands, "_LOG_TRIES", 2)
    assert main(["conversations", "delete", "generic:7"]) == 0
    assert "still stands in" in capsys.readouterr().err
    assert not database.empty_log()
    reader.execute("COMMIT")
    assert database.empty_log()
    assert CANARY.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("rida.db*"))
    reader.close()
    database.close()


def test_a_running_server_empties_the_log_after_what_it_takes_out(start_desk, tmp_path):
    store = str(tmp_path / "rida.db")
    opened = open_database(store)
    opened.change(take_in, [arrival(1, at=now() - 10 * DAY, text=CANARY)])
    # That it stays open to the end keeps SQLite from emptying the log by itself.
    with start_desk(store, keep_days="5") as server:
        server.wait_for(lambda: count(store, conversations) == 0)
        server.wait_for(lambda: CANARY.encode() not in (tmp_path / "rida.db-wal").read_bytes())
    opened.close()
