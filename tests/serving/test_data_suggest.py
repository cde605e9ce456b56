"""`rida data suggest`: from a file of comments to one that is ready to fill, and back into training's reader."""

from __future__ import annotations

import json

import pytest
from table_files import read_rows, write_rows

from serving.cli import main
from serving.teaching.labelled import Asked, read_labelled
from serving.teaching.suggest_command import COLUMNS

CERTAIN = [
    "Absolutely love it, thank you so much, perfect service!",
    "Wonderful staff, great food, we will come again!",
    "You thieves, this is a scam, give me my money back, I am furious!!!",
    "Rất hài lòng, nhân viên dễ thương, cảm ơn shop nhiều!",
    "ممتاز جدا شكرا لكم خدمة رائعة",
    "عالی بود، خیلی راضی هستم، ممنون از شما",
]
TORN = [
    "Well. It arrived. I guess that is something, after three weeks.",
    "Not what I expected but the waiter tried his best",
    "Hàng thì được mà giao thì thôi rồi",
    "والله مدري ايش اقول عن هالتطبيق",
]


@pytest.fixture
def suggest(tmp_path, capsys, tiny_weights):
    """Runs the command; gives its exit code, the rows written and what was said."""

    def run(rows, *options, name="comments.csv", output="to-label.csv", weights=tiny_weights):
        source = write_rows(tmp_path / name, rows) if isinstance(rows, list) else str(rows)
        target = tmp_path / output
        chosen = [] if weights is None else ["--weights", str(weights)]
        code = main(["data", "suggest", source, "--output", str(target), *chosen, *options])
        said = capsys.readouterr().err
        assert not list(tmp_path.glob(".rida-*"))
        return code, read_rows(target) if target.exists() else None, said

    return run


def comments(count=60):
    places = ("parcel", "refund", "app", "room", "agent", "price", "invoice", "warranty")
    patterns = (
        "great {} thanks",
        "what are the hours of {}",
        "the {} was late and broken",
        "you thieves the {} is a scam",
    )
    return [
        {"id": f"c{at}", "text": patterns[at % 4].format(f"{places[at % 7]} {at * 7919}"), "channel": "mail"}
        for at in range(count)
    ]


@pytest.mark.parametrize("output", ["out.csv", "out.tsv", "out.jsonl", "out.jsonl.gz", "out.parquet", "out.xlsx"])
def test_every_written_format_is_ready_to_fill_and_read_back_by_training(suggest, tmp_path, output):
    code, rows, said = suggest(comments(), "-n", "12", output=output)
    assert code == 0
    assert len(rows) == 12
    assert tuple(rows[0]) == COLUMNS
    assert all(row["mood"] in (None, "") and row["topics"] in (None, "") for row in rows)
    assert all(row["suggested_mood"] and row["why"] and row["language"] for row in rows)
    assert "12 texts to label" in said
    spoken: list[str] = []
    assert read_labelled([str(tmp_path / output)], Asked(), spoken.append).rows == []
    assert any("12 rows are left out: they have no label" in line for line in spoken)


def test_filled_in_the_file_gives_rows_to_train_on(suggest, tmp_path):
    _, rows, _ = suggest(comments(), "-n", "5")
    rows[0] |= {"mood": "angry", "topics": "delivery;billing"}
    filled = write_rows(tmp_path / "filled.csv", rows)
    read = read_labelled([filled], Asked(), lambda line: None)
    assert [(row.text, row.mood, row.topics) for row in read.rows] == [
        (rows[0]["text"], "angry", ("delivery", "billing"))
    ]


def test_torn_texts_are_chosen_before_certain_ones_with_the_shipped_weights(suggest):
    rows = [{"text": text} for text in [*CERTAIN, *TORN]]
    _, chosen, _ = suggest(rows, "-n", "4", weights=None)
    assert len({row["text"] for row in chosen} & set(TORN)) >= 3
    assert {row["language"] for row in chosen} >= {"en", "vi", "ar"}
    assert all("%" in row["why"] for row in chosen)


def test_labelled_texts_are_left_out_even_where_they_differ_in_diacritics(suggest, tmp_path):
    labelled = write_rows(tmp_path / "done.csv", [
        {"text": "Hàng thì được mà giao thì thôi rồi", "mood": "dissatisfied"},
        {"text": "the parcel never came", "mood": ""},
    ])  # fmt: skip
    rows = [
        {"text": text} for text in ("hang thi duoc ma giao thi thoi roi", "The parcel never came!", "hàng thì được")
    ]
    _, chosen, said = suggest(rows, "-n", "3", "--labelled", labelled)
    assert {row["text"] for row in chosen} == {"The parcel never came!", "hàng thì được"}
    assert "3 were asked for" in said


