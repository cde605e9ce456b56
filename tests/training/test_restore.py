"""From a weights folder back to a network: what it says before and after."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from model.calibration import HeadLogits, mood_probabilities
from model.classifier import SHIPPED_WEIGHTS, Classifier, load
from model.decision import decided_moods
from model.errors import WeightsError
from model.manifest import GRAPH, write_manifest
from model.tokenizer import id_of
from tests.conftest import feedback_rows
from training.graph import build_graph, matrix_names, matrix_of
from training.quantise import MULTIPLIED_LIMIT, rounded_columns
from training.reference import torch_logits, windows_of
from training.restore import Restored, restore

SAMPLES = Path(__file__).parents[2] / "data" / "samples" / "feedback.csv"


def sample_texts() -> list[str]:
    with SAMPLES.open(encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file)]


def of_network(restored: Restored, classifier: Classifier, texts: list[str]) -> HeadLogits:
    limits = classifier.info.config.limits
    windows = windows_of(
        texts, restored.tokenizer,
        window_tokens=limits.window_tokens, max_tokens=limits.max_tokens, max_characters=limits.max_characters,
    )  # fmt: skip
    return torch_logits(restored.network, windows, pad_id=id_of(restored.tokenizer, "<pad>"))


def agreement(classifier: Classifier, one: HeadLogits, other: HeadLogits) -> tuple[float, float]:
    """The share of moods that are the same, and the largest difference of a mood's probability."""
    config = classifier.info.config
    ours, theirs = mood_probabilities(one, config.calibration), mood_probabilities(other, config.calibration)
    same = decided_moods(ours, config.thresholds.angry) == decided_moods(theirs, config.thresholds.angry)
    return float(same.mean()), float(np.abs(ours - theirs).max())


@pytest.fixture(scope="module")
def shipped() -> Restored:
    return restore(SHIPPED_WEIGHTS)


@pytest.fixture(scope="module")
def shipped_classifier() -> Classifier:
    return load(SHIPPED_WEIGHTS)


def test_the_tiny_weights_say_the_same_as_the_network_that_they_become(
    tiny_weights: Path, tiny_classifier: Classifier
) -> None:
    texts = [row["text"] for row in feedback_rows()]
    heads, kept = tiny_classifier.logits(texts)
    assert len(kept) == len(texts)

    same, furthest = agreement(tiny_classifier, heads, of_network(restore(tiny_weights), tiny_classifier, texts))

    assert same >= 0.98
    assert furthest < 0.15


def test_the_shipped_weights_say_the_same_as_the_network_that_they_become(
    shipped: Restored, shipped_classifier: Classifier
) -> None:
    texts = sample_texts()
    heads, _ = shipped_classifier.logits(texts)

    same, furthest = agreement(shipped_classifier, heads, of_network(shipped, shipped_classifier, texts))

    assert same >= 0.98
    assert furthest < 0.15


@pytest.mark.parametrize("which", ["tiny", "shipped"])
def test_exported_again_with_the_same_scales_the_graph_has_the_same_numbers(
    which: str, tiny_weights: Path, shipped: Restored
) -> None:
    folder, restored = (SHIPPED_WEIGHTS, shipped) if which == "shipped" else (tiny_weights, restore(tiny_weights))
    weights = {name: value.numpy() for name, value in restored.network.state_dict().items()}

    made = build_graph(weights, restored.shape, restored.integer)

    before = {each.name: each for each in onnx.load_model(folder / GRAPH).graph.initializer}
    after = {each.name: each for each in made.graph.initializer}
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        ours, theirs = (onnx.numpy_helper.to_array(each).astype(np.float64) for each in (after[name], tensor))
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7, err_msg=name)


def test_the_integers_of_a_matrix_come_back_from_its_floats(tiny_weights: Path) -> None:
    restored = restore(tiny_weights)
    weights = {name: value.numpy() for name, value in restored.network.state_dict().items()}
    for name in matrix_names(restored.shape):
        kept = restored.integer[name]
        smooth = matrix_of(weights, name)[0] * kept.smoothing[:, None]
        again = np.rint(smooth / kept.columns.scales)
        assert np.array_equal(again, kept.columns.values)
        # Rounding anew keeps them too where the largest value of a column stands at its limit.
        anew = rounded_columns(smooth, limit=MULTIPLIED_LIMIT).values
        full = np.abs(kept.columns.values).max(axis=0) == MULTIPLIED_LIMIT
        assert np.array_equal(anew[:, full], kept.columns.values[:, full])


def test_what_is_no_graph_of_ours_is_refused(tiny_weights: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_weights, tmp_path / "weights")
    model = onnx.load_model(folder / GRAPH)
    kept = [each for each in model.graph.initializer if each.name != "1.inner.w"]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    onnx.save_model(model, folder / GRAPH)
    write_manifest(folder)

    with pytest.raises(WeightsError, match="is no graph that can be trained on"):
        restore(folder)


def test_a_damaged_folder_is_refused(tiny_weights: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_weights, tmp_path / "weights")
    (folder / GRAPH).write_bytes((folder / GRAPH).read_bytes()[:-10])

    with pytest.raises(WeightsError, match="changed since it was exported"):
        restore(folder)
