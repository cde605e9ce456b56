from pathlib import Path

import numpy as np
import pytest
import torch

from model.network import FeedbackNetwork, load_network
from model.onnxruntime_graph import OnnxruntimeGraph
from training.activations import watch_inputs
from training.graph import Shape, build_graph, matrix_names, matrix_of
from training.quantise import quantised_matrix

SHAPE = Shape(layers=2, width=64, heads=2, positions=64, epsilon=1e-12)


@pytest.fixture(scope="module")
def network(tiny_network: Path) -> FeedbackNetwork:
    return load_network(tiny_network)


@pytest.fixture(scope="module")
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    lengths = torch.tensor([5, 17, 30, 30, 2])
    input_ids = torch.randint(4, 200, (5, 30), generator=torch.Generator().manual_seed(1))
    mask = (torch.arange(30) < lengths.unsqueeze(1)).long()
    return input_ids * mask + (1 - mask), mask


def run(network: FeedbackNetwork, batch: tuple[torch.Tensor, torch.Tensor], kind: str) -> np.ndarray:
    inputs = watch_inputs(network, [batch])
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    names = matrix_names(SHAPE) if kind == "int8" else []
    integer = {name: quantised_matrix(matrix_of(weights, name)[0], inputs[name]) for name in names}
    graph = OnnxruntimeGraph(build_graph(weights, SHAPE, integer).SerializeToString())
    input_ids, mask = (part.numpy().astype(np.int32) for part in batch)
    return graph.run(input_ids, mask.sum(axis=1, dtype=np.int32))


@pytest.mark.parametrize(("kind", "tolerance"), [("float", 0.6), ("int8", 1.2)])
def test_the_graph_computes_what_the_network_does(
    network: FeedbackNetwork, batch: tuple[torch.Tensor, torch.Tensor], kind: str, tolerance: float
) -> None:
    with torch.no_grad():
        expected = torch.cat([part.reshape(5, -1) for part in network(*batch)], dim=1).numpy()
    found = run(network, batch, kind)
    assert found.shape == expected.shape == (5, 12)
    assert np.abs(found - expected).max() < tolerance
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.995


def test_padding_is_not_watched(network: FeedbackNetwork, batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    input_ids, mask = batch
    other = torch.where(mask == 1, input_ids, torch.full_like(input_ids, 9))
    first, second = watch_inputs(network, [(input_ids, mask)]), watch_inputs(network, [(other, mask)])
    for name, inputs in first.items():
        assert len(inputs) == mask.sum()
        assert np.allclose(inputs, second[name], rtol=1e-3, atol=1e-4)


def test_of_many_tokens_a_sample_is_kept(network: FeedbackNetwork, batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    assert {len(inputs) for inputs in watch_inputs(network, [batch] * 4, tokens=80).values()} == {84}


def test_tokens_that_are_not_in_the_sample_are_let_go(
    network: FeedbackNetwork, batch: tuple[torch.Tensor, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    joined, kept = torch.cat, list[torch.Tensor]()

    def noting(parts: list[torch.Tensor]) -> torch.Tensor:
        kept.extend(parts)
        return joined(parts)

    monkeypatch.setattr(torch, "cat", noting)
    assert list(watch_inputs(network, [batch] * 4, names=["1.inner"], tokens=80)) == ["1.inner"]
    assert len(kept) == 4
    assert all(part.untyped_storage().nbytes() == part.nbytes for part in kept)
