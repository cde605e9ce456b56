"""Rows that are none: each is one row's error, kept whole, and all others are scored."""

from __future__ import annotations

import io
import json
import sys

import openpyxl
import pytest
from table_files import Stub, read_rows

from model.errors import InputError
from serving.score import score
from serving.tables import table


def scored(tmp_path, name, data, output="out.csv", **options):
    """The output's rows, the texts that were scored, and what was said."""
    if data is not None:
        (tmp_path / name).write_bytes(data)
    stub, said = Stub(), []
    score([str(tmp_path / name)], str(tmp_path / output), classifier=stub, progress=False, say=said.append, **options)
    texts = [text for chunk in stub.scored for text in chunk]
    return read_rows(tmp_path / output), texts, [line.replace(f"{tmp_path}/", "") for line in said]


def test_a_row_with_cells_missing_is_kept_with_an_error_and_not_scored(tmp_path):
    data = b'id,text,shop\n1,"a\nb",x\n2,c\n3,d,y\n'
    rows, texts, said = scored(tmp_path, "in.csv", data)
    assert [(row["id"], row["text"], row["shop"]) for row in rows] == [
        ("1", "a\nb", "x"),
        ("2", "c", ""),
        ("3", "d", "y"),
    ]
    assert [row["error"] for row in rows] == ["", "bad_row: line 4: 2 cells, but there are 3 columns", ""]
    assert rows[1]["mood"] == ""
    assert texts == ["a\nb", "d"]
    assert said == [
        "in.csv: 1 of 3 rows cannot be read as rows (the first: line 4: 2 cells, but there are 3 columns). "
        "They are kept, with the error bad_row and no prediction."
    ]


@pytest.mark.parametrize("output", ["out.csv", "out.tsv", "out.jsonl", "out.parquet", "out.xlsx"])
def test_cells_beyond_the_columns_stand_in_the_last_one(tmp_path, output):
    data = b'id,text\n1,fine\n2,"one ""two""",three,"four,\nfive"\n3,good\n'
    rows, texts, _ = scored(tmp_path, "in.csv", data, output)
    assert [row["text"] for row in rows] == ["fine", '"one ""two""",three,"four,\nfive"', "good"]
    assert rows[1]["error"] == (
        "bad_row: line 3: 4 cells, but there are 2 columns; the last holds all cells from its own on"
    )
    assert texts == ["fine", "good"]


def test_cells_beyond_the_header_of_a_sheet_are_kept(tmp_path):
    book = openpyxl.Workbook()
    for row in (["id", "text"], [1, "a"], [2, "b", "c", 4.5], [3, None]):
        book.active.append(row)
    book.save(tmp_path / "in.xlsx")
    rows, texts, _ = scored(tmp_path, "in.xlsx", None)
    assert [row["text"] for row in rows] == ["a", "b,c,4.5", ""]
    assert rows[1]["error"].startswith("bad_row: row 3: 4 cells, but there are 2 columns")
    assert texts == ["a", ""]


@pytest.mark.parametrize("output", ["out.jsonl", "out.csv", "out.parquet", "out.xlsx"])
def test_lines_that_are_no_objects_stand_where_the_texts_do(tmp_path, output):
    bad = {
        '["b"]': "not a JSON object",
        '{"text": ': "not JSON (Expecting value: line 2 column 1 (char 10))",
        '{"text": NaN}': "not JSON (NaN is no JSON value; write null)",
        '{"text": "a", "text": "b"}': (
            "not JSON (a key stands twice in one object, and one of the values would be lost)"
        ),
        '{"text": 1e999}': "not JSON (1e999 is too large a number)",
        "[" * 100_000: "not JSON (nested too deeply)",
    }
    good = [json.dumps({"id": n, "text": f"text {n}"}) for n in range(len(bad))]
    lines = [line for pair in zip(good, bad, strict=True) for line in pair]
    if output == "out.xlsx":
        lines = [line[:30_000] for line in lines]
    rows, texts, _ = scored(tmp_path, "in.jsonl", "\n".join(lines).encode(), output)
    assert [row["text"] for row in rows[1::2]] == lines[1::2]
    assert [row["error"] for row in rows[1::2]] == [
        f"bad_row: line {2 * number + 2}: {reason}" for number, reason in enumerate(bad.values())
    ]
    assert texts == [row["text"] for row in rows[::2]] == [f"text {n}" for n in range(len(bad))]


def test_bad_rows_come_through_a_pipe(tmp_path, monkeypatch):
    sent = io.BytesIO(b'{"text": "a"}\nnonsense\n{"text": "b"}\n')
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(sent))
    score(["-"], str(tmp_path / "out.jsonl"), classifier=Stub(), progress=False)
    rows = read_rows(tmp_path / "out.jsonl")
    assert [(row["text"], bool(row["mood"])) for row in rows] == [("a", True), ("nonsense", False), ("b", True)]


def test_bad_rows_are_counted_for_each_input(tmp_path):
    said = []
    for name in ("one", "two", "three"):
        (tmp_path / f"{name}.csv").write_text("id,text\n1,a\n2,b\n" + "3\n" * (name != "two"))
    names = [str(tmp_path / f"{name}.csv") for name in ("one", "two", "three")]
    summary = score(names, str(tmp_path / "out.csv"), classifier=Stub(), progress=False, say=said.append)
    assert [line.split(":")[0].rsplit("/", 1)[1] for line in said] == ["one.csv", "three.csv"]
    assert (summary.rows, summary.errors) == (8, 2)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("in.csv", b"id,text\n" + b"1,fine\n" * 5 + b'2,"open\n', "the quote"),
        ("in.csv", b"id,text\n" + b"1,fine\n" * 5 + b"2,caf\xe9\n", "is not utf-8"),
        ("in.jsonl", b'{"text": "a"}\n' * 5 + b'{"text": "b", "late": 1}\n', "the key 'late'"),
        ("in.jsonl", b'{"text": "a"}\n' * 5 + b'{"text": "b", "mood": 1}\n', "already a column named 'mood'"),
    ],
)
def test_what_ends_a_run_ends_it_before_anything_is_scored(tmp_path, monkeypatch, name, data, message):
    monkeypatch.setattr(table, "CHUNK_ROWS", 2)
    (tmp_path / name).write_bytes(data)
    stub = Stub()
    with pytest.raises(InputError, match=message):
        score([str(tmp_path / name)], str(tmp_path / "out.csv"), classifier=stub, progress=False, encoding="utf-8")
    assert stub.scored == []
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_table_as_wide_as_a_spreadsheet_can_be_is_scored(tmp_path):
    header = ["text", *(f"c{number}" for number in range(16_383))]
    data = ",".join(header) + "\n" + "fine" + ",x" * 16_383 + "\n"
    rows, texts, _ = scored(tmp_path, "in.csv", data.encode())
    assert texts == ["fine"]
    assert (len(rows[0]), rows[0]["c16382"]) == (16_384 + 9, "x")
    with pytest.raises(InputError, match=r"XLSX holds 16,384 columns, and there are 16,393. Write .csv."):
        scored(tmp_path, "in.csv", None, "out.xlsx")
