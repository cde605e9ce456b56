"""What can be learned of own labels, and the answer where that is too little."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from data.rows import FeedbackRow
from model.errors import InputError
from model.labels import TOPICS
from training.lesson import Lesson, make_lesson
from training.sides import divide

ROW = FeedbackRow("0", "text", "en", "a.csv", "train", "neutral", False, None, None)
MOODS = (("satisfied", False), ("neutral", False), ("dissatisfied", False), ("dissatisfied", True))


def rows(count: int, topics: Sequence[str] = ()) -> list[FeedbackRow]:
    """Rows of all moods; each of `topics` on every fifth text."""
    return [
        replace(
            ROW, text=f"text number {at}", sentiment=MOODS[at % 4][0], angry=MOODS[at % 4][1],
            topics=tuple(topics) if at % 5 == 0 else (), topics_covered=tuple(topics),
        )
        for at in range(count)
    ]  # fmt: skip


def lesson(given: list[FeedbackRow], *, splits: Sequence[str | None] | None = None) -> tuple[Lesson, list[str]]:
    said: list[str] = []
    sides = divide(given, splits or [None] * len(given))  # type: ignore[arg-type]
    return make_lesson(sides, TOPICS, said.append), said


def refused(given: list[FeedbackRow], **options: Sequence[str]) -> str:
    with pytest.raises(InputError) as raised:
        lesson(given, **options)
    return str(raised.value)


def test_topics_that_the_weights_do_not_know_become_new_ones_after_theirs() -> None:
    found, said = lesson(rows(200, ["seats", "delivery", "baggage"]))

    assert found.new_topics == ("baggage", "seats")
    assert found.topics == (*TOPICS, "baggage", "seats")
    assert said == []


def test_too_few_rows_are_told_how_many_are_needed() -> None:
    message = refused(rows(20))

    assert message.startswith("20 different labelled texts are too few")
    assert "32 and 10 are needed; about 100 in all" in message
    assert "rida topics fit" in message


@pytest.mark.parametrize(
    ("given", "splits", "said"),
    [
        ([], None, "there is no labelled text"),
        ([ROW] * 300, None, "all 300 rows have the same text"),
        (rows(100), ["test"] * 100, "no text is left to learn from"),
        (rows(100), ["train"] * 95 + ["validation"] * 5, "are there to learn from and 5 to stop by"),
    ],
)
def test_what_cannot_be_divided_is_refused(given: list, splits: Sequence[str] | None, said: str) -> None:
    assert said in refused(given, splits=splits)


def test_one_mood_alone_teaches_nothing() -> None:
    angry = [replace(row, sentiment="dissatisfied", angry=True, topics=None) for row in rows(200)]
    assert "every text to learn from is 'angry'" in refused(angry)


def test_one_mood_beside_topics_is_left_out_aloud() -> None:
    angry = [replace(row, sentiment="dissatisfied", angry=True) for row in rows(200, ["delivery"])]

    found, said = lesson(angry)

    assert said == ["Every text to learn from is 'angry', so moods are not learned, only topics."]
    assert all(row.sentiment is None and row.angry is None for row in found.sides.all)


def test_a_mood_without_texts_is_said() -> None:
    _, said = lesson([row for row in rows(400) if row.sentiment != "neutral"])
    assert said[0].startswith("No text to learn from is neutral:")


def test_a_topic_with_few_texts_is_refused_by_name_with_advice() -> None:
    given = rows(200)
    given[0] = replace(given[0], topics=("baggage",))

    message = refused(given)

    assert "the topic 'baggage' has 1 text, and a new topic needs 8" in message
    assert '"" in [topics] of --labels TOML' in message


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Customer Service", "the topic 'Customer Service' is not 'customer_service': write it so"),
        ("price, delivery", "looks like several: join topics with ;"),
        ("x" * 61, "is longer than 60 characters"),
        ("a\u202eb", "holds a control character or an invisible one"),
    ],
)
def test_a_topic_that_cannot_be_meant_so_is_refused(name: str, said: str) -> None:
    assert said in refused(rows(200, [name]))


def test_a_new_topic_that_looks_like_another_is_pointed_out() -> None:
    _, said = lesson(rows(200, ["delivry", "baggage", "bagage"]))

    assert said[0].startswith("Topic 'baggage' is new and looks like 'bagage'")
    assert said[1].startswith("Topic 'delivry' is new and looks like 'delivery'")


def test_a_topic_that_every_text_has_is_refused() -> None:
    given = [replace(row, topics=("shop",)) for row in rows(200, ["shop"])]
    assert "every text has the topic 'shop': give texts without it too" in refused(given)


def test_ten_thousand_topics_are_refused_at_once() -> None:
    given = [replace(row, topics=(f"topic {at}",)) for at, row in enumerate(rows(10_000))]

    message = refused(given)

    assert "10,000 topics are not among those of the weights" in message
    assert "100 are the most" in message


def test_of_many_faults_ten_are_told() -> None:
    given = [replace(row, topics=(f"topic {at}",)) if at < 50 else row for at, row in enumerate(rows(200))]
    assert refused(given).endswith("; and 40 more topics")
