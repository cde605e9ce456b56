"""Scoring files end to end: what comes out and what stays as it was."""

from __future__ import annotations

import datetime
import io
import json
import sys
import time

import openpyxl
import pytest
from table_files import ADDED, Stub, read_rows, write_rows

from model.prediction import Rejection
from serving.score import ScoreSummary, score
from serving.tables import table

FORMATS = ["csv", "tsv", "jsonl", "parquet", "xlsx", "csv.gz", "tsv.gz", "jsonl.gz"]
ROWS = [
    {"id": "a1", "text": "the delivery was late", "shop": "007"},
    {"id": "a2", "text": 'she said "no", twice;\nthe price\twent up', "shop": "Kraków"},
    {"id": "a3", "text": "", "shop": "=1+1"},
    {"id": "a4", "text": "الخدمة سيئة جدا 😡", "shop": "-5"},
]


@pytest.fixture
def stub():
    return Stub()


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(table, "CHUNK_ROWS", 2)


def run(inputs, output, stub, **options):
    names = [str(name) for name in inputs]
    return score(names, str(output), classifier=stub, watchers=[stub], progress=False, **options)


@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", FORMATS)
def test_every_column_is_kept_and_the_prediction_added(tmp_path, stub, source, target):
    name = write_rows(tmp_path / f"in.{source}", ROWS)
    run([name], tmp_path / f"out.{target}", stub)
    out = read_rows(tmp_path / f"out.{target}")
    assert [list(row) for row in out] == [["id", "text", "shop", *ADDED]] * 4
    assert [{key: row[key] or "" for key in ROWS[0]} for row in out] == ROWS
    assert stub.ids == ["a1", "a2", "a3", "a4"]
    assert stub.texts == [row["text"] for row in ROWS]


@pytest.mark.parametrize("target", ["jsonl", "parquet"])
def test_typed_outputs_hold_numbers_lists_and_nulls(tmp_path, stub, target):
    name = write_rows(tmp_path / "in.csv", ROWS)
    run([name], tmp_path / f"out.{target}", stub)
    first, _, empty, _ = read_rows(tmp_path / f"out.{target}")
    assert {key: first[key] for key in ADDED} == {
        "mood": "satisfied",
        "satisfied": 0.76,
        "neutral": 0.01,
        "dissatisfied": 0.02,
        "angry": 0.21,
        "topics": ["delivery"],
        "needs_review": False,
        "truncated": False,
        "error": None,
    }
    nothing = dict.fromkeys(ADDED[:-1])
    assert {key: empty[key] for key in ADDED} == {**nothing, "error": "empty_text: there is nothing to read"}


@pytest.mark.parametrize("target", ["csv", "tsv", "xlsx"])
def test_cells_hold_joined_topics_and_nothing_where_there_is_no_prediction(tmp_path, stub, target):
    rows = [{"text": "delivery and price"}, {"text": ""}]
    name = write_rows(tmp_path / "in.jsonl", rows)
    run([name], tmp_path / f"out.{target}", stub)
    first, empty = read_rows(tmp_path / f"out.{target}")
    assert first["topics"] == "delivery;price"
    assert str(first["needs_review"]).lower() == "false"
    assert [empty[key] or "" for key in ADDED] == [""] * 8 + ["empty_text: there is nothing to read"]


