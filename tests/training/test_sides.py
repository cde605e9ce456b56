"""Each text stands on one side of training."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data.cleaning import same_text_key
from data.rows import FeedbackRow
from training.sides import TEST_SHARE, VALIDATION_SHARE, describe, divide

ROW = FeedbackRow("0", "text", "en", "a.csv", "train", "neutral", False, None, None)


def rows(count: int) -> list[FeedbackRow]:
    return [replace(ROW, id=str(at), text=f"text number {at}") for at in range(count)]


def test_without_splits_shares_are_chosen_by_hash() -> None:
    sides = divide(rows(2000), [None] * 2000)

    assert len(sides.test) / 2000 == pytest.approx(TEST_SHARE, abs=0.03)
    assert len(sides.validation) / 2000 == pytest.approx(VALIDATION_SHARE, abs=0.03)
    assert len(sides.all) == 2000
    assert all(row.split == "test" for row in sides.test)
    assert sides.given == ()


def test_a_file_that_grows_leaves_every_text_on_its_side() -> None:
    before, after = divide(rows(300), [None] * 300), divide(rows(600)[::-1], [None] * 600)

    side_of = {row.text: row.split for row in after.all}
    assert all(side_of[row.text] == row.split for row in before.all)


def test_a_text_in_other_case_and_punctuation_stands_once_and_on_one_side() -> None:
    written = [*rows(200), *(replace(row, text=f"  {row.text.upper()}!!! ") for row in rows(200))]

    sides = divide(written, [None] * 400)

    keys = [{same_text_key(row.text) for row in side} for side in (sides.train, sides.validation, sides.test)]
    assert not keys[0] & keys[1] | keys[0] & keys[2] | keys[1] & keys[2]
    assert (len(sides.all), sides.repeated, sides.contradicted) == (200, 200, 0)


def test_splits_of_the_file_are_kept() -> None:
    given = ["train"] * 100 + ["validation"] * 20 + ["test"] * 30

    sides = divide(rows(150), given)

    assert (len(sides.train), len(sides.validation), len(sides.test)) == (100, 20, 30)


def test_a_side_that_the_file_does_not_name_gets_its_share_of_the_train_rows() -> None:
    sides = divide(rows(1000), ["train"] * 800 + ["test"] * 200)

    assert {row.id for row in sides.test} == {str(at) for at in range(800, 1000)}
    assert 80 < len(sides.validation) < 160


def test_a_text_on_two_sides_is_taken_from_what_is_learned() -> None:
    leaked = [*rows(100), replace(ROW, text="Text number 3."), replace(ROW, text="text number 4")]

    sides = divide(leaked, ["train"] * 100 + ["test", "validation"])

    assert [row.text for row in sides.test] == ["text number 3"]
    assert [row.text for row in sides.validation] == ["text number 4"]
    assert (len(sides.train), sides.moved) == (98, 2)


def test_moods_of_one_file_and_topics_of_another_come_together() -> None:
    topics = replace(ROW, sentiment=None, angry=None, topics=("price",), topics_covered=("price",))

    (row,) = divide([ROW, topics], ["train", "train"]).all

    assert (row.sentiment, row.topics, row.topics_covered) == ("neutral", ("price",), ("price",))


def test_rows_of_a_text_say_something_of_all_topics_that_one_of_them_looked_for() -> None:
    price, delivery = (replace(ROW, topics=(), topics_covered=(name,)) for name in ("price", "delivery"))
    anything = replace(ROW, topics=(), topics_covered=None)

    assert divide([price, ROW, delivery], [None] * 3).all[0].topics_covered == ("price", "delivery")
    assert divide([price, anything], [None] * 2).all[0].topics_covered is None


def test_of_labels_that_contradict_each_other_the_first_counts_and_they_are_counted() -> None:
    said: list[str] = []
    sides = divide([ROW, replace(ROW, sentiment="satisfied"), replace(ROW, text="Text!")], [None] * 3)
    describe(sides, said.append)

    assert [row.sentiment for row in sides.all] == ["neutral"]
    assert sides.contradicted == 1
    assert "2 rows repeat the text of a row before and count once; 1 texts stand there with different moods" in said[0]
    assert "rida data check" in said[0]


def test_texts_of_marks_alone_and_of_broken_characters_have_a_side_too() -> None:
    odd = [replace(ROW, text=text) for text in ("!!!", "😡😡", "\udcff broken", "\u200f")]
    assert len(divide(odd, [None] * 4).all) == 4
