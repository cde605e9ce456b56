"""Quantising a network that was trained a little further."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from model.manifest import TOKENIZER
from model.session import Session
from model.tokenizer import id_of, read_tokenizer
from tests.conftest import feedback_rows
from training.activations import matrices
from training.graph import build_graph, matrix_names, matrix_of
from training.quantise import MULTIPLIED_LIMIT, Columns, QuantisedMatrix
from training.reference import padded_batches, windows_of
from training.requantise import requantised_graph
from training.restore import Restored, restore


@pytest.fixture
def restored(tiny_weights: Path) -> Restored:
    return restore(tiny_weights)


@pytest.fixture(scope="module")
def windows(tiny_weights: Path) -> list[list[int]]:
    texts = [row["text"] for row in feedback_rows(seed=3)][::3]
    tokenizer = read_tokenizer(tiny_weights / TOKENIZER)
    cut = windows_of(texts, tokenizer, window_tokens=32, max_tokens=128, max_characters=1000)
    return [window for parts in cut for window in parts]


def network_logits(restored: Restored, windows: list[list[int]]) -> np.ndarray:
    found = np.empty((len(windows), 12))
    with torch.no_grad():
        for at, input_ids, mask in padded_batches(windows, pad_id=1):
            found[at] = torch.cat(
                [part.reshape(len(at), -1) for part in restored.network(input_ids, mask)], dim=1
            ).numpy()
    return found


def graph_logits(made: onnx.ModelProto, windows: list[list[int]]) -> np.ndarray:
    return Session(made.SerializeToString(), threads=1, tokens_per_batch=256).logits(windows)


def numbers(made: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {each.name: onnx.numpy_helper.to_array(each) for each in made.graph.initializer if each.name != "pieces"}


def test_what_was_frozen_keeps_its_numbers(restored: Restored, windows: list[list[int]], tiny_weights: Path) -> None:
    made, in_float = requantised_graph(
        restored.network, restored, windows, frozen_layers=1, pad_id=1, keeps_answers=lambda made: True
    )

    before, after = numbers(onnx.load_model(tiny_weights / "model.onnx")), numbers(made)
    for name in (name for name in before if name.startswith("0.")):
        np.testing.assert_allclose(after[name], before[name], rtol=1e-6, err_msg=name)
    assert in_float == []


def test_what_moved_by_less_than_a_step_is_not_rounded_away(restored: Restored, windows: list[list[int]]) -> None:
    before = network_logits(restored, windows)[:, 0].mean()
    _, input_ids, mask = padded_batches(windows, pad_id=1)[0]
    restored.network(input_ids, mask).satisfaction[:, 0].mean().backward()
    trained = {
        name: module.weight
        for name, module in matrices(restored.network).items()
        if name.startswith("1.") and isinstance(module, torch.nn.Linear)
    }
    with torch.no_grad():
        for name, weight in trained.items():
            old = restored.integer[name]
            steps = (old.columns.scales[: len(weight)] / old.smoothing[:, None]).T
            assert weight.grad is not None
            weight.add_(0.4 * torch.from_numpy(steps) * torch.sign(weight.grad))
    moved = network_logits(restored, windows)[:, 0].mean() - before

    made, _ = requantised_graph(
        restored.network, restored, windows, frozen_layers=1, pad_id=1, keeps_answers=lambda made: True
    )

    assert moved > 0.02
    assert graph_logits(made, windows)[:, 0].mean() - before == pytest.approx(moved, rel=0.2)
    weights = {name: value.numpy() for name, value in restored.network.state_dict().items()}
    rounded = {
        name: replace(old, columns=Columns(_rounded(weights, name, old), old.columns.scales))
        for name, old in restored.integer.items()
    }
    lost = graph_logits(build_graph(weights, restored.shape, rounded), windows)[:, 0].mean() - before
    assert abs(lost) < 0.3 * moved, "rounded to the old steps, most of it would be gone"


def _rounded(weights: dict[str, np.ndarray], name: str, old: QuantisedMatrix) -> np.ndarray:
    smooth = matrix_of(weights, name)[0] * old.smoothing[:, None]
    return np.clip(np.rint(smooth / old.columns.scales), -MULTIPLIED_LIMIT, MULTIPLIED_LIMIT).astype(np.int8)


def test_where_answers_change_more_and_more_matrices_are_multiplied_in_float(
    restored: Restored, windows: list[list[int]]
) -> None:
    asked: list[int] = []

    def never(made: onnx.ModelProto) -> bool:
        asked.append(sum(node.op_type == "QuantizeLinear" for node in made.graph.node))
        return False

    _, in_float = requantised_graph(
        restored.network, restored, windows, frozen_layers=1, pad_id=id_of(restored.tokenizer, "<pad>"),
        keeps_answers=never,
    )  # fmt: skip

    assert in_float == [name for name in matrix_names(restored.shape) if name.startswith("1.")]
    assert (asked[0], asked[-1]) == (8, 4)
    assert asked == sorted(asked, reverse=True)
