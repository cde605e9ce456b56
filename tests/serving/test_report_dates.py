"""Dates as exports write them, the column that holds them, and the periods they make."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from table_files import write_rows

from model.errors import InputError
from serving.report.dates import date_reader, find_date_column, read_date
from serving.report.periods import choose_unit, name_of, name_of_run, starts
from serving.tables.files import open_table

DAY = date(2025, 3, 4)


@pytest.mark.parametrize(
    "written",
    [
        "2025-03-04",
        "2025-03-04T10:11:12Z",
        "2025-03-04 10:11:12.123456+03:30",
        "2025/3/4",
        "4.3.2025",
        "04.03.2025, 10:11",
        "4 March 2025",
        "4-Mar-2025",
        "March 4, 2025",
        "Tue, 4 Mar 2025 10:11:12 +0000",
        "20250304",
        "٢٠٢٥-٠٣-٠٤",
        " 2025-03-04 ",
        datetime(2025, 3, 4, 23, 59, tzinfo=UTC),
        DAY,
    ],
)
def test_a_day_is_read_in_the_usual_spellings(written):
    assert read_date(written, "day first") == DAY


@pytest.mark.parametrize(
    "written", ["", "soon", "2025-13-40", "2025-03-04 and later", "4.3.25", 20250304, 7, None, "x" * 10**6, [1]]
)
def test_what_is_no_day_is_not_taken_for_one(written):
    assert read_date(written, "day first") is None


def reader(*values, say=lambda line: None):
    return date_reader("in.csv", "day", values, say)


def test_day_or_month_first_is_found_out():
    assert reader("31/01/2025", "04/03/2025")("04/03/2025") == DAY
    assert reader("01/31/2025", "03/04/2025")("03/04/2025") == DAY


def test_a_guess_between_day_and_month_is_said_aloud():
    said = []
    assert reader("04/03/2025", say=said.append)("04/03/2025") == DAY
    assert "day first (a guess)" in said[0]


@pytest.mark.parametrize("written", [1741082400, "1741082400", "1741082400.25", 1741082400000, 1741082400.0])
def test_seconds_and_milliseconds_since_1970_are_read_from_a_column_named_for_dates(written):
    assert reader(written)(written) == DAY


@pytest.mark.parametrize("written", ["1970-01-01", "0001-01-01", "2999-01-01", "1403-12-14"])
def test_days_that_stand_for_a_missing_date_are_none(written):
    assert reader("2025-03-04")(written) is None


def test_a_column_named_for_dates_that_holds_none_is_refused():
    with pytest.raises(InputError, match=r"'day' \(--date-column\) holds no dates"):
        reader("red", "blue")


@pytest.fixture
def find(tmp_path):
    def run(rows):
        said = []
        source = write_rows(tmp_path / "in.csv", rows)
        with open_table(source, encoding=None, delimiter=None, say=said.append) as table:
            return find_date_column("in.csv", next(table.chunks), table.columns, said.append), said

    return run


def test_the_only_column_of_dates_is_found_and_said_aloud(find):
    column, said = find([{"id": "20250304", "when": "2025-03-04", "text": "on 2025-03-04"}] * 3)
    assert column == "when"
    assert said == ["in.csv: dates are read from column 'when'."]


def test_of_several_columns_of_dates_the_one_named_date_is_taken(find):
    assert find([{"born": "1999-03-04", "date": "2025-03-04"}])[0] == "date"


def test_of_several_columns_of_dates_none_is_guessed(find):
    column, said = find([{"born": "1999-03-04", "sent": "2025-03-04"}])
    assert column is None
    assert "'born', 'sent'" in said[0]
    assert "--date-column" in said[0]


@pytest.mark.parametrize(
    ("first", "last", "texts", "unit"),
    [
        (date(2025, 1, 1), date(2025, 1, 20), 10_000, "day"),
        (date(2025, 1, 1), date(2025, 12, 31), 10_000, "week"),
        (date(2025, 1, 1), date(2025, 12, 31), 400, "month"),
        (date(2021, 1, 1), date(2025, 12, 31), 10_000, "month"),
        (date(2015, 1, 1), date(2025, 12, 31), 10_000, "quarter"),
        (date(1990, 1, 1), date(2099, 12, 31), 10**6, "year"),
        (date(2025, 5, 1), date(2025, 5, 28), 5, "week"),
        (date(2025, 5, 1), date(2025, 5, 1), 5, "day"),
    ],
)
def test_periods_are_as_short_as_texts_and_room_allow(first, last, texts, unit):
    assert choose_unit(first, last, texts) == unit


def test_periods_follow_each_other_without_gaps():
    assert list(starts(date(2024, 11, 15), date(2025, 2, 1), "month")) == [
        date(2024, 11, 1), date(2024, 12, 1), date(2025, 1, 1), date(2025, 2, 1)
    ]  # fmt: skip
    assert list(starts(date(2025, 1, 1), date(2025, 1, 13), "week")) == [
        date(2024, 12, 30), date(2025, 1, 6), date(2025, 1, 13)
    ]  # fmt: skip


def test_periods_have_names():
    named = [name_of(date(2025, 4, 1), unit) for unit in ("day", "week", "month", "quarter", "year")]
    assert named == ["1 April 2025", "week of 1 April 2025", "April 2025", "Q2 2025", "2025"]
    assert name_of_run(date(2025, 4, 7), date(2025, 4, 21), "week") == "weeks of 7 April to 21 April 2025"
    assert name_of_run(date(2025, 4, 1), date(2025, 6, 1), "month") == "April 2025 to June 2025"
