"""Text files as they come: encodings, delimiters, odd cells; and which column is taken for the texts."""

from __future__ import annotations

import csv
import io
import random
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console
from table_files import Stub, read_rows, write_rows

from model.errors import InputError
from serving.score import score
from serving.tables.added import ADDED
from serving.tables.files import KINDS
from serving.tables.progress import shown_progress

ARABIC = "الخدمة سيئة جدا والتوصيل متأخر ولم يرد أحد على الهاتف"
FRENCH = "La livraison était très lente et le service à la clientèle déplorable"
GERMAN = "Die Lieferung war sehr spät und der Kundendienst unfreundlich und schade für das Geld"
RUSSIAN = "Очень плохая доставка и сервис"
CHINESE = "服务很好，物流很快，质量太差了，不满意"
PERSIAN = "کيفيت محصول بسيار بد بود و پشتيباني جواب نداد"
# As the code page spells it, with the tones after their letters:
VIETNAMESE = "Giao ha\u0300ng qua\u0301 châ\u0323m nhân viên phu\u0323c vu\u0323 không tô\u0301t"
GUESSED = "in.csv: read as {} (a guess; if the result looks wrong, give --encoding)."


def scored(tmp_path, data, name="in.csv", output="out.csv", **options):
    """The output's rows and what was said, of an input with these bytes."""
    said = []
    (tmp_path / name).write_bytes(data)
    names = [str(tmp_path / name)]
    score(names, str(tmp_path / output), classifier=Stub(), progress=False, say=said.append, **options)
    return read_rows(tmp_path / output), [line.replace(f"{tmp_path}/", "") for line in said]


@pytest.mark.parametrize(
    ("codec", "text", "said"),
    [
        ("utf-8", ARABIC, []),
        ("utf-8-sig", ARABIC, []),
        ("utf-16", ARABIC, ["in.csv: read as utf-16 (its byte order mark says so)."]),
        ("utf-32", ARABIC, ["in.csv: read as utf-32 (its byte order mark says so)."]),
        ("utf-16-le", "plain words here", ["in.csv: read as utf-16-le (every other byte is zero)."]),
        ("utf-16-be", "plain words here", ["in.csv: read as utf-16-be (every other byte is zero)."]),
        ("cp1256", ARABIC, [GUESSED.format("cp1256")]),
        ("cp1256", PERSIAN, [GUESSED.format("cp1256")]),
        ("cp1258", VIETNAMESE, [GUESSED.format("cp1258")]),
        ("cp1252", FRENCH, [GUESSED.format("cp1252")]),
        ("cp1252", GERMAN, [GUESSED.format("cp1252")]),
        ("cp1251", RUSSIAN, [GUESSED.format("cp1251")]),
        ("gb18030", CHINESE, [GUESSED.format("gb18030")]),
    ],
)
def test_the_encoding_is_found_out_and_said_aloud(tmp_path, codec, text, said):
    data = f"id,text\r\n1,{text}\r\n2,{text}\r\n".encode(codec)
    rows, heard = scored(tmp_path, data)
    assert [(row["id"], row["text"]) for row in rows] == [("1", text), ("2", text)]
    assert heard == said


@pytest.mark.parametrize(
    ("codec", "text"),
    [("windows-1256", ARABIC), ("windows-1258", VIETNAMESE), ("utf-8", ARABIC), ("utf-16", VIETNAMESE)],
)
@pytest.mark.parametrize("name", ["in.csv", "in.jsonl"])
def test_a_given_encoding_is_used_without_a_word(tmp_path, codec, text, name):
    rows = f"text\n{text}\n" if name == "in.csv" else f'{{"text": "{text}"}}\n'
    out, said = scored(tmp_path, rows.encode(codec), name, "out.jsonl", encoding=codec)
    assert [row["text"] for row in out] == [text]
    assert said == []


@pytest.mark.parametrize(
    ("name", "data", "delimiter", "said"),
    [
        (
            "in.csv",
            "id;text\n1;one, two\n",
            None,
            ["in.csv: read as separated by semicolons, as its header shows."],
        ),
        (
            "in.csv",
            "id\ttext\n1\tone, two\n",
            None,
            ["in.csv: read as separated by tabs, as its header shows."],
        ),
        ("in.csv", '"a;b",id,text\nx,1,"one, two"\n', None, []),
        ("in.csv", "id|text\n1|one, two\n", "|", []),
        ("in.csv", "id\ttext\n1\tone, two\n", "\\t", []),
        ("in.tsv", "id\ttext\n1\tone, two\n", None, []),
        ("in.tsv", "id;text\n1;one, two\n", ";", []),
    ],
)
def test_the_delimiter_is_the_formats_or_the_headers_or_the_given_one(tmp_path, name, data, delimiter, said):
    rows, heard = scored(tmp_path, data.encode(), name, delimiter=delimiter)
    assert [(row["id"], row["text"]) for row in rows] == [("1", "one, two")]
    assert heard == said


