"""How adapted weights stand beside those they came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from data.rows import FeedbackRow
from model.calibration import split_heads
from model.config import Calibration, Thresholds
from model.labels import TOPICS
from training.adaptation_words import section, summary
from training.standing import stand

ROW = FeedbackRow("0", "text", "en", "a.csv", "test", None, None, None, None)
MOODS = {"satisfied": ("satisfied", False), "neutral": ("neutral", False), "dissatisfied": ("dissatisfied", False),
         "angry": ("dissatisfied", True), "unhappy": ("dissatisfied", None)}  # fmt: skip


class Fixed:
    """Says of each text the mood and the topics that it is told to."""

    def __init__(self, said: dict[str, tuple[str, Sequence[str]]], topics: Sequence[str] = TOPICS) -> None:
        thresholds = Thresholds(angry=0.5, needs_review=0.5, topics=dict.fromkeys(topics, 0.5))
        config = SimpleNamespace(calibration=Calibration(), thresholds=thresholds, topics=tuple(topics))
        self.info = SimpleNamespace(config=config)
        self._said = said

    def logits(self, texts: Sequence[str]) -> tuple[object, list[int]]:
        kept = [at for at, text in enumerate(texts) if text in self._said]
        logits = np.full((len(kept), 4 + len(self.info.config.topics)), -9.0)
        for row, at in enumerate(kept):
            mood, topics = self._said[texts[at]]
            sentiment, angry = MOODS[mood]
            logits[row, ["satisfied", "neutral", "dissatisfied"].index(sentiment)] = 9
            logits[row, 3] = 9 if angry else -9
            for topic in topics:
                logits[row, 4 + self.info.config.topics.index(topic)] = 9
        return split_heads(logits), kept


def labelled(moods: Sequence[str], topics: Sequence[tuple[str, ...] | None] | None = None) -> list[FeedbackRow]:
    found = []
    for at, mood in enumerate(moods):
        sentiment, angry = MOODS[mood] if mood else (None, None)
        about = topics[at] if topics else None
        found.append(replace(ROW, text=f"text {at}", sentiment=sentiment, angry=angry, topics=about))  # type: ignore[arg-type]
    return found


def saying(moods: Sequence[str], topics: Sequence[tuple[str, ...]] | None = None) -> dict:
    return {f"text {at}": (mood, topics[at] if topics else ()) for at, mood in enumerate(moods)}


GOLD = ["satisfied", "neutral", "dissatisfied", "angry"] * 25


def test_what_is_right_more_often_is_better_and_the_telling_measure_comes_first() -> None:
    before = Fixed(saying(["neutral"] * 100))
    after = Fixed(saying(GOLD))

    found = stand(before, after, labelled(GOLD))  # type: ignore[arg-type]

    assert found.verdict == "better"
    assert [measure.name for measure in found.measures] == [
        "mood macro-F1",
        "mood accuracy",
        "angry F1",
        "angry recall",
    ]
    first = found.measures[0]
    assert (first.before, first.after) == (pytest.approx(0.1), 1.0)
    assert found.measures[3].gain.rows == 25
    assert stand(after, before, labelled(GOLD)).verdict == "worse"  # type: ignore[arg-type]
    assert stand(after, after, labelled(GOLD)).verdict == "not enough data to tell"  # type: ignore[arg-type]


def test_stars_are_measured_by_satisfaction() -> None:
    gold = ["satisfied", "unhappy"] * 50

    found = stand(Fixed(saying(["satisfied"] * 100)), Fixed(saying(gold)), labelled(gold))  # type: ignore[arg-type]

    assert found.measures[0].name == "satisfaction macro-F1"
    assert found.measures[0].gain.rows == 100
    assert found.verdict == "better"


def test_topics_that_only_one_knows_are_told_apart() -> None:
    gold = [("delivery",), ("baggage",), ()] * 10
    before = Fixed(saying(["neutral"] * 30, [()] * 30))
    after = Fixed(saying(["neutral"] * 30, gold), (*TOPICS, "baggage"))

    found = stand(before, after, labelled([""] * 30, gold))  # type: ignore[arg-type]

    assert [measure.name for measure in found.measures] == ["topics micro-F1"]
    assert (found.measures[0].before, found.measures[0].after) == (0.0, 1.0)
    assert found.new_topics == {"baggage": (1.0, 10)}


def test_texts_that_one_cannot_score_count_for_neither() -> None:
    before, after = saying(GOLD), saying(GOLD)
    del before["text 3"], after["text 8"]

    assert stand(Fixed(before), Fixed(after), labelled(GOLD)).texts == 98  # type: ignore[arg-type]


def test_without_rows_nothing_is_said() -> None:
    found = stand(Fixed(saying(GOLD)), Fixed(saying(GOLD)), [])  # type: ignore[arg-type]
    assert (found.texts, found.measures, found.verdict) == (0, (), "not enough data to tell")


def test_the_words_name_gain_interval_and_verdict() -> None:
    few = stand(Fixed(saying(["neutral"] * 8)), Fixed(saying(GOLD[:8])), labelled(GOLD[:8]))  # type: ignore[arg-type]
    many = stand(Fixed(saying(["neutral"] * 100)), Fixed(saying(GOLD)), labelled(GOLD))  # type: ignore[arg-type]
    adaptation = {
        "base": {"name": "rida-feedback", "version": "0.2.0", "sha256": "ab" * 32},
        "files": ["my|own.csv"], "texts": {"train": 70, "validation": 15, "test": 8}, "new_topics": ["baggage"],
        "rehearsed_each_epoch": 400, "validation_losses": [1.0, 0.9, 0.95], "best_epoch": 2,
        "own_share_of_weights": 0.4, "own_share_of_calibration": {"satisfaction": 0.13},
        "beside_base": few.as_dict(), "elsewhere": many.as_dict(),
    }  # fmt: skip

    said, card = "\n".join(summary(adaptation)), "\n".join(section(adaptation))

    assert "On 8 of your texts that were not learned, beside rida-feedback 0.2.0:" in said
    assert "Verdict: not enough data to tell." in said
    assert "mood macro-F1 10.0 -> 100.0, +90.0 (+" in said
    assert "epoch 2 of 3" in card
    assert "to those trained 40.0 % is gone" in card
    assert "| mood macro-F1 | 8 | 10.0 | 100.0 | +90.0 | not enough data to tell |" in card
    assert "New topics: baggage." in card
