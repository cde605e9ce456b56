from pathlib import Path

import numpy as np
import pytest

from data.cleaning import same_text_key
from data.rows import FeedbackRow
from model.classifier import Classifier
from training.teacher import taught, taught_once


def row(text: str, source: str = "stars") -> FeedbackRow:
    return FeedbackRow(text, text, "en", source, "train", "neutral", None, None, None)


ROWS = [row("you thieves the parcel 3 is a scam!!!"), row("great app 4 thanks", "annotated"), row("\u200b")]


def test_a_teacher_says_its_calibrated_probabilities(tiny_classifier: Classifier) -> None:
    said = taught([ROWS[0].text], tiny_classifier)
    (prediction,) = tiny_classifier.classify([ROWS[0].text])
    moods = [*said[0, :2], said[0, 2] * (1 - said[0, 3]), said[0, 2] * said[0, 3]]
    assert moods == pytest.approx(list(prediction.scores.values()), abs=1e-5)


def test_it_is_not_asked_of_texts_it_was_trained_on_whatever_their_source_nor_of_what_cannot_be_read(
    tiny_classifier: Classifier, tmp_path: Path
) -> None:
    rows = [*ROWS, row("Great app 4 - thanks!", "stars")]
    untaught = {same_text_key("great app 4 thanks")}
    said = taught_once(rows, tiny_classifier, untaught=untaught, folder=tmp_path)
    assert np.isfinite(said[0]).all()
    assert np.isnan(said[1:]).all()


def test_it_is_asked_only_of_what_it_has_not_said_yet(
    tiny_classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def counting(texts: list[str], teacher: Classifier) -> object:
        asked.extend(texts)
        return taught(texts, teacher)

    monkeypatch.setattr("training.teacher.taught", counting)
    monkeypatch.setattr("training.teacher._TEXTS_AT_ONCE", 2)
    # Enough of them that some digest ends in a zero byte, which NumPy would drop from a string of bytes.
    many = [row(f"parcel {at}") for at in range(600)]
    taught_once(many, tiny_classifier, untaught=set(), folder=tmp_path)
    assert len(asked) == 600
    said = taught_once([*many, *ROWS], tiny_classifier, untaught=set(), folder=tmp_path)
    assert asked[600:] == [each.text for each in ROWS]
    np.testing.assert_allclose(said[600:], taught([each.text for each in ROWS], tiny_classifier), rtol=1e-4)
