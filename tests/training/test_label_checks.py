"""What is wrong with labelled rows beside single labels: each fault is named, with its rows and what to do."""

from __future__ import annotations

import pytest

from data.rows import FeedbackRow
from training.label_checks import (
    KINDS,
    Finding,
    label_findings,
    label_of,
    misspelt_topics,
    odd_texts,
    rare_languages,
    repeats,
    small_classes,
    worst_first,
)
from training.label_errors import LabelError
from training.near_duplicates import first_alike

_SAID = {"satisfied": ("satisfied", False), "neutral": ("neutral", False), "dissatisfied": ("dissatisfied", False),
         "angry": ("dissatisfied", True), "unhappy": ("dissatisfied", None), None: (None, None)}  # fmt: skip


def row(text="fine", mood="satisfied", topics=None) -> FeedbackRow:
    sentiment, angry = _SAID[mood]
    return FeedbackRow("1", text, "en", "s", "train", sentiment, angry, topics, topics and tuple(topics))


def repeated(rows, splits=None):
    return list(repeats(rows, splits or [None] * len(rows), first_alike(row.text for row in rows)))


def test_a_text_in_two_splits_is_a_leak_and_the_row_to_take_out_comes_first():
    rows = [row("Where is it?"), row("something else"), row("where is it")]
    (found,) = repeated(rows, ["test", "train", "train"])
    assert (found.kind, found.rows) == ("leak", (2, 0))
    assert "stands in train and test: take it out of train" in found.message


def test_nearly_the_same_text_in_two_splits_is_told_apart():
    rows = [row("The parcel came two weeks late, and broken."), row("The parcel came two weeks late and brokn.")]
    (found,) = repeated(rows, ["train", "validation"])
    assert (found.kind, found.rows) == ("near_leak", (0, 1))


def test_the_same_text_twice_in_one_split_or_without_one_is_no_leak():
    assert repeated([row(), row()], ["train", "train"]) == []
    assert repeated([row(), row()], [None, "test"]) == []


def test_the_same_text_with_different_moods_names_the_rarer_first_and_the_usual_as_meant():
    rows = [row("ok then"), row("OK then!"), row("ok then", "neutral")]
    (found,) = repeated(rows)
    assert (found.kind, found.rows, found.label, found.suggestion) == ("conflict", (2, 0, 1), "neutral", "satisfied")
    assert "different moods: satisfied (2), neutral (1)" in found.message


def test_one_against_one_suggests_neither():
    (found,) = repeated([row("hm"), row("hm", "angry")])
    assert found.suggestion == ""


def test_different_topics_of_one_text_disagree():
    (found,) = repeated([row("late", topics=("delivery",)), row("late", topics=()), row("late")])
    assert found.kind == "conflict"
    assert "different topics" in found.message
    assert set(found.rows) == {0, 1, 2}


def test_one_star_and_angry_do_not_disagree():
    assert repeated([row("thieves", "unhappy"), row("thieves", "angry")]) == []


def test_an_emoji_may_be_all_that_decides():
    assert repeated([row("the food 👍"), row("the food 👎", "angry")]) == []


def test_nearly_the_same_text_with_different_labels_says_that_it_can_be_right():
    good = "The waiter was friendly and the food was good"
    rows = [row(good), row(good.replace("was good", "was not good"), "dissatisfied")]
    (found,) = repeated(rows)
    assert found.kind == "near_conflict"
    assert "right only if the difference decides" in found.message


def test_moods_and_topics_with_no_or_few_rows_are_named():
    rows = [row(mood=mood) for mood in ["satisfied"] * 9 + ["dissatisfied"] * 8 + ["angry"]]
    told = [each.message for each in small_classes(rows, [None] * len(rows), ())]
    assert len(told) == 2
    assert any(message.startswith("no row has the mood neutral") for message in told)
    assert any(message.startswith("only 1 row has the mood angry") for message in told)


def test_stars_are_not_asked_who_is_angry():
    rows = [row(mood=mood) for mood in ["satisfied", "neutral", "unhappy"] * 8]
    assert list(small_classes(rows, [None] * len(rows), ())) == []


def test_a_topic_that_every_row_has_is_told_from_nothing():
    rows = [row(topics=("wifi",)) for _ in range(20)]
    told = [each for each in small_classes(rows, [None] * 20, ("wifi",)) if each.label == "wifi"]
    assert [each.message.partition(":")[0] for each in told] == ["0 rows lack the topic wifi"]