def test_repeats_come_once_and_what_is_left_out_is_told_with_its_place(suggest):
    rows = [{"text": text} for text in ("good", "Good!", "", "   ", "bad", "\u200f", "good")]
    _, chosen, said = suggest(rows, "-n", "9")
    assert sorted(row["text"] for row in chosen) == ["bad", "good"]
    assert "2 rows are left out: they repeat a text before them (first: " in said
    assert "comments.csv, line 3)." in said
    assert "9 were asked for; there are no more that differ" in said


def test_a_file_of_equal_texts_gives_one(suggest):
    code, chosen, _ = suggest([{"text": "where is my parcel"}] * 500, "-n", "20")
    assert (code, len(chosen)) == (0, 1)


def test_two_runs_write_the_same_bytes(suggest, tmp_path):
    suggest(comments(120), "-n", "15", output="one.csv")
    suggest(comments(120), "-n", "15", output="two.csv")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_ids_languages_and_rows_without_them(suggest):
    rows = [{"text": f"a parcel came {word}", "lang": "xx" if word == "late" else ""} for word in ("late", "early")]
    _, chosen, _ = suggest(rows, "-n", "2")
    assert {(row["id"], row["language"]) for row in chosen} >= {("1", "xx")}
    assert {row["id"] for row in chosen} == {"1", "2"}


def test_several_files_and_patterns_are_read_as_one(suggest, tmp_path):
    own = ("the parcel was late", "a rude waiter", "where is the refund")
    for number, text in enumerate(own):
        write_rows(tmp_path / f"part{number}.jsonl", [{"text": "everybody says this"}, {"text": text}])
    code, chosen, _ = suggest(tmp_path / "part*.jsonl", "-n", "10")
    assert code == 0
    assert {row["text"] for row in chosen} == {"everybody says this", *own}


def test_own_words_of_formulas_and_marks_stay_texts(suggest):
    hostile = ['=HYPERLINK("http://x")', "\u202eevil", "\x00null", "😡" * 50, "a;b|c\td\n e"]
    rows = [{"text": text} for text in hostile]
    code, chosen, _ = suggest(rows, "-n", "9", name="in.jsonl", output="out.xlsx")
    assert code == 0
    assert len(chosen) == len(hostile)


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        ([{"text": ""}], (), "there is no text that could be labelled next"),
        ([{"text": "fine"}], ("-n", "0"), "must be a whole number from 1 to 10000"),
        ([{"text": "fine"}], ("-n", "many"), "must be a whole number"),
        ([{"text": "fine"}], ("--text-column", "body"), "no column is named 'body'"),
        ([{"text": "fine"}], ("--language-column", "tongue"), "no column is named 'tongue' (--language-column)"),
        ([{"a": "1", "b": "2"}], (), "none reads like text"),
        ([{"text": "fine"}], ("--labelled", "missing.csv"), "missing.csv does not exist"),
        ([{"text": "fine"}], ("--weights", "nowhere"), "nowhere"),
    ],
)  # fmt: skip
def test_wrong_use_ends_in_2_with_one_line_and_writes_nothing(suggest, rows, options, said):
    code, written, told = suggest(rows, *options)
    assert (code, written) == (2, None)
    assert told.splitlines()[-1].startswith("rida: ")
    assert said in told


@pytest.mark.parametrize("output", ["comments.csv", "out.txt", "no/such/out.csv", "out.csv.bz2"])
def test_an_output_that_cannot_be_written_is_refused_before_anything_is_read(suggest, tmp_path, output):
    rows = comments(2)
    before = write_rows(tmp_path / "comments.csv", rows)
    code, _, said = suggest(before, output=output)
    assert code == 2
    assert said.count("\n") == 1
    assert len(read_rows(before)) == 2


def test_labels_of_the_labelled_file_that_are_misspelt_are_named(suggest, tmp_path):
    labelled = write_rows(tmp_path / "done.csv", [{"text": "thieves", "mood": "angri"}])
    code, _, said = suggest(comments(3), "--labelled", labelled)
    assert code == 2
    assert "'angry' meant" in said


def test_nothing_but_repeats_of_labelled_texts_is_told(suggest, tmp_path):
    labelled = write_rows(tmp_path / "done.csv", [{"text": "Giao hàng quá chậm, dịch vụ tệ", "mood": "angry"}])
    code, written, said = suggest([{"text": "giao hang qua cham, dich vu te"}], "--labelled", labelled)
    assert (code, written) == (2, None)
    assert "nearly repeats one that is labelled already" in said


def test_lists_stay_lists_in_jsonl(suggest, tmp_path):
    suggest([{"text": "the parcel was late"}], output="out.jsonl")
    (line,) = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    row = json.loads(line)
    assert isinstance(row["suggested_topics"], list)
    assert row["mood"] is None
