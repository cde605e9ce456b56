"""A report on results whose weights have topics of their own: they are found while the rows go by."""

from __future__ import annotations

import json
import random
import re
import tracemalloc

import pytest
from scored_files import FIRST_DAY, as_json, scored_row, written, year_of_feedback

from model.labels import MAX_OWN_TOPICS, MOODS, TOPICS
from serving.cli import main
from serving.report import slots
from serving.report.columns import Asked
from serving.report.content import MOST_TOPICS
from serving.report.counts import Values
from serving.report.report import read_report
from serving.tables import table
from tests.conftest import OWN_TOPICS

PARCEL, INVOICE = OWN_TOPICS
HOSTILE = "<b>`a` | (b)</b>"


def made(tmp_path, rows, form, *options, name="in.csv"):
    output = tmp_path / f"report.{form}"
    assert main(["report", written(tmp_path / name, rows), "-o", str(output), *options]) == 0
    return output.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["in.csv", "in.jsonl", "in.parquet", "in.xlsx"])
def test_own_topics_are_counted_like_any_other(tmp_path, name):
    angry = [["delivery", PARCEL]] * 3 + [[PARCEL]] * 2
    calm = [[INVOICE, "price"]] * 2 + [[INVOICE], []]
    words = ("where", "why", "how", "when", "who")
    rows = [scored_row("angry", topics, text=word) for word, topics in zip(words, angry, strict=True)]
    rows += [scored_row("satisfied", topics, text=f"{word}, {word}") for word, topics in zip(words, calm, strict=False)]
    found = as_json(tmp_path, rows, name=name)
    topics = {part["topic"]: part for part in found["topics"]}
    # The most frequent first; of as many, those of all weights.
    assert [(topic, part["texts"]["count"]) for topic, part in topics.items()] == [
        (PARCEL, 5), ("delivery", 3), (INVOICE, 3), ("price", 2), (None, 1),
    ]  # fmt: skip
    assert topics[PARCEL]["of_angry"]["count"] == 5
    assert topics[INVOICE]["moods"]["satisfied"]["count"] == 3
    assert {PARCEL, INVOICE} < {*found["examples"]}
    assert any("2 topics are none of the 8 that all weights have" in note for note in found["notes"])


def test_results_without_own_topics_say_nothing_of_them(tmp_path):
    found = as_json(tmp_path, year_of_feedback(200))
    assert not [note for note in found["notes"] if "all weights" in note]


def weeks_of_trouble():
    """In the last of twelve weeks parcels are lost; before that nobody speaks of it, so it is met late."""
    rows = year_of_feedback(1200)
    for row in rows:
        row["shop"] = f"shop {random.Random(row['text']).randrange(90)}"
        row["topics"] = [topic for topic in row["topics"] if topic != "delivery"]
        if row["date"] >= "2025-05-19":
            row["topics"] = [*row["topics"], PARCEL]
    return rows


def test_one_that_is_met_late_is_compared_over_time_and_between_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "CHUNK_ROWS", 50)
    rows = weeks_of_trouble()
    assert rows[0]["date"] == FIRST_DAY.isoformat()
    found = as_json(tmp_path, rows, "--group-by", "shop")
    (lost,) = (
        measure
        for finding in found["findings"]
        for measure in finding["measures"]
        if finding["by"] == "time" and measure["unhappy_about"] == PARCEL
    )
    late = [row for row in rows if PARCEL in row["topics"]]
    unhappy = [row for row in late if row["mood"] in ("dissatisfied", "angry")]
    assert (lost["here"]["count"], lost["here"]["of"]) == (len(unhappy), len(late))
    assert lost["elsewhere"]["count"] == 0
    part = next(part for part in found["topics"] if part["topic"] == PARCEL)
    assert part["texts"]["count"] == len(late)
    (by,) = (each for each in found["breakdowns"] if each["column"] == "shop")
    assert by["others"]["texts"] + sum(each["texts"] for each in by["parts"]) == len(rows)


def test_the_order_of_the_rows_does_not_matter(tmp_path):
    rows = weeks_of_trouble()
    for number, row in enumerate(rows):
        row["topics"] = [*row["topics"], f"own {number % 3}"]
        row["text"] = row["text"].translate(dict(zip(map(ord, "0123456789"), "abcdefghij", strict=True)))
    assert as_json(tmp_path, rows) == as_json(tmp_path, rows[::-1])


