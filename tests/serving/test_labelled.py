"""Files of labelled texts in every format, and what is wrong with those that cannot be read so."""

from __future__ import annotations

import argparse
import csv
import gzip
import json
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.rows import FeedbackRow
from model.errors import InputError
from serving.teaching.label_flags import add_column_flags
from serving.teaching.label_map import STARS, UNHAPPY, LabelMap, read_label_map
from serving.teaching.labelled import Asked, LabelledRows, asked_columns, read_labelled

ROWS = [
    {"id": "a", "text": "Great service, thanks!", "mood": "satisfied", "topics": "customer_service"},
    {"id": "b", "text": "وین الطلب؟", "mood": "angry", "topics": "delivery;lost parcel"},
    {"id": "c", "text": "It is a shop.", "mood": "neutral", "topics": ""},
]


def write(path: Path, rows: list[dict]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    kind = path.suffixes[0]
    if kind in (".csv", ".tsv"):
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "wt", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, delimiter="\t" if kind == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    elif kind == ".jsonl":
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    elif kind == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        book = openpyxl.Workbook()
        book.active.append(columns)
        for row in rows:
            book.active.append([row.get(name) for name in columns])
        book.save(path)
    return str(path)


def read(*files: str, **asked: object) -> LabelledRows:
    return read_labelled(files, Asked(**asked), lambda line: None)


def fault(*files: str, **asked: object) -> str:
    with pytest.raises(InputError) as raised:
        read(*files, **asked)
    return str(raised.value)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz", "a.jsonl", "a.parquet", "a.xlsx"])
def test_every_format_gives_the_same_rows(tmp_path, name):
    found = read(write(tmp_path / name, ROWS))

    covered = ("customer_service", "delivery", "lost parcel")
    assert found.rows[:2] == [
        FeedbackRow("a", "Great service, thanks!", "", name, "train", "satisfied", False, covered[:1], covered),
        FeedbackRow("b", "وین الطلب؟", "", name, "train", "dissatisfied", True, covered[1:], covered),
    ]
    assert [row.mood for row in found.rows] == ["satisfied", "angry", "neutral"]
    assert found.topics == covered
    assert found.splits == [None, None, None]
    unit = "row" if name.endswith((".parquet", ".xlsx")) else "line"
    assert all(place.startswith(f"{tmp_path / name}, {unit} ") for place in found.places)


def test_an_empty_cell_of_topics_says_none_and_a_null_says_nothing(tmp_path):
    typed = [
        {"text": "one text", "mood": "neutral", "topics": None},
        {"text": "another", "mood": "neutral", "topics": []},
        {"text": "a third", "mood": "neutral", "topics": ["price", None, " price "]},
    ]
    untyped = [{"text": "one text", "mood": "neutral", "topics": ""}]

    for name in ("a.jsonl", "a.parquet"):
        assert [row.topics for row in read(write(tmp_path / name, typed)).rows] == [None, (), ("price",)]
    for name in ("a.csv", "a.xlsx"):
        assert [row.topics for row in read(write(tmp_path / name, untyped)).rows] == [()]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_of_topics_that_nobody_looked_for_in_a_text_its_labels_say_nothing(tmp_path, name):
    covered = [["price", "lost parcel"], ["price"], ["price", "unheard of"], None]
    rows = [
        {"text": f"text {at}", "topics": topics, "topics_covered": ";".join(named or ()) if ".csv" in name else named}
        for at, (topics, named) in enumerate(zip(["lost parcel", "", "price;delivery", ""], covered, strict=True))
    ]

    found = read(write(tmp_path / name, rows))

    assert found.topics == ("delivery", "lost parcel", "price")
    assert [row.topics_covered for row in found.rows] == [
        ("lost parcel", "price"), ("price",), ("delivery", "price"), ("delivery", "lost parcel", "price"),
    ]  # fmt: skip


def test_topics_looked_for_go_by_the_names_that_labels_are_given(tmp_path):
    rows = [{"text": "a", "topics": ["bags"], "topics_covered": ["bags"]}, {"text": "b", "topics": ["price"]}]
    found = read(write(tmp_path / "a.jsonl", rows), labels=LabelMap({}, {"bags": "baggage"}))
    assert [row.topics_covered for row in found.rows] == [("baggage",), ("baggage", "price")]


def test_topics_alone_are_labels_and_no_topic_is_one_of_them(tmp_path):
    rows = [{"text": "lost my bag", "topics": "baggage"}, {"text": "all is well", "topics": ""}]

    found = read(write(tmp_path / "a.csv", rows))

    assert [(row.topics, row.sentiment, row.angry) for row in found.rows] == [
        (("baggage",), None, None),
        ((), None, None),
    ]
    assert all(row.topics_covered == ("baggage",) for row in found.rows)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.xlsx"])
@pytest.mark.parametrize("written", [str, int, float])
def test_stars_say_how_satisfied_and_not_whether_angry(tmp_path, name, written):
    rows = [{"text": f"text number {stars}", "stars": written(stars)} for stars in range(1, 6)]

    found = read(write(tmp_path / name, rows), stars="stars")

    assert [row.sentiment for row in found.rows] == [
        "dissatisfied",
        "dissatisfied",
        "neutral",
        "satisfied",
        "satisfied",
    ]
    assert [row.angry for row in found.rows] == [None, None, False, False, False]
    assert [row.mood for row in found.rows] == [None, None, "neutral", "satisfied", "satisfied"]


def test_a_file_says_what_its_stars_mean(tmp_path):
    labels = LabelMap(mood={"1": "angry", "n/a": "neutral"})
    rows = [{"text": "text one", "stars": "1"}, {"text": "text two", "stars": "2"}, {"text": "text", "stars": "n/a"}]

    found = read(write(tmp_path / "a.csv", rows), stars="stars", labels=labels)

    assert [(row.sentiment, row.angry) for row in found.rows] == [
        ("dissatisfied", True), ("dissatisfied", None), ("neutral", False),
    ]  # fmt: skip


def test_other_stars_than_five_are_refused_as_stars(tmp_path):
    rows = [{"text": "text one", "stars": "4.5"}, {"text": "text two", "stars": "angry"}]

    message = fault(write(tmp_path / "a.csv", rows), stars="stars")

    assert "a.csv, line 2: '4.5' is no number of stars (1 row)" in message
    assert "'angry' is no number of stars" in message
    assert "stars are 1, 2, 3, 4 or 5" in message


def test_labels_of_the_file_are_mapped(tmp_path):
    (tmp_path / "labels.toml").write_text(
        '\ufeff[mood]\n"very happy" = "satisfied"\ncomplaint = "unhappy"\n'
        '[topics]\nshipping = "delivery"\nother = ""\n',
        encoding="utf-8",
    )
    rows = [
        {"text": "text one", "feeling": " very happy ", "about": "shipping; other"},
        {"text": "text two", "feeling": "complaint", "about": "shipping;delivery;seats"},
        {"text": "text three", "feeling": "Angry", "about": "other"},
    ]

    found = read(
        write(tmp_path / "a.csv", rows), mood="feeling", topics="about", labels=read_label_map(tmp_path / "labels.toml")
    )

    assert [(row.sentiment, row.angry) for row in found.rows] == [
        ("satisfied", False), ("dissatisfied", None), ("dissatisfied", True),
    ]  # fmt: skip
    assert [row.topics for row in found.rows] == [("delivery",), ("delivery", "seats"), ()]


def test_labels_that_mean_nothing_are_named_with_place_number_and_what_may_be_meant(tmp_path):
    rows = [{"text": f"text {at}", "mood": mood} for at, mood in enumerate(["satisfied", "angyr", "angyr", "xyz"])]

    message = fault(write(tmp_path / "a.csv", rows))

    assert "a.csv, line 3: 'angyr' is no mood (2 rows); is 'angry' meant?" in message
    assert "a.csv, line 5: 'xyz' is no mood (1 row)" in message
    assert message.endswith(
        "use satisfied, neutral, dissatisfied, angry, or say what the labels mean with --labels TOML"
    )


def test_a_column_of_texts_taken_for_moods_shows_no_whole_text(tmp_path):
    rows = [{"text": f"my secret number is {at} " * 10, "title": "fine words"} for at in range(9)]

    message = fault(write(tmp_path / "a.csv", rows), mood="text")

    assert "and 4 more labels" in message
    assert "my secret number is 0 my secret number" in message
    assert rows[0]["text"][:60] not in message


@pytest.mark.parametrize(
    ("rows", "asked", "said"),
    [
        ([{"text": "some text", "stars": "5"}], {}, "Are 'stars' stars? Then --stars-column stars."),
        ([{"text": "some text", "label": "x"}], {}, "no column of labels is named 'mood' or 'topics'"),
        ([{"text": "some text", "mood": "angry"}], {"mood": "mod"}, "no column is named 'mod' (--mood-column)"),
        ([{"text": "some text", "mood": "angry"}], {"topics": "t"}, "no column is named 't' (--topics-column)"),
        ([{"text": "some text", "mood": "angry"}], {"text": "t"}, "no column is named 't' (--text-column)"),
        ([{"text": "some text", "mood": "angry"}], {"split": "fold"}, "no column is named 'fold' (--split-column)"),
        ([{"text": "a text", "mood": "angry"}], {"mood": "mood", "stars": "mood"}, "not both"),
        ([{"text": "a text", "mood": "angry", "split": "dev"}], {}, "line 2: the split is 'dev'; use one of train"),
    ],
)
def test_a_column_that_is_not_there_or_not_as_it_should_be_is_named(tmp_path, rows, asked, said):
    assert said in fault(write(tmp_path / "a.csv", rows), **asked)


def test_rows_without_text_or_label_and_broken_lines_are_left_out_aloud(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"text": "good text", "mood": "neutral"}\n{"text": " ", "mood": "angry"}\n{"text": 5, "mood": "angry"}\n'
        '{"text": "no label"}\n{not json\n[1]\n',
        encoding="utf-8",
    )
    said: list[str] = []

    found = read_labelled([str(path)], Asked(), said.append)

    assert [row.text for row in found.rows] == ["good text"]
    assert said[0] == f"2 rows are left out: they have no text (first: {path}, line 2)."
    assert said[1] == f"1 row is left out: they have no label (first: {path}, line 4)."
    assert said[2].startswith(f"2 rows are left out: they are broken (first: {path}, line 5: not JSON")
    assert len(said) == 3