@pytest.mark.usefixtures("small_chunks")
def test_the_summary_counts_rows_errors_moods_and_tokens(tmp_path, stub):
    rows = [{"text": "a" * 60}, {"text": None}, {"text": 7}, {"text": "short"}, {"text": ["a list"]}]
    (tmp_path / "in.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    summary = run([tmp_path / "in.jsonl"], tmp_path / "out.jsonl", stub)
    assert isinstance(summary, ScoreSummary)
    assert (summary.rows, summary.errors, summary.tokens) == (5, 3, 6)
    assert summary.moods == {"satisfied": 1, "neutral": 0, "dissatisfied": 0, "angry": 1}
    assert [(r.id, r.code) for r in summary.rejections] == [
        ("2", "empty_text"),
        ("3", "not_text"),
        ("5", "not_text"),
    ]
    assert summary.seconds > 0


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("kind", ["csv", "jsonl", "xlsx"])
def test_rows_without_an_id_are_counted_on_through_all_inputs(tmp_path, stub, kind):
    one = write_rows(tmp_path / f"one.{kind}", [{"text": f"first {i}"} for i in range(3)])
    two = write_rows(tmp_path / f"two.{kind}", [{"text": f"second {i}"} for i in range(2)])
    run([one, two], tmp_path / "out.csv", stub)
    assert stub.ids == ["1", "2", "3", "4", "5"]
    assert [row["text"] for row in read_rows(tmp_path / "out.csv")] == [
        "first 0",
        "first 1",
        "first 2",
        "second 0",
        "second 1",
    ]


def test_inputs_of_several_formats_make_one_output(tmp_path, stub):
    names = [
        write_rows(tmp_path / f"in.{kind}", [{"id": kind, "text": "some words"}, {"id": "2", "text": "more"}])
        for kind in FORMATS
    ]
    run(names, tmp_path / "out.parquet", stub)
    assert [row["id"] for row in read_rows(tmp_path / "out.parquet")][::2] == FORMATS


@pytest.mark.usefixtures("small_chunks")
def test_json_lines_go_through_whatever_their_keys(tmp_path, stub):
    rows = [
        {"text": "one", "nested": {"a": [1, None, {"b": "é"}]}, "big": 2**70},
        {"other": True, "text": "two"},
        {"text": "three \ud800 half a character"},
    ]
    (tmp_path / "in.jsonl").write_text("\n\n".join(json.dumps(row) for row in rows) + "\n")
    run([tmp_path / "in.jsonl"], tmp_path / "out.jsonl", stub)
    out = read_rows(tmp_path / "out.jsonl")
    assert [{key: row[key] for key in row if key not in ADDED} for row in out] == rows
    assert [list(row)[: -len(ADDED)] for row in out] == [list(row) for row in rows]


@pytest.mark.usefixtures("small_chunks")
def test_missing_keys_of_json_lines_are_empty_cells(tmp_path, stub):
    (tmp_path / "in.jsonl").write_text('{"text": "a", "x": {"k": 1}}\n{"text": "b"}\n{"x": 2, "text": "c"}\n{}\n')
    summary = run([tmp_path / "in.jsonl"], tmp_path / "out.csv", stub)
    assert [row["x"] for row in read_rows(tmp_path / "out.csv")] == ['{"k": 1}', "", "2", ""]
    assert summary.errors == 1


def test_pipes_carry_json_lines(tmp_path, stub, monkeypatch):
    sent, received = io.BytesIO('{"text": "héllo"}\n{"text": 3}\n'.encode()), io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(sent))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(received))
    summary = run(["-"], "-", stub)
    assert (summary.rows, summary.errors) == (2, 1)
    assert [json.loads(line)["text"] for line in received.getvalue().splitlines()] == ["héllo", 3]


@pytest.mark.parametrize("target", FORMATS)
def test_a_table_without_rows_gives_its_header_alone(tmp_path, stub, target):
    (tmp_path / "in.csv").write_text("id,text\n")
    summary = run([tmp_path / "in.csv"], tmp_path / f"out.{target}", stub)
    assert (summary.rows, summary.errors) == (0, 0)
    assert read_rows(tmp_path / f"out.{target}") == []


class Later(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2033, 5, 18, tzinfo=tz)


@pytest.mark.parametrize("target", FORMATS)
def test_the_same_rows_give_the_same_bytes_at_any_time(tmp_path, stub, monkeypatch, target):
    name = write_rows(tmp_path / "in.csv", ROWS)
    run([name], tmp_path / f"1.{target}", stub)
    with monkeypatch.context() as later:
        later.setattr(openpyxl.packaging.core.datetime, "datetime", Later)
        later.setattr(time, "time", lambda: 2e9)
        run([name], tmp_path / f"2.{target}", stub)
    assert (tmp_path / f"1.{target}").read_bytes() == (tmp_path / f"2.{target}").read_bytes()


def test_a_linked_output_stays_a_link(tmp_path, stub):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "out.csv"
    link.symlink_to(tmp_path / "elsewhere" / "real.csv")
    run([write_rows(tmp_path / "in.csv", ROWS)], link, stub)
    assert link.is_symlink()
    assert len(read_rows(tmp_path / "elsewhere" / "real.csv")) == 4


def test_wide_rows_close_a_chunk_early(tmp_path, stub, monkeypatch):
    monkeypatch.setattr(table, "CHUNK_WEIGHT", 10_000)
    name = write_rows(tmp_path / "in.csv", [{"text": f"{number}" + "x" * 6_000} for number in range(6)])
    run([name], tmp_path / "out.csv", stub)
    assert [len(texts) for texts in stub.scored] == [2, 2, 2]


@pytest.mark.parametrize("target", ["csv", "parquet"])
def test_a_real_classifiers_predictions_stand_in_their_rows(tmp_path, monkeypatch, tiny_classifier, target):
    monkeypatch.setattr(table, "CHUNK_ROWS", 7)
    texts = [f"{'the parcel was late ' * (n % 5)}number {n}" for n in range(20)] + ["", "شكرا"]
    name = write_rows(tmp_path / "in.csv", [{"text": text} for text in texts])
    summary = score([name], str(tmp_path / f"out.{target}"), classifier=tiny_classifier, progress=False)
    direct = tiny_classifier.classify(texts, ids=[str(n) for n in range(1, len(texts) + 1)])
    assert (summary.rows, summary.errors) == (22, 1)
    for row, prediction in zip(read_rows(tmp_path / f"out.{target}"), direct, strict=True):
        if isinstance(prediction, Rejection):
            assert row["error"] == f"{prediction.code}: {prediction.message}"
        else:
            assert row["mood"] == prediction.mood
            assert float(row["angry"]) == pytest.approx(prediction.scores["angry"], abs=1e-5)
