from pathlib import Path

import numpy as np
import pytest

from data.rows import FeedbackRow
from model.classifier import Classifier
from training.teacher import taught, taught_once


def row(text: str, source: str = "stars") -> FeedbackRow:
    return FeedbackRow(text, text, "en", source, "train", "neutral", None, None, None)


ROWS = [row("you thieves the parcel 3 is a scam!!!"), row("great app 4 thanks", "annotated"), row("\u200b")]


def test_a_teacher_says_its_calibrated_probabilities(tiny_classifier: Classifier) -> None:
    said = taught(ROWS, tiny_classifier, untaught=())
    (prediction, *_) = tiny_classifier.classify([ROWS[0].text])
    moods = [*said[0, :2], said[0, 2] * (1 - said[0, 3]), said[0, 2] * said[0, 3]]
    assert moods == pytest.approx(list(prediction.scores.values()), abs=1e-5)


def test_it_is_not_asked_of_what_it_was_trained_on_nor_of_what_cannot_be_read(tiny_classifier: Classifier) -> None:
    said = taught(ROWS, tiny_classifier, untaught=("annotated",))
    assert np.isfinite(said[0]).all()
    assert np.isnan(said[1:]).all()


def test_it_is_asked_only_of_what_it_has_not_said_yet(
    tiny_classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def counting(rows: list[FeedbackRow], teacher: Classifier, *, untaught: tuple[str, ...]) -> object:
        asked.append([row.text for row in rows])
        return taught(rows, teacher, untaught=untaught)

    monkeypatch.setattr("training.teacher.taught", counting)
    first = taught_once(ROWS[:2], tiny_classifier, untaught=("annotated",), folder=tmp_path)
    second = taught_once(ROWS, tiny_classifier, untaught=(), folder=tmp_path)
    assert asked == [[ROWS[0].text], [ROWS[1].text, ROWS[2].text]]
    np.testing.assert_allclose(second, taught(ROWS, tiny_classifier, untaught=()), rtol=1e-5)
    np.testing.assert_allclose(first, taught(ROWS[:2], tiny_classifier, untaught=("annotated",)), rtol=1e-5)
