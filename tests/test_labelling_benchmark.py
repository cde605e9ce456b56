"""The benchmark of labelling runs from rows to tables, and what it calls planted is planted."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.labelling import __main__ as command
from benchmarks.labelling import chosen, planted
from benchmarks.labelling.rows import Read
from data.rows import FeedbackRow
from model.calibration import HeadLogits
from model.classifier import SHIPPED_WEIGHTS
from model.config import read_config
from model.labels import MOODS


@pytest.fixture
def read() -> Read:
    """Rows whose vectors tell their moods apart, and weights that know nothing."""
    chance = np.random.default_rng(0)
    centres = chance.normal(scale=0.6, size=(4, 384))
    moods = [MOODS[at % 4] for at in range(160)]
    rows = [
        FeedbackRow(str(at), f"text {at} {at * 7919}", "en", "s", "train",
                    "dissatisfied" if mood == "angry" else mood, mood == "angry", ("price",) if at % 3 else (), None)
        for at, mood in enumerate(moods)
    ]  # fmt: skip
    vectors = centres[[MOODS.index(mood) for mood in moods]] + chance.normal(size=(160, 384))
    heads = HeadLogits(np.zeros((160, 3)), np.zeros(160), np.zeros((160, 8)))
    return Read(rows, vectors, heads, read_config(SHIPPED_WEIGHTS / "config.json"))


def test_planted_errors_are_found_by_what_knows_and_not_by_what_does_not(read):
    measured = planted.measure(read, seeds=2)
    ways = measured["ways"]
    assert measured["planted"] == 8
    found = {name: way["precision_at_planted"]["mean"] for name, way in ways.items()}
    assert found["regression on vectors"] > 0.5
    assert found["weights"] < 0.2
    assert planted.USED in ways
    assert all(line.count("|") == 7 for line in command.errors_table({"annotated": measured}))


def test_labels_are_chosen_in_every_way_and_shown(read, monkeypatch):
    monkeypatch.setattr(chosen, "BUDGETS", (12, 40))
    measured = chosen.measure(read, seeds=2)
    assert set(measured["tasks"]) == {"mood", "topics"}
    assert set(measured["tasks"]["mood"]["ways"]) == set(chosen.WAYS)
    assert measured["tasks"]["mood"]["all_of_the_pool"]["mean"] > 0.9
    table = command.labels_table({"annotated": measured})
    assert len(table) == 2 + 2 * len(chosen.WAYS)
    assert "| 12 labels | 40 labels |" in table[0]
