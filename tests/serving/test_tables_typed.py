"""Parquet and XLSX: types that stay, types that cannot, and cells that must never run."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from decimal import Decimal

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from table_files import ADDED, Stub, read_rows, write_rows

from model.errors import InputError
from serving.score import score
from serving.tables import parquet_file, table, xlsx_writer

UTC = dt.UTC


def run(name, output, **options):
    said, stub = [], Stub()
    summary = score(
        [str(name)], str(output), classifier=stub, watchers=[stub], progress=False, say=said.append, **options
    )
    return stub, said, summary


TYPED = pa.schema(
    [
        pa.field("id", pa.int32(), nullable=False),
        pa.field("text", pa.dictionary(pa.int16(), pa.string()), metadata={"source": "web"}),
        pa.field("long", pa.large_string()),
        pa.field("price", pa.decimal128(12, 4)),
        pa.field("at", pa.timestamp("ns", tz="UTC")),
        pa.field("day", pa.date32()),
        pa.field("raw", pa.binary()),
        pa.field("ratio", pa.float32()),
        pa.field("ok", pa.bool_()),
        pa.field("parts", pa.list_(pa.struct([("k", pa.string()), ("n", pa.int8())]))),
    ],
    metadata={"made by": "a test"},
)


def typed_rows(count):
    return [
        {
            "id": i,
            "text": f"text {i % 7}",
            "long": None if i == 1 else "x",
            "price": Decimal("12.5000"),
            "at": dt.datetime(2024, 5, 1, 12, tzinfo=UTC),
            "day": dt.date(2024, 5, 1),
            "raw": b"\x00\xff",
            "ratio": 0.5,
            "ok": True,
            "parts": [{"k": "a", "n": 1}],
        }
        for i in range(count)
    ]


@pytest.mark.parametrize("rows", [0, 3, 1000])
def test_parquet_keeps_schema_and_values(tmp_path, monkeypatch, rows):
    monkeypatch.setattr(parquet_file, "CHUNK_ROWS", 128)
    source = pa.Table.from_pylist(typed_rows(rows), schema=TYPED)
    pq.write_table(source, tmp_path / "in.parquet", row_group_size=300)
    stub, _, _ = run(tmp_path / "in.parquet", tmp_path / "out.parquet")
    out = pq.read_table(tmp_path / "out.parquet")
    stored = pq.read_schema(tmp_path / "in.parquet")
    assert out.select(TYPED.names).schema.equals(stored, check_metadata=True)
    assert out.select(TYPED.names).to_pylist() == source.to_pylist()
    assert out.column_names == [*TYPED.names, *ADDED]
    assert out.schema.field("topics").type == pa.list_(pa.string())
    assert stub.ids == [str(i) for i in range(rows)]
    assert max(map(len, stub.scored), default=0) <= 128


def test_small_chunks_make_one_parquet_row_group(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "CHUNK_ROWS", 10)
    run(write_rows(tmp_path / "in.csv", [{"text": f"{i}"} for i in range(100)]), tmp_path / "out.parquet")
    assert pq.ParquetFile(tmp_path / "out.parquet").metadata.num_row_groups == 1


def test_parquet_types_become_text_in_csv(tmp_path):
    pq.write_table(pa.Table.from_pylist(typed_rows(2), schema=TYPED), tmp_path / "in.parquet")
    run(tmp_path / "in.parquet", tmp_path / "out.csv")
    row = read_rows(tmp_path / "out.csv")[1]
    assert [row[name] for name in TYPED.names] == [
        "1",
        "text 1",
        "",
        "12.5000",
        "2024-05-01T12:00:00+00:00",
        "2024-05-01",
        "AP8=",
        "0.5",
        "true",
        '[{"k": "a", "n": 1}]',
    ]


def test_parquet_types_become_json(tmp_path):
    rows = [{"text": "a", "n": float("nan"), "list": [1.5, float("inf")], "price": Decimal("1.50")}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet")
    run(tmp_path / "in.parquet", tmp_path / "out.jsonl")
    row = json.loads((tmp_path / "out.jsonl").read_text(), parse_constant=pytest.fail)
    assert (row["n"], row["list"], row["price"]) == (None, [1.5, None], "1.50")


def test_times_finer_than_python_counts_keep_their_digits(tmp_path):
    times = pa.array([1_700_000_000_123_456_789], pa.timestamp("ns"))
    pq.write_table(pa.table({"text": ["a"], "at": times}), tmp_path / "in.parquet")
    run(tmp_path / "in.parquet", tmp_path / "out.csv")
    assert read_rows(tmp_path / "out.csv")[0]["at"] == "2023-11-14 22:13:20.123456789"


def test_parquet_text_that_is_not_utf8_is_one_rows_matter(tmp_path):
    bad = pa.Array.from_buffers(pa.string(), 2, pa.array([b"caf\xe9", b"fine"], pa.binary()).buffers())
    pq.write_table(pa.table({"text": bad}), tmp_path / "in.parquet")
    stub, _, _ = run(tmp_path / "in.parquet", tmp_path / "out.csv")
    assert stub.texts == ["caf\udce9", "fine"]
    assert [row["text"] for row in read_rows(tmp_path / "out.csv")] == ["caf\ufffd", "fine"]


@pytest.mark.parametrize("kind", ["jsonl", "xlsx"])
def test_types_for_parquet_are_what_all_values_are_and_text_where_they_differ(tmp_path, kind):
    rows = [
        {"text": "a", "n": 1, "mixed": 1, "price": 2.5, "none": None, "yes": True},
        {"text": None, "n": None, "mixed": "one", "price": 3.0, "none": None, "yes": False},
    ]
    run(write_rows(tmp_path / f"in.{kind}", rows), tmp_path / "out.parquet")
    out = pq.read_table(tmp_path / "out.parquet")
    types = {field.name: str(field.type) for field in out.schema if field.name not in ADDED}
    assert types == {
        "text": "string",
        "n": "int64",
        "mixed": "string",
        "price": "double",
        "none": "string",
        "yes": "bool",
    }
    assert out["mixed"].to_pylist() == ["1", "one"]
    assert out["n"].to_pylist() == [1, None]


def test_nested_json_becomes_text_in_parquet_so_that_no_later_key_is_dropped(tmp_path):
    rows = [{"text": "a", "more": {"x": 1}}, {"text": "b", "more": {"y": 2}}]
    run(write_rows(tmp_path / "in.jsonl", rows), tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["more"].to_pylist() == ['{"x": 1}', '{"y": 2}']


DANGEROUS = [
    '=HYPERLINK("http://x","click")',
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "#N/A",
    "=",
    "'=1",
]


def test_a_spreadsheet_never_runs_a_customers_text(tmp_path):
    rows = [{"text": text, "=SUM(A:A)": "x"} for text in DANGEROUS]
    run(write_rows(tmp_path / "in.jsonl", rows), tmp_path / "out.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").active
    assert [cell.value for cell in sheet["A"][1:]] == DANGEROUS
    assert sheet["B1"].value == "=SUM(A:A)"
    assert {cell.data_type for column in ("A", "B") for cell in sheet[column]} == {"s"}
    # Text even after someone has edited the cell:
    assert [cell.quotePrefix for cell in sheet["A"][1:]] == [True] * 8 + [False]
    with zipfile.ZipFile(tmp_path / "out.xlsx") as archive:
        assert b"<f" not in archive.read("xl/worksheets/sheet1.xml")


def test_xlsx_cells_keep_values_that_excel_can_hold_and_text_of_the_others(tmp_path):
    values = {
        "date": dt.date(2024, 5, 1),
        "time": dt.datetime(2024, 5, 1, 10, 30),
        "zone": dt.datetime(2024, 5, 1, 10, 30, tzinfo=UTC),
        "early": dt.date(1805, 5, 1),
        "whole": 12,
        "long": 12345678901234567,
        "part": 0.25,
        "nan": float("nan"),
        "yes": True,
        "list": [1, 2],
        "none": None,
    }
    pq.write_table(pa.Table.from_pylist([{"text": "a", **values}]), tmp_path / "in.parquet")
    run(tmp_path / "in.parquet", tmp_path / "out.xlsx")
    row = read_rows(tmp_path / "out.xlsx")[0]
    assert {key: row[key] for key in values} == {
        **values,
        "date": dt.datetime(2024, 5, 1),
        "zone": "2024-05-01T10:30:00+00:00",
        "early": "1805-05-01",
        "long": "12345678901234567",
        "nan": "nan",
        "list": "[1, 2]",
    }


def test_characters_that_xml_cannot_hold_are_left_out_of_xlsx(tmp_path):
    (tmp_path / "in.jsonl").write_text(json.dumps({"text": "a\x00b\x0bc\ud800d\ufffee\r\nf\rg"}))
    run(tmp_path / "in.jsonl", tmp_path / "out.xlsx")
    assert read_rows(tmp_path / "out.xlsx")[0]["text"] == "abcde\nf\ng"


@pytest.mark.parametrize(("text", "kept"), [("x" * 32_768, 32_767), ("😡" * 16_384, 16_383), ("x" * 32_767, 32_767)])
def test_a_cell_too_long_for_xlsx_is_cut_and_said_aloud(tmp_path, text, kept):
    name = write_rows(tmp_path / "in.jsonl", [{"text": text}])
    stub, said, _ = run(name, tmp_path / "out.xlsx")
    assert read_rows(tmp_path / "out.xlsx")[0]["text"] == text[:kept]
    assert stub.texts == [text]
    assert said == (["1 cells were cut to 32,767 characters, the most XLSX holds."] if kept < len(text) else [])


@pytest.mark.parametrize(
    ("limit", "message"),
    [("MAX_ROWS", "XLSX holds 3 rows with the header"), ("MAX_COLUMNS", "XLSX holds 3 columns")],
)
def test_more_than_xlsx_holds_is_refused(tmp_path, monkeypatch, limit, message):
    monkeypatch.setattr(xlsx_writer, limit, 3)
    name = write_rows(tmp_path / "in.csv", [{"text": "a"}] * 3)
    with pytest.raises(InputError, match=message):
        run(name, tmp_path / "out.xlsx")
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def workbook(path, *rows, sheets=()):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title in sheets:
        book.create_sheet(title)
    book.save(path)
    return path


def test_only_the_first_sheet_is_read_and_that_is_said(tmp_path):
    path = workbook(tmp_path / "in.xlsx", ["text"], ["a"], sheets=["old", "older"])
    _, said, summary = run(path, tmp_path / "out.csv")
    assert said == [f"{path}: 3 sheets; only the first, 'Sheet', is read."]
    assert summary.rows == 1


def test_blank_rows_of_a_sheet_are_rows_only_in_between(tmp_path):
    path = workbook(tmp_path / "in.xlsx", [], ["id", "text"], [1, "a"], [], [None, " "], [2, "b"], [None, ""], [""])
    stub, _, _ = run(path, tmp_path / "out.csv")
    assert stub.texts == ["a", "", " ", "b"]


def rewritten(path, change):
    """Change the sheet's XML as another program would have written it."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = change(parts["xl/worksheets/sheet1.xml"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def test_a_formula_gives_its_result_and_without_one_its_text(tmp_path):
    path = workbook(tmp_path / "in.xlsx", ["text", "n"], ["=A9", 1], ["=1+1 said nobody", 2], ['=""', 3], ["d", 4])

    def calculate(xml):
        first = xml.replace(b'<c r="A2"><f>A9</f><v />', b'<c r="A2" t="str"><f>A9</f><v>a result</v>')
        return first.replace(b'<c r="A4"><f>""</f><v />', b'<c r="A4" t="str"><f>""</f><v></v>')

    rewritten(path, calculate)
    stub, _, _ = run(path, tmp_path / "out.csv")
    assert stub.texts == ["a result", "=1+1 said nobody", "", "d"]


def test_a_sheet_that_states_too_small_an_area_is_read_whole(tmp_path):
    path = workbook(tmp_path / "in.xlsx", ["id", "text"], [1, "a"], [2, "b"])
    rewritten(path, lambda xml: xml.replace(b'<dimension ref="A1:B3"', b'<dimension ref="A1:A1"'))
    stub, _, _ = run(path, tmp_path / "out.csv")
    assert stub.texts == ["a", "b"]


def test_a_sheets_escape_for_a_carriage_return_is_read(tmp_path):
    stub, _, _ = run(workbook(tmp_path / "in.xlsx", ["text"], ["one_x000D_\ntwo"]), tmp_path / "out.csv")
    assert stub.texts == ["one\r\ntwo"]
