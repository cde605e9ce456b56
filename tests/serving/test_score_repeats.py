"""Texts that come again are scored once; reading ahead keeps order, ends with what it reads, and can be stopped."""

from __future__ import annotations

import json
import signal
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
    made, dropped = [], []

    def items():
        for number in range(100):
            made.append(number)
            yield number

    taking = ahead(items(), limit=3, drop=dropped.append)
    assert next(taking) == 0
    wait_until(lambda: len(made) == 4)
    taking.close()
    assert made == [0, 1, 2, 3]
    assert dropped == [1, 2, 3]
    assert threading.active_count() == before


@pytest.fixture
def ctrl_c():
    """Ctrl-C as it is; in the background of a shell, where tests may run, it is ignored from the start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_being_asked_again_to_stop_waits_for_what_is_in_the_making():
    making, go_on, closed, dropped = threading.Event(), threading.Event(), [], []

    def items():
        try:
            yield 0
            making.set()
            go_on.wait(30)
            yield 1
        finally:
            closed.append(True)

    def ask_again():
        making.wait(30)
        for _ in range(3):
            time.sleep(0.05)  # any moment will do
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        go_on.set()

    source = items()
    taking = ahead(source, limit=3, drop=dropped.append)
    assert next(taking) == 0
    making.wait(30)
    asking = threading.Thread(target=ask_again)
    asking.start()
    with pytest.raises(KeyboardInterrupt):
        taking.close()
    asking.join()
    source.close()  # would fail while the thread is in it
    assert (closed, dropped) == ([True], [1])


def wait_until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)