@pytest.mark.parametrize("name", ["in.csv", "in.tsv"])
@pytest.mark.parametrize("output", ["out.csv", "out.tsv", "out.jsonl", "out.parquet"])
def test_cells_keep_every_character(tmp_path, name, output):
    characters = random.Random(5)
    cells = [
        "".join(characters.choices(' ,;\t"\r\n=aé😡\0\ufeff\u2028\x85', k=characters.randrange(9))) for _ in range(300)
    ]
    raw = io.StringIO()
    writer = csv.writer(raw, delimiter="," if name == "in.csv" else "\t", quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "text"])
    writer.writerows([cell, f"words {cell} words"] for cell in cells)
    rows, _ = scored(tmp_path, raw.getvalue().encode(), name, output)
    assert [(row["id"], row["text"]) for row in rows] == [(cell, f"words {cell} words") for cell in cells]


def test_spreadsheet_formulas_stay_as_they_are_in_csv(tmp_path):
    rows, _ = scored(tmp_path, b'text\n"=HYPERLINK(""x"")"\n@me\n')
    assert [row["text"] for row in rows] == ['=HYPERLINK("x")', "@me"]


def test_a_huge_cell_is_read_whole(tmp_path):
    text = "x" * 1_000_000
    rows, _ = scored(tmp_path, f"text\n{text}\n".encode(), output="out.jsonl")
    assert rows[0]["text"] == text


@pytest.mark.parametrize(
    ("data", "texts"),
    [
        ("\n\nid,text\n1,a\n\n2,b\n\n\n", ["a", "b"]),
        ("text\na\n\nb\n\n\n", ["a", "", "b"]),
        ("id,text\r\n1,a\r\n", ["a"]),
        ("id,text\r1,a\r2,b", ["a", "b"]),
    ],
)
def test_blank_lines_are_rows_only_within_a_single_column(tmp_path, data, texts):
    rows, _ = scored(tmp_path, data.encode())
    assert [row["text"] for row in rows] == texts


def test_the_ending_of_a_name_may_be_in_capitals(tmp_path):
    rows, _ = scored(tmp_path, b"text\na\n", "IN.CSV")
    assert len(rows) == 1


def test_the_guide_names_every_format_and_every_added_column():
    guide = (Path(__file__).parents[2] / "docs" / "batch-scoring.md").read_text(encoding="utf-8")
    for name in (*ADDED, *KINDS, ".csv.gz", ".tsv.gz", ".jsonl.gz"):
        assert f"`{name}`" in guide


SENTENCES = ["the parcel came late", "I like it a lot", "so good"]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "xlsx"])
@pytest.mark.parametrize(
    ("columns", "chosen"),
    [
        (
            {"day": ["2024-05-01", "2024-05-02", ""], "comment": SENTENCES, "stars": ["5", "1", "2"]},
            "comment",
        ),
        ({"shop": ["north", "south", "east"], "comment": SENTENCES}, "comment"),
        (
            {"評価": ["5", "4", "1"], "コメント": ["とても良かったです", "対応が悪い店でした", "普通"]},
            "コメント",
        ),
        ({"stars": ["5", "1", "2"], "comment": ["good", "bad", "awful!"]}, "comment"),
    ],
)
def test_the_only_column_that_reads_like_text_is_taken_and_said_aloud(tmp_path, kind, columns, chosen):
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    said, stub = [], Stub()
    name = write_rows(tmp_path / f"in.{kind}", rows)
    score([name], str(tmp_path / "out.csv"), classifier=stub, watchers=[stub], progress=False, say=said.append)
    assert stub.texts == columns[chosen]
    assert said == [f"{name}: the texts are read from column '{chosen}', the only one that reads like text."]


def test_the_column_asked_for_comes_first_and_then_the_one_named_text(tmp_path):
    rows = [{"key": "k1", "id": "i1", "text": "from text", "comment": "from comment"}]
    name = write_rows(tmp_path / "in.csv", rows)
    for options, text, key in [
        ({}, "from text", "i1"),
        ({"text_column": "comment", "id_column": "key"}, "from comment", "k1"),
    ]:
        stub = Stub()
        score([name], str(tmp_path / "out.csv"), classifier=stub, watchers=[stub], progress=False, **options)
        assert (stub.texts, stub.ids) == ([text], [key])


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "xlsx"])
def test_several_columns_that_read_like_text_are_listed_and_none_is_taken(tmp_path, kind):
    name = write_rows(tmp_path / f"in.{kind}", [{"title": "so very good", "body": "I like it", "n": "1"}])
    with pytest.raises(InputError, match=r"several columns could hold the texts: 'title', 'body'\. Name one with"):
        score([name], str(tmp_path / "out.csv"), classifier=Stub(), progress=False)


def test_progress_shows_rows_and_rate_on_a_terminal():
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    with shown_progress("scoring", wanted=True, console=console) as show:
        show(1_000, 0.25)
        time.sleep(0.15)
        show(2_000, 0.5)
        time.sleep(0.15)
    assert "2,000 rows" in screen.getvalue()
    assert "rows/s" in screen.getvalue()


@pytest.mark.parametrize(("wanted", "terminal"), [(True, False), (False, True)])
def test_no_progress_where_it_is_not_wanted_or_stderr_is_no_terminal(monkeypatch, wanted, terminal):
    stderr = io.StringIO()
    stderr.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", stderr)
    with shown_progress("scoring", wanted=wanted) as show:
        show(1_000, 0.25)
    assert stderr.getvalue() == ""
