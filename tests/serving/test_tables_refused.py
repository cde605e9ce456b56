"""Inputs that cannot be scored are refused, saying what, where and what to do, and nothing is written."""

from __future__ import annotations

import gzip
import io

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from table_files import Stub, write_rows

from model.errors import InputError
from serving.score import score
from serving.tables import lines, source, table


def refusal(tmp_path, *names, output="out.csv", **options):
    """The message of the InputError that scoring raises; no output must come of it."""
    before = sorted(path.name for path in tmp_path.iterdir())
    inputs = [str(tmp_path / name) for name in names]
    with pytest.raises(InputError) as caught:
        score(inputs, str(tmp_path / output), classifier=Stub(), progress=False, **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    return str(caught.value).replace(f"{tmp_path}/", "")


def packed_cut():
    return gzip.compress(b"text\n" + bytes(range(65, 91)) * 4000, 0)[:-500]


def packed_wrong():
    data = bytearray(gzip.compress(b"text\n" + b"some words\n" * 200))
    data[-6] ^= 0xFF  # the checksum
    return bytes(data)


def cut_parquet():
    out = io.BytesIO()
    pq.write_table(pa.table({"text": ["a"] * 100}), out)
    return out.getvalue()[:-20]


def damaged_parquet():
    out = io.BytesIO()
    pq.write_table(pa.table({"text": [f"text {i}" for i in range(2000)]}), out)
    data = bytearray(out.getvalue())
    data[10:400] = b"\xff" * 390
    return bytes(data)


def workbook(*rows):
    out = io.BytesIO()
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


BAD = {
    "zero bytes": ("in.csv", b"", "in.csv is empty (0 bytes)."),
    "zero bytes packed": ("in.csv.gz", gzip.compress(b""), "in.csv.gz is empty once unpacked."),
    "blank lines": ("in.csv", b"\n\n", "in.csv has no header."),
    "unterminated quote": (
        "in.csv",
        b'id,text\n1,fine\n2,"two\nlines"\n3,"never closed\n4,x\n5,y\n',
        'in.csv, line 5: the quote (") that opens here is not closed',
    ),
    "quote in a quoted cell": ("in.tsv", b'text\tid\n"a "b" c"\t1\n', "in.tsv, line 2: the quote"),
    "one name twice": ("in.csv", b"text,id,text\na,1,b\n", "in.csv: several columns are named 'text'."),
    "no such text": ("in.csv", b"a,b\n1,2\n", "in.csv: no column is named 'text' and none reads like text."),
    "not UTF-8": (
        "in.csv",
        b"id,text\n" + b"1,plain words\n" * 2_000 + b"2,caf\xe9\n",
        "in.csv, line 2002: byte 0xe9 is not utf-8. Give the file's encoding with --encoding",
    ),
    "gzip under a plain name": (
        "in.csv",
        gzip.compress(b"text\na\n"),
        "in.csv is compressed with gzip: add .gz",
    ),
    "a workbook named CSV": ("in.csv", workbook(["text"]), "in.csv is a zip archive (an XLSX workbook?)"),
    "gzip cut short": ("in.csv.gz", packed_cut(), "in.csv.gz is cut short"),
    "gzip with a wrong sum": ("in.csv.gz", packed_wrong(), "in.csv.gz is not a sound gzip file (CRC"),
    "no gzip": (
        "in.jsonl.gz",
        b'{"text": "a"}\n',
        "in.jsonl.gz is not a sound gzip file (Not a gzipped file",
    ),
    "NaN": ("in.jsonl", b'{"text": "a", "n": NaN}\n', "in.jsonl, line 1: not JSON (NaN is no JSON value"),
    "a key twice": (
        "in.jsonl",
        b'{"text": "a", "text": "b"}\n',
        "in.jsonl, line 1: not JSON (a key stands twice",
    ),
    "bottomless": (
        "in.jsonl",
        b'{"text": ' + b"[" * 100_000,
        "in.jsonl, line 1: not JSON (nested too deeply)",
    ),
    "mostly other rows than the header's": (
        "in.csv",
        b"id|text, and more\n1|good, or bad, or what\n2|x\n",
        "in.csv: 2 of 2 rows cannot be read, the first: line 2: 3 cells, but there are 2 columns",
    ),
    "no objects": ("in.jsonl", b"\n \n", "in.jsonl has no rows"),
    "a table in one line": ("in.jsonl", b'[{"text": "a"}]', "in.jsonl, line 1: not a JSON object."),
    "no Parquet": ("in.parquet", b"text\nhello there\n", "in.parquet is not a sound Parquet file"),
    "Parquet cut short": ("in.parquet", cut_parquet(), "in.parquet is not a sound Parquet file"),
    "Parquet damaged": ("in.parquet", damaged_parquet(), "in.parquet is not a sound Parquet file"),
    "no workbook": ("in.xlsx", b"id,text\n1,a\n", "in.xlsx is not an XLSX workbook (not a zip archive)."),
    "old workbook": (
        "in.xlsx",
        b"\xd0\xcf\x11\xe0" + b"\0" * 600,
        "in.xlsx is locked with a password or an old",
    ),
    "other zip": ("in.xlsx", b"PK\x05\x06" + b"\0" * 18, "in.xlsx is not a sound XLSX workbook"),
    "sheet without rows": ("in.xlsx", workbook(), "in.xlsx: sheet 'Sheet' has no rows."),
    "column twice in a sheet": (
        "in.xlsx",
        workbook(["text", "text"], [1, 2]),
        "in.xlsx: several columns are named",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_its_place_and_leaves_no_output(tmp_path, monkeypatch, case):
    monkeypatch.setattr(source, "HEAD", 4096)  # the odd byte comes later than what is looked at
    name, data, message = BAD[case]
    (tmp_path / name).write_bytes(data)
    assert refusal(tmp_path, name).startswith(message)


@pytest.mark.parametrize(
    ("kind", "message"),
    [("int64", "column 'text' is int64, not text"), ("binary", "column 'text' is binary, not text")],
)
def test_a_parquet_column_of_another_type_is_no_text(tmp_path, kind, message):
    values = [1] if kind == "int64" else [b"a"]
    pq.write_table(pa.table({"text": pa.array(values), "comment": ["good"]}), tmp_path / "in.parquet")
    said = refusal(tmp_path, "in.parquet")
    assert message in said
    assert "--text-column; there are: 'text', 'comment'" in said


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "xlsx"])
def test_a_column_that_scoring_adds_is_refused_by_name(tmp_path, kind):
    write_rows(tmp_path / f"in.{kind}", [{"text": "a", "mood": "good", "error": ""}])
    said = refusal(tmp_path, f"in.{kind}")
    assert "there is already a column named 'mood', 'error', which scoring adds" in said


def test_a_later_json_line_with_an_added_key_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "CHUNK_ROWS", 1)
    (tmp_path / "in.jsonl").write_text('{"text": "a"}\n\n{"text": "b", "topics": []}\n')
    said = refusal(tmp_path, "in.jsonl", output="out.jsonl")
    assert said.startswith("in.jsonl, line 3: there is already a column named 'topics'")


