"""Which texts are suggested for labels: doubtful ones, no two alike, of every language some."""

from __future__ import annotations

import numpy as np
import pytest

from model.calibration import HeadLogits
from model.classifier import SHIPPED_WEIGHTS
from model.config import read_config
from model.labels import MOODS
from training.doubt import Answers, answers
from training.suggest import Pool, choose, shares

CONFIG = read_config(SHIPPED_WEIGHTS / "config.json")
WORDS = [
    "parcel",
    "refund",
    "waiter",
    "screen",
    "battery",
    "price",
    "invoice",
    "app",
    "queue",
    "coffee",
    "room",
    "agent",
    "broken",
    "late",
    "rude",
    "dirty",
    "slow",
]


def said(doubts) -> Answers:
    doubts = np.asarray(doubts, dtype=np.float64)
    return Answers(
        moods=np.tile([0.4, 0.3, 0.2, 0.1], (len(doubts), 1)),
        topics=np.full((len(doubts), 8), 0.1),
        decided=np.zeros(len(doubts), dtype=np.int64),
        mood_costs=doubts,
        topic_costs=np.zeros((len(doubts), 8)),
    )


def sentences(count: int, seed: int = 0) -> list[str]:
    chance = np.random.default_rng(seed)
    return [" ".join(chance.choice(WORDS, 8)) + f" {number}" for number in range(count)]


def offered(pool: Pool, texts, doubts, *, languages=None, vectors=None, seed=0) -> Pool:
    chance = np.random.default_rng(seed)
    vectors = chance.normal(size=(len(texts), 16)) if vectors is None else vectors
    ids = [f"t{number}" for number in range(len(texts))]
    pool.offer(ids, texts, languages or ["en"] * len(texts), vectors, said(doubts))
    return pool


def logits(satisfaction, anger, topics=-9.0) -> HeadLogits:
    return HeadLogits(np.array([satisfaction], dtype=float), np.array([anger], dtype=float), np.full((1, 8), topics))


def test_a_certain_answer_is_expected_to_cost_nothing_and_a_torn_one_much():
    certain = answers(logits([9, -9, -9], -9), CONFIG).doubts[0]
    torn = answers(logits([1, 1, 0.5], -9), CONFIG).doubts[0]
    assert certain < 0.01
    assert torn > 0.4


def test_a_text_just_under_the_threshold_of_angry_costs_more_than_one_as_torn_between_calm_moods():
    threshold = CONFIG.thresholds.angry
    found = [answers(logits([-9, -9, 9], anger), CONFIG) for anger in np.linspace(-6, 6, 200)]
    under = max((each for each in found if each.decided[0] != MOODS.index("angry")), key=lambda each: each.moods[0, 3])
    assert under.moods[0, 3] == pytest.approx(threshold, abs=0.02)
    # A miss costs as much as makes the threshold right, here about twice a false alarm.
    assert under.mood_costs[0] == pytest.approx(under.moods[0, 3] * (1 - threshold) / threshold, abs=0.01)
    assert under.mood_costs[0] > 0.6


def test_a_topic_near_its_threshold_costs_the_same_on_both_sides():
    at = CONFIG.topics.index("price")
    costs = {}
    for logit in np.linspace(-3, 5, 400):
        heads = logits([9, -9, -9], -9)
        heads.topics[0, at] = logit
        found = answers(heads, CONFIG)
        costs[float(found.topics[0, at])] = float(found.topic_costs[0, at])
    threshold = CONFIG.thresholds.topics["price"]
    below, above = max(p for p in costs if p < threshold), min(p for p in costs if p >= threshold)
    assert costs[below] == pytest.approx(costs[above], abs=0.02)
    assert costs[below] == pytest.approx(max(costs.values()), abs=0.02)


def test_of_texts_that_mean_the_same_the_doubtful_one_is_chosen():
    vectors = np.repeat(np.eye(12, 16), 2, axis=0) + np.random.default_rng(0).normal(scale=0.02, size=(24, 16))
    doubts = np.tile([0.01, 1.0], 12)
    chosen = choose(offered(Pool(12), sentences(24), doubts, vectors=vectors), 12)
    assert [each.candidate.doubt for each in chosen] == [1.0] * 12