def test_language_split_and_id_come_from_their_columns(tmp_path):
    rows = [
        {"id": "", "text": "text one", "mood": "neutral", "lang": " vi ", "split": "test"},
        {"id": "7", "text": "text two", "mood": "neutral", "lang": "", "split": ""},
    ]

    found = read(write(tmp_path / "a.csv", rows))

    assert [(row.id, row.lang, row.split) for row in found.rows] == [("0", "vi", "test"), ("7", "", "train")]
    assert found.splits == ["test", None]


def test_files_of_different_formats_and_columns_are_read_together(tmp_path):
    one = write(tmp_path / "one.csv", [{"text": "text one", "mood": "neutral"}])
    two = write(tmp_path / "two.jsonl", [{"text": "text two", "mood": "angry", "topics": ["price"]}])

    found = read(one, two)

    assert [(row.source, row.topics) for row in found.rows] == [("one.csv", None), ("two.jsonl", ("price",))]
    assert found.topics == ("price",)


def test_a_file_of_a_header_alone_has_no_rows(tmp_path):
    (tmp_path / "a.csv").write_text("text,mood\n")
    assert read(str(tmp_path / "a.csv")) == LabelledRows([], [], [], ())


def test_another_encoding_is_found_out_or_given(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(
        "text,mood\nخدمة سيئة جدا والموظف لا يرد على احد,angry\nشكرا لكم خدمة ممتازة,satisfied\n".encode("cp1256")
    )

    assert read(str(path)).rows == read(str(path), encoding="windows-1256").rows
    assert read(str(path)).rows[1].text == "شكرا لكم خدمة ممتازة"


def test_two_encodings_in_one_file_are_refused_with_the_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("text,mood\nخدمة سيئة,angry\n".encode() + "très bien,satisfied\n".encode("cp1252"))

    assert "line 3" in fault(str(path), encoding="utf-8")


@pytest.mark.parametrize("name", ["absent.csv", "a.txt"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    (tmp_path / "a.txt").write_text("text,mood\n")
    assert name in fault(str(tmp_path / name))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"mood = 5", "mood is int; write it as a section [mood]"),
        (b"[moods]\na = 'b'", "there is no section [moods]; use [mood] and [topics]"),
        (b"[mood]\nhappy = 'glad'", "[mood] 'happy' = 'glad' is no mood"),
        (b"[mood]\nhappy = 5", "write the label and its meaning in quotes"),
        (b"[mood]\n4.5 = 'neutral'", "write the label and its meaning in quotes"),
        (b"[mood]\n' ' = 'neutral'", "has an empty label"),
        (b"[mood", "is no TOML file"),
        (b"[mood]\nx = '\xff'", "is no TOML file"),
    ],
)
def test_a_map_of_labels_that_cannot_be_used_says_why(tmp_path, content, said):
    path = tmp_path / "labels.toml"
    path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        read_label_map(path)
    assert said in str(raised.value)
    assert str(path) in str(raised.value)


