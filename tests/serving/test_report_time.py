"""Days in a report: how they are read, the periods they make, and what has changed over them."""

from __future__ import annotations

import json

import pytest
from scored_files import as_json, scored_row, written, year_of_feedback

from serving.cli import main

MOST = ["satisfied"] * 9 + ["angry"]


def us_dates(*days):
    return [scored_row(date=day) for day in days]


def test_the_order_of_day_and_month_is_found_out_from_all_rows_of_all_inputs(tmp_path):
    one = written(tmp_path / "one.csv", us_dates("03/04/2025") * 2500 + us_dates("03/13/2025"))
    two = written(tmp_path / "two.csv", us_dates("03/05/2025", "03/31/2025"))
    output = tmp_path / "report.json"
    for inputs in ([one, two], [two, one]):
        assert main(["report", *inputs, "-o", str(output)]) == 0
        found = json.loads(output.read_text(encoding="utf-8"))
        assert (found["time"]["dated"], found["time"]["bad"]) == (2503, 0)
        assert {period["start"][:7] for period in found["time"]["periods"] if period["texts"]} == {"2025-03"}
        assert not [note for note in found["notes"] if "guess" in note]


def test_a_guess_between_day_and_month_stands_in_the_report(tmp_path, capsys):
    found = as_json(tmp_path, us_dates("03/04/2025", "2025-04-03"))
    assert [period["start"] for period in found["time"]["periods"]] == ["2025-04-03"]
    assert any("read with the day first. That is a guess" in note for note in found["notes"])
    assert "(a guess)" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["in.csv", "in.jsonl", "in.parquet", "in.xlsx"])
def test_dates_written_as_numbers_are_read_from_a_column_named_for_them(tmp_path, name):
    rows = [scored_row(day=20250331), scored_row(day=20250401), scored_row(day=None)]
    found = as_json(tmp_path, rows, "--date-column", "day", name=name)
    assert (found["time"]["dated"], found["time"]["missing"], found["time"]["bad"]) == (2, 1, 0)


def test_a_spike_is_found_with_its_size_and_its_test(tmp_path):
    rows = year_of_feedback()
    found = as_json(tmp_path, rows)
    assert found["time"]["unit"] == "week"
    spike = next(each for each in found["findings"] if each["by"] == "time")
    assert spike["title"] == "Week of 21 April 2025"
    assert spike["verdict"] == "worse"
    delivery = next(each for each in spike["measures"] if each["unhappy_about"] == "delivery")
    here = [row for row in rows if "2025-04-21" <= row["date"] <= "2025-04-27"]
    unhappy = [row for row in here if row["mood"] in ("dissatisfied", "angry") and "delivery" in row["topics"]]
    assert (delivery["here"]["count"], delivery["here"]["of"]) == (len(unhappy), len(here))
    assert delivery["here"]["of"] + delivery["elsewhere"]["of"] == len(rows)
    assert delivery["test"] == "chi-square"
    assert delivery["adjusted_p"] < 0.001
    assert found["comparisons"] == (12 + 2) * 6  # weeks and languages; three moods and three topics


@pytest.mark.parametrize("form", ["html", "md", "json"])
def test_the_p_value_of_weeks_in_a_row_says_whose_it_is(tmp_path, form):
    rows = [
        scored_row(MOST[number % (2 if week in (3, 4, 5) else 10) - 2], date=f"2025-03-{1 + week:02}")
        for week in range(10)
        for number in range(200)
    ]
    output = tmp_path / f"report.{form}"
    assert main(["report", written(tmp_path / "in.csv", rows), "-o", str(output)]) == 0
    shown = output.read_text(encoding="utf-8")
    assert "(largest of 3 periods)" in shown
    if form == "json":
        assert {each["largest_of"] for each in json.loads(shown)["findings"][0]["measures"]} == {3}


def test_bad_and_missing_dates_are_counted_aloud(tmp_path):
    rows = [scored_row(date="2025-03-04"), scored_row(date="2025-04-04")] * 40
    rows += [scored_row(date="soon")] * 3 + [scored_row(date="")] * 2
    found = as_json(tmp_path, rows)
    assert (found["time"]["dated"], found["time"]["bad"], found["time"]["missing"]) == (80, 3, 2)
    notes = " ".join(found["notes"])
    assert "3 cells of column date" in notes
    assert "2 cells of column date" in notes


@pytest.mark.parametrize("many", [300, 3000])
def test_one_far_off_date_does_not_flatten_all_others(tmp_path, many):
    rows = [scored_row(date=f"2025-03-{1 + number % 28:02}") for number in range(many)]
    rows += [scored_row(date="2091-01-01")]
    found = as_json(tmp_path, rows)
    assert found["time"]["unit"] == ("week" if many == 300 else "day")
    assert (found["time"]["outside"], found["time"]["dated"]) == (1, many + 1)
    assert any("1 text dated far" in note for note in found["notes"])