def test_a_label_that_a_split_lacks_cannot_be_measured_there():
    rows = [row(mood=mood) for mood in ["satisfied", "neutral", "dissatisfied", "angry"] * 8]
    splits = ["test" if at < 4 or each.mood == "satisfied" else "train" for at, each in enumerate(rows)]
    assert list(small_classes(rows, splits, ())) == []  # train lacks satisfied, and test lacks nothing
    splits = ["test" if at < 3 else "train" for at in range(len(rows))]
    assert [each.message for each in small_classes(rows, splits, ())] == [
        "no row of test has angry: how well it is found cannot be measured there"
    ]


@pytest.mark.parametrize(
    ("name", "meant"),
    [("delivry", "delivery"), ("Delivery", "delivery"), ("customer service", "customer_service"), ("wi-fi", "wi fi")],
)
def test_misspelt_names_of_topics_are_named_with_what_is_meant(name, meant):
    rows = [row(topics=("wi fi",)) for _ in range(10)] + [row(topics=(name,))]
    (found,) = misspelt_topics(rows)
    assert (found.rows, found.label, found.suggestion) == ((10,), name, meant)


def test_own_topics_that_are_like_no_other_are_left_in_peace():
    rows = [row(topics=("baggage", "app crash", "mensa food")) for _ in range(3)]
    assert list(misspelt_topics(rows)) == []


def test_three_texts_in_another_language_stand_apart():
    (found,) = rare_languages(["en"] * 20 + ["tr"] * 3 + [None])
    assert (found.rows, found.label) == ((20, 21, 22), "tr")


def test_a_handful_of_texts_in_many_languages_is_no_finding():
    assert list(rare_languages(["en"] * 4 + ["tr"] * 3)) == []


def test_broken_encodings_are_found_and_mended_where_that_can_be():
    texts = [
        "café à côté, très bien",
        "cafÃ© Ã\xa0 cÃ´tÃ©",
        "دÙ\x88".replace("د", "Ø¯"),
        "caf\ufffd",
        "ok 😡",
        "größer",
    ]
    found = {each.rows[0]: each.repaired for each in odd_texts(texts, [], [])}
    assert found == {1: "café à côté", 2: "دو", 3: ""}


def test_texts_that_all_end_at_the_same_length_were_cut():
    texts = [f"{number} " + "x" * 98 for number in range(5)] + ["short"] * 9
    (found,) = odd_texts(texts, [], [])
    assert (found.kind, found.rows) == ("cut", (0, 1, 2, 3, 4))
    assert "exactly 100 characters" in found.message


def test_one_long_text_or_the_same_one_often_was_not_cut():
    assert list(odd_texts(["y" * 100, "y" * 100, "y" * 100, "x" * 99], [], [])) == []


def test_unreadable_and_truncated_texts_are_named():
    assert [(each.kind, each.rows) for each in odd_texts(["a", "b"], [1], [0])] == [("unreadable", (1,)), ("cut", (0,))]


def test_label_errors_are_told_in_words_but_not_where_the_same_text_disagrees():
    errors = [
        LabelError(0, "satisfied", "angry", 0.02, 0.9),
        LabelError(1, "", "delivery", 0.1, 0.9),
        LabelError(2, "price", "", 0.2, 0.8),
    ]
    conflict = Finding("conflict", (7, 9), "…")
    told = list(label_findings(errors, [conflict], [5, 6, 7]))
    assert [each.rows for each in told] == [(5,), (6,)]
    assert told[0].message == "angry (90 %) is likelier than satisfied (2 %)"
    assert told[1].message == "lacks the topic delivery (90 %)"
    assert (
        next(label_findings(errors[2:], [], [5, 6, 8])).message == "hardly has the topic price (80 % that it has not)"
    )


def test_the_worst_comes_first():
    shuffled = [Finding(kind, (1,), "") for kind in reversed(KINDS)] + [Finding("label", (0,), "", weight=0.5)]
    assert [each.kind for each in worst_first(shuffled)] == [
        kind for kind in KINDS for _ in range(2 if kind == "label" else 1)
    ]
    assert [each.weight for each in worst_first(shuffled) if each.kind == "label"] == [0.5, 0.0]


def test_labels_in_words():
    assert label_of(row(mood="unhappy")) == "unhappy"
    assert label_of(row(mood="angry", topics=("price", "delivery"))) == "angry · delivery;price"
    assert label_of(row(mood=None, topics=())) == "no topic"
