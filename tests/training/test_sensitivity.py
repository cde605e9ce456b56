"""Which matrices the answers depend on, held against graphs in which one matrix alone is multiplied as integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from model.session import Session
from tests.conftest import feedback_rows
from training.activations import watch_inputs
from training.graph import build_graph, matrix_names, matrix_of
from training.quantise import quantised_matrix
from training.reference import padded_batches, windows_of
from training.restore import Restored, restore
from training.sensitivity import logit_changes


@pytest.fixture(params=["tiny_weights", "own_topics_weights"])
def restored(request: pytest.FixtureRequest) -> Restored:
    weights: Path = request.getfixturevalue(request.param)
    return restore(weights)


def test_changes_are_those_of_graphs_with_one_integer_matrix(restored: Restored) -> None:
    texts = [row["text"] for row in feedback_rows(seed=3)]
    cut = windows_of(texts, restored.tokenizer, window_tokens=32, max_tokens=128, max_characters=1000)
    windows = [window for parts in cut for window in parts]
    network = restored.network
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    inputs = watch_inputs(network, ((input_ids, mask) for _, input_ids, mask in padded_batches(windows, pad_id=1)))
    made = {name: quantised_matrix(matrix_of(weights, name)[0], inputs[name]) for name in matrix_names(restored.shape)}
    trainable = [each.requires_grad for each in network.parameters()]

    found = logit_changes(network, made, windows, pad_id=1)

    def logits(*integer: str) -> np.ndarray:
        graph = build_graph(weights, restored.shape, {name: made[name] for name in integer})
        return Session(graph.SerializeToString(), threads=1, tokens_per_batch=256).logits(windows)

    exact = _network_logits(restored, windows)
    # A matrix that is not multiplied as integers is stored in 8 bits, which changes a little, too; in the square of the
    # sum of both changes stand each one's own and twice their product.
    stored = np.square(logits() - exact).mean()
    changed = {name: float(np.square(logits(name) - exact).mean()) for name in made}
    assert list(found) == list(made)
    for name in made:
        around = stored + 2 * np.sqrt(stored * changed[name])
        assert found[name] == pytest.approx(changed[name], rel=0.4, abs=around), name
    # Two that change about as much may stand the other way round.
    worst = max(found, key=lambda name: found[name])
    assert changed[worst] >= 0.6 * max(changed.values())
    assert [each.requires_grad for each in network.parameters()] == trainable


def _network_logits(restored: Restored, windows: list[list[int]]) -> np.ndarray:
    parts = np.empty((len(windows), 4 + restored.network.topic_count))
    with torch.no_grad():
        for at, input_ids, mask in padded_batches(windows, pad_id=1):
            said = restored.network(input_ids, mask)
            parts[at] = torch.cat([part.reshape(len(at), -1) for part in said], dim=1).numpy()
    return parts
