"""Texts that are rehearsed beside own labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.rows import FeedbackRow
from model.classifier import Classifier
from model.labels import TOPICS
from model.manifest import TOKENIZER
from model.tokenizer import read_tokenizer
from training.batches import encode
from training.recipe import Text
from training.rehearsal import read_rehearsal, taught_as_before

ROW = FeedbackRow("0", "great app 4 thanks", "en", "a.csv", "train", None, None, None, None)
NAMES = (*TOPICS, "baggage")


def test_texts_of_the_first_class_languages_come_with_the_package_and_some_are_held_out() -> None:
    found = read_rehearsal([])

    assert {row.lang for row in found.rows} == {row.lang for row in found.held_out} == {"ar", "en", "fa", "vi"}
    assert len(found.held_out) / len(found.rows) == pytest.approx(1 / 9, abs=0.03)
    assert not {row.id for row in found.rows} & {row.id for row in found.held_out}


def test_a_text_that_is_taught_or_measured_is_not_rehearsed() -> None:
    some = read_rehearsal([])
    own = [replace(ROW, text=f"  {row.text.upper()}") for row in (some.rows[0], some.held_out[0])]

    found = read_rehearsal(own)

    assert (len(found.rows), len(found.held_out)) == (len(some.rows) - 1, len(some.held_out) - 1)


def test_what_a_row_does_not_say_is_taught_as_it_was(tiny_classifier: Classifier, tiny_weights: Path) -> None:
    rows = [
        ROW,
        replace(ROW, sentiment="dissatisfied"),
        replace(ROW, topics=("price",), topics_covered=("price", "baggage")),
        replace(ROW, text="\u200b"),
        replace(ROW, angry=False),
    ]
    encoded = encode(rows, read_tokenizer(tiny_weights / TOKENIZER), Text(max_tokens=32), {}, topics=NAMES)

    taught = taught_as_before(encoded, [row.text for row in rows], tiny_classifier)

    assert taught.shape == (5, 4 + len(NAMES))
    said = ~np.isnan(taught)
    known = [True] * len(TOPICS)
    assert said[0].tolist() == [True] * 4 + known + [False]
    assert said[1].tolist() == [False] * 3 + [True] + known + [False]
    assert said[4].tolist() == [False] * 4 + known + [False]
    assert said[2].tolist() == [True] * 4 + [name != "price" for name in TOPICS] + [False]
    assert not said[3].any()
    assert taught[0, :3].sum() == pytest.approx(1, abs=1e-5)