@pytest.mark.parametrize("output", ["out.csv", "out.parquet", "out.xlsx"])
def test_a_key_unseen_when_the_output_began_is_refused(tmp_path, monkeypatch, output):
    monkeypatch.setattr(table, "CHUNK_ROWS", 2)
    (tmp_path / "in.jsonl").write_text('{"text": "a"}\n' * 3 + '{"text": "b", "late": 1}\n')
    said = refusal(tmp_path, "in.jsonl", output=output)
    assert said.startswith("in.jsonl, line 4: the key 'late' is not among the columns")


def test_a_value_of_another_type_than_its_parquet_column_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "CHUNK_ROWS", 2)
    (tmp_path / "in.jsonl").write_text('{"text": "a", "n": 1}\n' * 3 + '{"text": "b", "n": 1.5}\n')
    said = refusal(tmp_path, "in.jsonl", output="out.parquet")
    assert said.startswith("in.jsonl, line 4: '1.5' does not fit column 'n', which the rows before made int64.")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.csv", "missing.csv does not exist."),
        ("folder.csv", "folder.csv: there is no Parquet file in it."),
        ("*.tsv", "*.tsv: there is no file that it stands for."),
        ("in.json", "in.json: its name must end in .csv, .tsv, .jsonl, .parquet or .xlsx"),
        ("in", "in: its name must end in"),
        ("in.parquet.gz", "in.parquet.gz: a .parquet file is compressed inside"),
        ("in.xlsx.gz", "in.xlsx.gz: a .xlsx file is compressed inside"),
    ],
)
def test_a_name_that_cannot_be_read_is_refused(tmp_path, name, message):
    (tmp_path / "folder.csv").mkdir()
    assert refusal(tmp_path, name).startswith(message)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("in.csv", "in.csv is also the input in.csv."),
        ("link.csv", "link.csv is also the input in.csv."),
        ("folder.csv", "folder.csv is a folder."),
        ("none/out.csv", "none/out.csv: the folder none does not exist."),
        ("out.txt", "out.txt: its name must end in"),
        ("out.xlsx.gz", "out.xlsx.gz: a .xlsx file is compressed inside"),
        ("out.csv.zst", "out.csv.zst: of compressed files only .gz is written."),
    ],
)
def test_an_output_that_cannot_be_written_is_refused(tmp_path, output, message):
    write_rows(tmp_path / "in.csv", [{"text": "a"}])
    (tmp_path / "link.csv").symlink_to(tmp_path / "in.csv")
    (tmp_path / "folder.csv").mkdir()
    assert refusal(tmp_path, "in.csv", output=output).replace(str(tmp_path), "").startswith(message)
    assert (tmp_path / "in.csv").read_bytes() == b"text\r\na\r\n"


