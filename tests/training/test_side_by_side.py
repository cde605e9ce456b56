"""Two readings of the same labelled rows: what each measure is, and what is said of the difference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from data.rows import FeedbackRow
from model.classifier import Classifier
from model.labels import MOODS, TOPICS
from tests.conftest import feedback_rows
from training.changed_answers import changes, worst_first
from training.gold import Gold, gold_of
from training.measures import measure
from training.reading import Reading, reading_of
from training.side_by_side import (
    Measured,
    SideBySide,
    average_precision,
    recall_at_few_false_alarms,
    side_by_side,
)
from training.targets import UNKNOWN, mood_targets

ANGRY = MOODS.index("angry")


def row(number: int, mood: str | None, **changes: object) -> FeedbackRow:
    known = {"sentiment": None, "angry": None}
    if mood is not None:
        known = {"sentiment": "dissatisfied" if mood == "angry" else mood, "angry": mood == "angry"}
    return replace(
        FeedbackRow(str(number), f"text {number}", "en", "mine", "test", None, None, None, None), **(known | changes)
    )


def reading(moods: list[int] | np.ndarray, found: np.ndarray | None = None, topics: tuple[str, ...] = ()) -> Reading:
    """A reading that is nine tenths sure of the moods given."""
    decided = np.array(moods, dtype=np.int64)
    scores = np.full((len(decided), 4), 0.1 / 3)
    scores[np.arange(len(decided)), decided] = 0.9
    found = np.zeros((len(decided), len(topics)), dtype=bool) if found is None else found
    return Reading(scores, decided, topics, found, np.zeros(len(decided), dtype=bool))


def noisy(gold: np.ndarray, wrong: float, seed: int) -> np.ndarray:
    chance = np.random.default_rng(seed)
    return np.where(chance.random(len(gold)) < wrong, (gold + chance.integers(1, 4, len(gold))) % 4, gold)


def labelled(many: int) -> tuple[list[FeedbackRow], np.ndarray]:
    moods = np.arange(many) % 4
    return [row(at, MOODS[mood]) for at, mood in enumerate(moods)], moods


def compared(rows: list[FeedbackRow], first: Reading, second: Reading) -> SideBySide:
    return side_by_side(gold_of(rows, {*first.topics, *second.topics}), [None] * len(rows), first, second)


def found(side: SideBySide, measure: str, topic: str | None = None) -> Measured:
    (only,) = [each for each in side.measured if each.measure == measure and each.topic == topic]
    return only


def test_both_columns_are_what_evaluation_measures(tiny_classifier: Classifier):
    rows = [
        row(at, each["mood"], text=each["text"], lang=each["lang"], topics=tuple(each["topics"]))
        for at, each in enumerate(feedback_rows(seed=3)[::2])
    ]
    heads, kept = tiny_classifier.logits([each.text for each in rows])
    assert len(kept) == len(rows)
    config = tiny_classifier.info.config
    stricter = config.model_copy(update={"thresholds": config.thresholds.model_copy(update={"angry": 0.9})})
    side = compared(rows, reading_of(heads, config), reading_of(heads, stricter))
    for number, each in enumerate((config, stricter)):
        measured = measure(heads, rows, each.calibration, each.thresholds)

        def shown(name: str, topic: str | None = None, number: int = number) -> float:
            value = (found(side, name, topic).first, found(side, name, topic).second)[number]
            assert value is not None
            return value

        assert shown("macro_f1") == pytest.approx(measured["mood"]["macro_f1"])
        assert shown("accuracy") == pytest.approx(measured["mood"]["accuracy"])
        assert shown("calibration_error") == pytest.approx(measured["mood"]["calibration"]["error"])
        assert shown("average_precision") == pytest.approx(measured["angry"]["average_precision"])
        for name in ("recall_at_5_percent_false_alarms", "recall_at_threshold", "false_alarms_at_threshold"):
            assert shown(name) == pytest.approx(measured["angry"][name])
        assert shown("micro_f1") == pytest.approx(measured["topics"]["micro_f1"])
        for topic, by_topic in measured["topics"]["by_topic"].items():
            assert shown("f1", topic) == pytest.approx(by_topic["f1"])
        assert side.confusion is not None
        assert side.confusion[number] == measured["mood"]["confusion"]


@pytest.mark.parametrize("levels", [3, 50, 10_000])
def test_average_precision_and_recall_are_right_with_many_ties_and_with_none(levels: int):
    chance = np.random.default_rng(levels)
    gold = (chance.random(400) < 0.2).astype(np.int64)
    scores = np.floor(chance.random(400) * levels) / levels + 0.3 * gold
    ranks = np.unique(scores, return_inverse=True)[1]
    assert average_precision(gold, ranks) == pytest.approx(average_precision_score(gold, scores))
    best = max(
        (np.mean(scores[gold == 1] >= level) for level in scores if np.mean(scores[gold == 0] >= level) <= 0.05),
        default=0.0,
    )
    assert recall_at_few_false_alarms(gold, ranks) == pytest.approx(best)


def test_a_clear_gain_is_better_and_the_same_the_other_way_round_is_worse():
    rows, gold = labelled(400)
    good, bad = reading(noisy(gold, 0.1, 1)), reading(noisy(gold, 0.4, 2))
    gain, loss = compared(rows, bad, good), compared(rows, good, bad)
    for name in ("macro_f1", "accuracy", "recall_at_threshold", "false_alarms_at_threshold"):
        assert found(gain, name).verdict == "better"
        assert found(loss, name).verdict == "worse"
    assert found(gain, "false_alarms_at_threshold").less_is_better
    difference = found(gain, "accuracy").difference
    assert difference is not None
    assert 0 < difference.low < difference.difference < difference.high


def test_equal_readings_are_the_same_and_little_data_tells_nothing():
    rows, gold = labelled(400)
    once = reading(noisy(gold, 0.2, 1))
    assert {each.verdict for each in compared(rows, once, once).measured} == {"the same"}
    rows, gold = labelled(8)
    few = compared(rows, reading((gold + 1) % 4), reading(gold))
    assert {each.verdict for each in few.measured} == {"not enough data to tell"}
    assert found(few, "accuracy").second == 1


def test_recall_of_fewer_than_ten_angry_texts_has_no_interval():
    rows = [row(at, "angry" if at < 9 else "satisfied") for at in range(300)]
    gold = mood_targets(rows)
    side = compared(rows, reading(np.zeros(300, dtype=int)), reading(gold))
    recall = found(side, "recall_at_threshold")
    assert (recall.first, recall.second, recall.verdict) == (0, 1, "not enough data to tell")
    assert recall.difference is not None
    assert np.isinf(recall.difference.low)


def test_many_looks_at_noise_find_next_to_nothing():
    many, size = 30, 40
    rows, gold = labelled(many * size)
    languages = [f"l{at % many}" for at in range(len(rows))]
    first, second = reading(noisy(gold, 0.3, 5)), reading(noisy(gold, 0.3, 6))
    side = side_by_side(gold_of(rows, TOPICS), languages, first, second)
    looks = [each for part in side.languages.values() for each in part]
    assert len(looks) == many
    beyond = [each for each in looks if each.difference and not each.difference.low <= 0 <= each.difference.high]
    called = [each for each in looks if each.verdict in ("better", "worse")]
    assert beyond, "chance alone puts some intervals off zero"
    assert not called
    assert side.looks == many + len(side.measured)


def test_stars_measure_satisfaction_alone():
    rows = [
        row(at, None, sentiment=sentiment, angry=None if sentiment == "dissatisfied" else False)
        for at, sentiment in enumerate(["satisfied", "neutral", "dissatisfied"] * 40)
    ]
    gold = np.array([0, 1, 2] * 40)
    side = compared(rows, reading(noisy(gold, 0.6, 1)), reading(np.where(gold == 2, ANGRY, gold)))
    assert [(each.head, each.measure) for each in side.measured] == [("satisfaction", "macro_f1")]
    assert found(side, "macro_f1").second == 1
    assert found(side, "macro_f1").verdict == "better"
    assert side.unhappy_only == 40
    assert side.confusion is None


def test_topics_that_one_alone_knows_are_measured_for_it_alone():
    rows = [
        row(at, None, topics=("delivery", "baggage") if at % 2 else (), topics_covered=("baggage", "delivery", "fog"))
        for at in range(60)
    ]
    own = (*TOPICS, "baggage")
    there = np.arange(60) % 2 == 1
    first = np.zeros((60, len(TOPICS)), dtype=bool)
    second = np.zeros((60, len(own)), dtype=bool)
    first[:, TOPICS.index("delivery")] = there
    second[:, own.index("baggage")] = there
    side = compared(rows, reading([0] * 60, first, TOPICS), reading([0] * 60, second, own))
    baggage, delivery = found(side, "f1", "baggage"), found(side, "f1", "delivery")
    assert (baggage.first, baggage.second, baggage.difference, baggage.verdict) == (None, 1, None, None)
    assert (delivery.first, delivery.second, delivery.verdict) == (1, 0, "worse")
    assert found(side, "micro_f1").first == 1, "baggage must not count against who does not know it"
    assert {each.topic for each in side.measured} == {None, "baggage", "delivery"}


def test_texts_without_labels_measure_nothing():
    rows = [row(at, None) for at in range(30)]
    assert compared(rows, reading([0] * 30), reading([1] * 30)).measured == ()


def test_what_changes_is_counted():
    first, second = [ANGRY, ANGRY, 0, 0, 1, 2], [ANGRY, 2, ANGRY, 0, 0, 2]
    topics = ("price", "delivery")
    before = np.array([[1, 0], [0, 0], [0, 1], [0, 0], [1, 1], [0, 0]], dtype=bool)
    after = np.array([[1, 0], [1, 0], [0, 0], [0, 0], [1, 1], [0, 0]], dtype=bool)
    gold = np.array([UNKNOWN, 2, 0, 0, 1, 2])
    told = changes(reading(first, before, topics), reading(second, after, topics), gold)
    assert told.moods[ANGRY][2] == told.moods[0][ANGRY] == told.moods[1][0] == 1
    assert (told.texts, told.moods_changed, told.alarms_lost, told.alarms_gained) == (6, 3, 1, 1)
    assert (told.topics["price"].gained, told.topics["price"].lost) == (1, 0)
    assert (told.topics["delivery"].gained, told.topics["delivery"].lost) == (0, 1)
    assert told.settled == (1, 2, 0)
    assert told.mean_probability["angry"][0] == pytest.approx(2 / 6 * 0.9 + 4 / 6 * 0.1 / 3)


def test_lost_alarms_come_first_and_of_these_the_labelled_ones():
    first = [0, ANGRY, ANGRY, 1, 0, ANGRY, 2]
    second = [ANGRY, 2, 1, 2, 0, 0, 1]
    gold = np.array([UNKNOWN, UNKNOWN, ANGRY, UNKNOWN, UNKNOWN, 0, UNKNOWN])
    one, other = reading(first), reading(second)
    one.moods[5, ANGRY] = 0.99
    other.moods[6, 2] = 0.4
    assert list(worst_first(one, other, gold)) == [2, 5, 1, 0, 3, 6]


def test_labels_become_what_the_rows_say():
    rows = [row(1, "angry", topics=("price",), topics_covered=("price", "delivery")), row(2, None)]
    gold = gold_of(rows, TOPICS)
    assert isinstance(gold, Gold)
    assert gold.topics == ("delivery", "price")
    assert gold.found.tolist() == [[0, 1], [UNKNOWN, UNKNOWN]]
    assert gold.angry.tolist() == [1, UNKNOWN]


def test_a_column_that_is_none_of_topics_takes_no_room():
    names = tuple(f"a text about something {at}" for at in range(20_000))
    covered = (*names, "price")
    rows = [row(at, "angry", topics=(name, "price"), topics_covered=covered) for at, name in enumerate(names)]
    gold = gold_of(rows, {*TOPICS, "baggage"})
    assert (gold.topics, gold.found.shape) == (("price",), (20_000, 1))
    assert gold.strange == tuple(sorted(names))