def test_memory_stays_as_it_was_and_what_is_too_much_for_it_is_among_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(Values.__init__, "__defaults__", (100,))
    monkeypatch.setattr(table, "CHUNK_ROWS", 40)
    rows = [scored_row(shop=f"shop {number}") for number in range(80)] + [scored_row("angry", [PARCEL], shop="shop 0")]
    rows += [scored_row(shop="")]
    report = read_report([written(tmp_path / "in.csv", rows)], Asked(groups=("shop",)))
    (by,) = report.breakdowns
    counted = 100 * len(MOODS) * slots.SLOTS // (len(MOODS) * (slots.SLOTS + 8))
    assert counted < 80
    assert by.more_than
    assert by.others is not None
    assert by.others.texts + sum(part.texts for part in by.parts) == len(rows)
    assert by.parts[0].moods["angry"].count == 1


@pytest.mark.parametrize("form", ["html", "md", "json"])
def test_names_stand_as_they_are_in_every_form(tmp_path, form):
    rows = [scored_row("angry", [name], text=f"{name} again") for name in (PARCEL, INVOICE, HOSTILE)] * 10
    shown = made(tmp_path, rows, form)
    if form == "html":
        assert f"<bdi>{INVOICE}</bdi>" in shown
        assert "&lt;b&gt;`a` | (b)&lt;/b&gt;" in shown
        assert "<b>" not in shown
    elif form == "md":
        assert f"### `{INVOICE}`" in shown
        assert "| ``<b>`a` \\| (b)</b>`` |" in shown
    else:
        headline = json.loads(shown)["headline"][1].replace("\u00a0", " ")
        assert "(33 % of angry texts)" in headline
        assert HOSTILE in headline


def test_as_many_as_weights_may_have_are_taken_and_the_page_stays_short(tmp_path):
    own = [f"topic {number:03} " + "w" * 40 for number in range(MAX_OWN_TOPICS)]
    letters = dict(zip(map(ord, "0123456789"), "abcdefghij", strict=True))
    rows = [
        scored_row("angry", [topic, "price"], text=f"{word} {topic[6:9]}".translate(letters))
        for topic in own
        for word in ("where", "why", "how", "when", "who", "what")
    ]
    page = made(tmp_path, rows, "html")
    assert f"the table has all {MAX_OWN_TOPICS + 1}." in page
    assert all(page.count(f"topic {number:03}") for number in range(MAX_OWN_TOPICS))
    examples = page.split("In customers")[1].split("How sure")[0]
    assert examples.count("<h3>") == MOST_TOPICS
    assert f"Those of {MAX_OWN_TOPICS + 1 - MOST_TOPICS} other topics are in the JSON report." in examples
    assert len(page) < 400_000
    assert len(as_json(tmp_path, rows)["examples"]) == MAX_OWN_TOPICS + 1
    assert made(tmp_path, rows, "md").count("### ") == MOST_TOPICS


@pytest.mark.parametrize(
    ("topics", "said"),
    [
        (["my card is 4111 " * 5], "a topic is longer than 60 characters"),
        (["my card\x07 is 4111"], "a topic holds a control character or an invisible one"),
        (["\u202emy card is 4111"], "a topic holds a control character or an invisible one"),
    ],
)
def test_a_cell_that_no_weights_could_have_written_is_named_and_not_repeated(tmp_path, capsys, topics, said):
    source = written(tmp_path / "in.jsonl", [scored_row("angry", [PARCEL]), scored_row("angry", topics)])
    assert main(["report", source, "-o", str(tmp_path / "r.md")]) == 2
    found = capsys.readouterr().err.splitlines()[-1]
    assert f"in.jsonl, line 2: {said}. Was the file changed" in found
    assert "4111" not in found


@pytest.mark.parametrize("value", [7, {"delivery": 0.9}, ["delivery", 3], [["delivery"]]])
def test_a_cell_that_holds_no_topics_at_all_is_named(tmp_path, capsys, value):
    source = written(tmp_path / "in.jsonl", [scored_row(), scored_row() | {"topics": value}])
    assert main(["report", source, "-o", str(tmp_path / "r.md")]) == 2
    assert "in.jsonl, line 2: column 'topics' holds no topics" in capsys.readouterr().err


def test_more_than_any_weights_have_is_no_column_of_topics(tmp_path, capsys):
    rows = [scored_row(topics=[f"my card is {number}"]) for number in range(MAX_OWN_TOPICS + 1)]
    assert main(["report", written(tmp_path / "in.csv", rows), "-o", str(tmp_path / "r.md")]) == 2
    found = capsys.readouterr().err.splitlines()[-1]
    assert f"in.csv, line {MAX_OWN_TOPICS + 2}: with this row there are more than {MAX_OWN_TOPICS} topics" in found
    assert re.search(rf"beside {TOPICS[0]}, .*{TOPICS[-1]}, and no weights have as many", found)
    assert "my card" not in found


def test_long_cells_are_read_like_others_but_not_kept_in_memory():
    found = slots.Slots()
    tracemalloc.start()
    try:
        for number in range(100):
            assert found.of(f"price;{' ' * (100_000 + number)}{PARCEL}") == found.of(f"price;{PARCEL}")
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000