@pytest.mark.parametrize("other", ["two.csv", "two.parquet", "two.xlsx"])
@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": "a", "shop": "b"}, "{} has no column 'id', which one.csv has."),
        ({"text": "a", "id": "b", "more": "c"}, "{} has a column 'more', which one.csv has not."),
    ],
)
def test_inputs_with_other_columns_are_refused_at_the_first_difference(tmp_path, other, columns, message):
    write_rows(tmp_path / "one.csv", [{"id": "1", "text": "a"}])
    write_rows(tmp_path / other, [columns])
    assert refusal(tmp_path, "one.csv", other).startswith(message.format(other))


def test_a_second_input_is_checked_before_the_first_is_scored(tmp_path):
    class Never(Stub):
        def start(self, texts):
            raise AssertionError("nothing should be scored yet")

    one = write_rows(tmp_path / "one.csv", [{"text": "a"}])
    two = write_rows(tmp_path / "two.csv", [{"comment": "a"}])
    with pytest.raises(InputError, match=r"two.csv has no column 'text'"):
        score([one, two], str(tmp_path / "out.csv"), classifier=Never())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"text_column": "Text"},
            "in.csv: no column is named 'Text' (--text-column). Its columns are: 'text'.",
        ),
        ({"id_column": "key"}, "in.csv: no column is named 'key' (--id-column)."),
        ({"encoding": "klingon"}, "--encoding klingon: no such encoding."),
        ({"encoding": "base64"}, "--encoding base64: no such encoding."),
        ({"encoding": "utf-16"}, "in.csv: UTF-16 stream does not start with BOM. Give the order with --encoding"),
        ({"delimiter": ";;"}, "--delimiter ';;': give one character"),
        ({"delimiter": '"'}, "--delimiter '\"': give one character"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(tmp_path, options, message):
    write_rows(tmp_path / "in.csv", [{"text": "a"}])
    assert refusal(tmp_path, "in.csv", **options).startswith(message)


def test_standard_input_can_be_named_once(tmp_path):
    with pytest.raises(InputError, match="named twice"):
        score(["-", "-"], str(tmp_path / "out.jsonl"), classifier=Stub())


def test_no_input_is_refused(tmp_path):
    with pytest.raises(InputError, match="No input is named"):
        score([], str(tmp_path / "out.jsonl"), classifier=Stub())


def test_a_line_without_end_is_refused_instead_of_filling_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "MAX_CELL", 1000)
    (tmp_path / "in.jsonl").write_text('{"text": "' + "x" * 2000 + '"}')
    assert refusal(tmp_path, "in.jsonl").startswith("in.jsonl, line 1: longer than 1,000 characters.")
