"""Texts that come again are scored once; reading ahead keeps order, ends with what it reads, and can be stopped."""

from __future__ import annotations

import json
import sys
import threading
import time

import pytest
from table_files import Stub, write_rows

from model.prediction import Rejection
from serving.batch import repeats
from serving.batch.ahead import ahead
from serving.batch.pipeline import scored_cells
from serving.score import score
from serving.tables import table
from serving.tables.added import ADDED, added_values


@pytest.mark.parametrize("output", ["out.jsonl", "-"])
def test_a_text_that_comes_again_is_scored_once(tmp_path, monkeypatch, capfd, output):
    monkeypatch.setattr(table, "CHUNK_ROWS", 3)
    texts = ["delivery", "price", "delivery", "price", "late", "delivery", "", "", "late"]
    name = write_rows(tmp_path / "in.jsonl", [{"text": text} for text in texts])
    stub = Stub()
    score([name], output if output == "-" else str(tmp_path / output), classifier=stub, progress=False)
    sys.stdout.flush()
    assert stub.scored == [["delivery", "price"], ["late"], [""]]
    written = capfd.readouterr().out if output == "-" else (tmp_path / output).read_text()
    alone = {text: added_values(Stub().classify([text])[0]) for text in texts}
    assert list(map(json.loads, written.splitlines())) == [{"text": text, **alone[text]} for text in texts]


def test_the_texts_longest_unseen_are_forgotten_first(monkeypatch):
    monkeypatch.setattr(repeats, "REMEMBERED", 2)
    known = repeats.Repeats()
    assert [known.plan([text], {}).fresh for text in "abacab"] == [["a"], ["b"], [], ["c"], [], ["b"]]


def test_only_equal_texts_are_the_same():
    plan = repeats.Repeats().plan(["a", "A", "a ", 1, 1, None, "1", "\ud800", "\ud800"], {})
    assert plan.fresh == ["a", "A", "a ", 1, 1, None, "1", "\ud800"]


def test_cells_of_any_engine_get_the_added_columns():
    stub = Stub()
    rows = scored_cells(stub, ["price", None, 7, "price", "x"], {4: Rejection("", "bad_row", "line 9")})
    assert stub.scored == [["price", "", 7]]
    assert [list(row) for row in rows] == [list(ADDED)] * 5
    assert rows[0] == rows[3]
    assert rows[0]["topics"] == ["price"]
    assert [row["error"] for row in rows[1:3]] == [
        "empty_text: there is nothing to read",
        "not_text: a text is expected",
    ]
    assert rows[4] == {**dict.fromkeys(ADDED), "error": "bad_row: line 9"}


def test_reading_ahead_keeps_order_and_is_never_further_ahead_than_told():
    made = []

    def items():
        for number in range(50):
            made.append(number)
            yield number

    for number in ahead(items(), limit=2, drop=lambda item: None):
        time.sleep(0.001)
        assert len(made) <= number + 1 + 2
    assert made == list(range(50))


def test_what_fails_ahead_fails_in_its_place():
    def items():
        yield 1
        yield 2
        raise ValueError("broken")

    taking = ahead(items(), limit=5, drop=lambda item: None)
    assert [next(taking), next(taking)] == [1, 2]
    with pytest.raises(ValueError, match="broken"):
        next(taking)


def test_stopping_drops_what_was_made_ahead_and_ends_the_thread():
    before = threading.active_count()
    dropped = []
    taking = ahead(iter(range(100)), limit=3, drop=dropped.append)
    assert next(taking) == 0
    time.sleep(0.05)
    taking.close()
    assert dropped == [1, 2, 3]
    assert threading.active_count() == before