def test_a_map_of_labels_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.toml cannot be read: No such file"):
        read_label_map(tmp_path / "absent.toml")


def test_one_star_says_no_more_than_unhappy():
    assert STARS.mood["1"] == STARS.mood["2"] == UNHAPPY


def test_the_flags_say_which_columns(tmp_path):
    (tmp_path / "labels.toml").write_text('[mood]\nbad = "angry"\n')
    parser = argparse.ArgumentParser()
    add_column_flags(parser)

    given = (
        "--text-column t --stars-column s --topics-column p --id-column i --language-column l "
        rf"--encoding utf-8 --delimiter \t --labels {tmp_path / 'labels.toml'}"
    )
    asked = asked_columns(parser.parse_args(given.split()))

    assert asked == Asked(
        text="t", stars="s", topics="p", id="i", language="l", encoding="utf-8", delimiter=r"\t",
        labels=LabelMap(mood={"bad": "angry"}),
    )  # fmt: skip
    assert asked_columns(parser.parse_args([])) == Asked()


def test_where_topics_alone_are_asked_for_there_are_no_flags_of_moods():
    parser = argparse.ArgumentParser()
    add_column_flags(parser, mood=False)
    assert asked_columns(parser.parse_args([])) == Asked(moods=False)
    with pytest.raises(SystemExit):
        parser.parse_args(["--mood-column", "x"])