def test_of_ten_copies_that_differ_in_a_letter_one_is_chosen():
    copies = [f"The parcel came two weeks late and the box was broken {letter}" for letter in "abcdefghij"]
    texts = copies + sentences(10)
    chosen = choose(offered(Pool(8), texts, [2.0] * 10 + [1.0] * 10), 8)
    assert sum(each.candidate.text in copies for each in chosen) == 1
    assert len(chosen) == 8


def test_texts_that_mean_the_same_are_chosen_once():
    chance = np.random.default_rng(3)
    directions = np.eye(4, 16)
    vectors = np.repeat(directions, 10, axis=0) + chance.normal(scale=0.01, size=(40, 16))
    chosen = choose(offered(Pool(4), sentences(40), chance.uniform(0.9, 1, 40), vectors=vectors), 4)
    assert sorted(int(np.abs(each.candidate.vector).argmax()) for each in chosen) == [0, 1, 2, 3]
    assert [each.alike for each in chosen] == [9] * 4


def test_a_text_that_nearly_repeats_a_labelled_one_is_not_chosen():
    labelled = "Giao hàng quá chậm, dịch vụ tệ lắm"
    texts = ["Giao hang qua cham, dich vu te lam!", *sentences(3)]
    chosen = choose(offered(Pool(4), texts, [9, 1, 1, 1]), 4, [labelled])
    assert {each.candidate.text for each in chosen} == set(texts[1:])


def test_a_small_language_gets_more_than_its_share_and_a_large_one_most():
    texts = sentences(1000)
    languages = ["en"] * 900 + ["fa"] * 100
    chosen = choose(offered(Pool(40), texts, np.ones(1000), languages=languages), 40)
    counts = {name: sum(each.candidate.language == name for each in chosen) for name in ("en", "fa")}
    assert counts == {"en": 30, "fa": 10}


@pytest.mark.parametrize(
    ("texts", "most", "count", "expected"),
    [
        ({"en": 100}, {"en": 100}, 7, {"en": 7}),
        ({"en": 100, "vi": 4}, {"en": 100, "vi": 2}, 60, {"en": 58, "vi": 2}),
        ({"en": 3, "vi": 4}, {"en": 3, "vi": 4}, 60, {"en": 3, "vi": 4}),
        ({"en": 3, "vi": 4}, {"en": 0, "vi": 4}, 2, {"en": 0, "vi": 2}),
        ({}, {}, 5, {}),
    ],
)
def test_shares_never_exceed_what_there_is(texts, most, count, expected):
    assert shares(texts, most, count) == expected


def test_the_same_texts_give_the_same_choice():
    texts, doubts = sentences(400), np.random.default_rng(5).uniform(size=400)
    first, second = (choose(offered(Pool(20), texts, doubts), 20) for _ in range(2))
    assert [each.candidate.id for each in first] == [each.candidate.id for each in second]


def test_the_pool_does_not_grow_with_the_texts_and_is_a_fair_sample_of_them():
    pool = Pool(3)
    for part in range(20):
        texts = [f"{text} {part}" for text in sentences(500, seed=part)]
        offered(pool, texts, np.random.default_rng(part).uniform(size=500))
    kept = pool.candidates()["en"]
    assert pool.seen == {"en": 10_000}
    assert len(kept) == 2_000
    assert np.mean([each.doubt for each in kept]) == pytest.approx(0.5, abs=0.03)


def test_the_order_of_the_texts_does_not_matter():
    texts, doubts = sentences(5_000), np.random.default_rng(5).uniform(size=5_000)
    vectors = np.random.default_rng(6).normal(size=(5_000, 16))
    one = offered(Pool(3), texts, doubts, vectors=vectors)
    other = offered(Pool(3), texts[::-1], doubts[::-1], vectors=vectors[::-1])
    assert [each.text for each in one.candidates()["en"]] == [each.text for each in other.candidates()["en"]]


def test_vectors_that_are_all_equal_still_give_as_many_texts_as_asked_for():
    chosen = choose(offered(Pool(10), sentences(50), np.ones(50), vectors=np.ones((50, 16))), 10)
    assert len({each.candidate.id for each in chosen}) == 10


def test_texts_without_a_number_for_a_doubt_are_left_out():
    chosen = choose(offered(Pool(5), sentences(3), [np.nan, 1.0, np.inf]), 5)
    assert [each.candidate.doubt for each in chosen] == [1.0]
