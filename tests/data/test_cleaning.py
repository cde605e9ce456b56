from dataclasses import replace

from data.cleaning import same_text_key, usable_for_training
from data.rows import FeedbackRow

ROW = FeedbackRow("1", "Good shop", "en", "a", "train", "satisfied", None, None, None)


def test_texts_that_differ_in_case_and_punctuation_are_the_same() -> None:
    assert same_text_key("Good,  shop!!") == same_text_key("good shop")
    assert same_text_key("😡") != same_text_key("😀")


def test_a_text_of_a_held_out_row_is_never_trained_on() -> None:
    held_out = replace(ROW, id="2", source="b", split="test", text="GOOD shop!")
    assert usable_for_training([ROW, held_out]) == []


def test_a_repeat_within_a_source_is_dropped_and_another_source_keeps_its_say() -> None:
    repeat, elsewhere = replace(ROW, id="2"), replace(ROW, id="3", source="b", sentiment="neutral")
    assert [row.id for row in usable_for_training([ROW, repeat, elsewhere])] == ["1", "3"]


def test_rows_without_labels_or_text_are_dropped() -> None:
    silent, blank = replace(ROW, sentiment=None), replace(ROW, text=" \n")
    assert usable_for_training([silent, blank]) == []


def test_what_is_held_out_of_a_source_that_is_not_allowed_is_held_out_all_the_same() -> None:
    held_out = replace(ROW, id="2", source="b", split="test")
    assert usable_for_training([ROW, held_out], lambda row: row.source != "b") == []
