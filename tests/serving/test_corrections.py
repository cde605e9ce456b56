"""What people say of the model's answers comes back as rows to train on, and as a report."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from chat_systems import deliver, generic
from stores import KINDS, count, rows

from data.sources import read_source
from model.labels import TOPICS
from serving.cli import main
from serving.store.actions import act, correct
from serving.store.tables import conversations, corrections, messages

TEXTS = [
    "you thieves the parcel is a scam!!!",
    "great parcel thanks",
    "دزدها بسته کلاهبرداری است!!!",
    "ساعت کار اتاق چیست",
]


@pytest.fixture(params=KINDS)
def corrected(request, start_desk, new_store, monkeypatch):
    """A server with four scored messages, and what changes their corrections."""
    store = new_store(request.param)
    monkeypatch.setenv("RIDA_STORE", store)
    with start_desk(store) as server:
        for number, text in enumerate(TEXTS, 1):
            deliver(server.client, "generic", generic(text, number, number))
            server.wait_for(lambda number=number: count(store, messages, messages.c.status == "scored") == number)
        desk = server.service.desk

        def say(message, **what):
            return desk.database.change(correct, message, desk.policy(), by="Sara", **what)

        yield server, store, say


def test_corrections_are_exported_as_a_source_that_training_reads(corrected, tmp_path, capsys):
    _, _, say = corrected
    say(1, mood="satisfied")
    say(3, topic="delivery")
    say(3, topic="price")
    say(4, mood="neutral")
    say(4, topic="facility")
    say(4, topic="facility")
    folder = tmp_path / "sources" / "corrections"
    assert main(["corrections", "export", "--output", str(folder)]) == 0
    assert "3 rows" in capsys.readouterr().out
    read = read_source(folder)
    assert [row.text for row in read] == [TEXTS[0], TEXTS[2], TEXTS[3]]
    assert [row.mood for row in read] == ["satisfied", None, "neutral"]
    assert read[0].topics is None
    assert {"delivery", "price"} ^ set(read[1].topics) == set(topics_of(corrected, 3))
    assert set(read[2].topics) == set(topics_of(corrected, 4))
    assert [row.lang for row in read] == ["en", "fa", "fa"]
    assert all(row.topics_covered == TOPICS for row in read)
    assert read[0].split == "train"


def topics_of(corrected, message):
    return [topic.name for topic in corrected[0].service.scoring.classifier.classify([TEXTS[message - 1]])[0].topics]


def test_rida_train_takes_the_exported_rows(corrected, tmp_path, data_root):
    from tests.conftest import tiny_recipe
    from training.corpus import read_corpus

    _, _, say = corrected
    say(1, mood="satisfied")
    root = tmp_path / "root"
    root.mkdir()
    (root / "annotated").symlink_to(data_root / "annotated")
    assert main(["corrections", "export", "--output", str(root / "corrections")]) == 0
    sources = [{"name": "annotated"}, {"name": "corrections"}]
    recipe = tiny_recipe(sources=sources, stages=[{"rows": 1}], data={"validation_share": 0})
    (row,) = [row for row in read_corpus(recipe, root).train if row.source == "corrections"]
    assert (row.text, row.mood) == (TEXTS[0], "satisfied")


def test_a_correction_counts_for_the_conversation_and_can_be_taken_back(corrected):
    _, store, say = corrected
    before = rows(store, conversations)[0]
    assert before["mood"] == "angry"
    say(1, mood="satisfied")
    said = rows(store, conversations)[0]
    assert (said["mood"], said["satisfied"], said["needs_review"]) == ("satisfied", 1, False)
    say(1, topic="billing")
    assert "billing" in rows(store, conversations)[0]["topics"]
    assert rows(store, corrections)[0]["mood"] == "satisfied"
    say(1)
    after = rows(store, conversations)[0]
    assert count(store, corrections) == 0
    assert (after["mood"], after["topics"]) == (before["mood"], before["topics"])
    assert after["angry"] == pytest.approx(before["angry"])


def test_what_is_not_there_cannot_be_corrected(corrected):
    _, _, say = corrected
    assert say(99, mood="angry") is None


def test_a_resolved_conversation_that_turns_angry_again_is_news(corrected):
    server, store, _ = corrected
    assert rows(store, conversations)[0]["alarms"] == 1
    database = server.service.desk.database
    assert database.change(act, 1, "resolve", by="Sara")
    assert rows(store, conversations)[0]["waiting_since"] is None
    deliver(server.client, "generic", generic(TEXTS[0], 1, 50))
    server.wait_for(lambda: count(store, messages, messages.c.status == "scored") == 5)
    again = rows(store, conversations)[0]
    assert (again["alarms"], again["resolved"]) == (2, False)
    assert again["waiting_since"]


def test_the_report_tells_where_people_disagreed(corrected, capsys):
    _, store, say = corrected
    moods = [row["mood"] for row in rows(store, messages)]
    say(1, mood="satisfied")
    say(2, mood=moods[1])
    say(3, topic="price")
    assert main(["corrections", "report", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    by_mood = {line["name"]: line for line in report["mood"]}
    assert sum(line["messages"] for line in by_mood.values()) == 4
    assert by_mood["angry"]["changed"] == 1
    assert sum(line["said"] for line in by_mood.values()) == 2
    assert sum(line["changed"] for line in by_mood.values()) == 1
    assert next(line for line in report["topic"] if line["name"] == "price")["changed"] == 1
    by_language = {line["name"]: line for line in report["language"]}
    assert (by_language["en"]["messages"], by_language["en"]["changed"]) == (2, 1)
    assert by_language["fa"]["changed"] == 1
    assert main(["corrections", "report"]) == 0
    assert "of all" in capsys.readouterr().out


def test_corrections_without_a_text_are_left_out_aloud(corrected, tmp_path, capsys):
    server, _, say = corrected
    say(1, mood="satisfied")
    database = server.service.desk.database
    database.change(lambda connection: connection.execute(messages.update().values(text=None)))
    assert main(["corrections", "export", "--output", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "0 rows" in said.out
    assert "1 corrections have no text" in said.err


def test_exporting_needs_no_torch(tmp_path):
    code = (
        "import serving.store_commands, sys; print(sorted(sys.modules.keys() & {'torch', 'datasets', 'onnxruntime'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_was_resolved_raises_no_alarm_again_until_there_is_new_anger(corrected):
    server, store, say = corrected
    desk = server.service.desk

    def write(number, text):
        deliver(server.client, "generic", generic(text, 1, number))
        server.wait_for(lambda: not count(store, messages, messages.c.status == "waiting"))
        return rows(store, conversations)[0]["alarms"]

    assert rows(store, conversations)[0]["alarms"] == 1
    desk.database.change(act, 1, "resolve", by="Sara")
    # A key on a conversation that is settled says what was meant; nobody has to run.
    say(1, mood="neutral")
    say(1, mood="angry")
    assert rows(store, conversations)[0]["alarms"] == 1
    assert write(10, "great parcel thanks") == 1
    assert write(11, TEXTS[0]) == 2
