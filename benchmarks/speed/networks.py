"""The shipped network as others run it: in torch, as a plain ONNX graph, and as our own graph in float32."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from model.classifier import SHIPPED_WEIGHTS
from model.network import FeedbackNetwork
from training.graph import build_graph
from training.restore import restore

Logits = npt.NDArray[np.float32]


class OneOutput(nn.Module):
    """The network with its logits side by side, as the graph has them."""

    def __init__(self, network: FeedbackNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """(batch, 4 + topics)."""
        found = self.network(input_ids, attention_mask)
        return torch.cat([found.satisfaction, found.anger[:, None], found.topics], dim=1)


def export_plain(path: Path) -> None:
    """Writes the network in float32 with operators that every engine knows; axes are of any size."""
    export_onnx(OneOutput(restore(SHIPPED_WEIGHTS).network).eval(), path)


def export_onnx(network: nn.Module, path: Path) -> None:
    """Traces a network of (input_ids, attention_mask), both (batch, length)."""
    axes = {name: {0: "batch", 1: "length"} for name in ("input_ids", "attention_mask")}
    ids = torch.full((2, 16), 5)
    mask = torch.ones_like(ids)
    mask[1, 12:] = 0  # without padding, the mask could be traced away
    with torch.no_grad(), warnings.catch_warnings():
        # That sizes are compared while tracing; these comparisons come out alike for all sizes that are used.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (ids, mask), str(path), input_names=list(axes), output_names=["logits"],
            dynamic_axes={**axes, "logits": {0: "batch"}}, opset_version=18, dynamo=False,
        )  # fmt: skip


def export_fused(path: Path) -> None:
    """Writes our own graph with every matrix multiplied in float32: what the 8-bit products are worth."""
    restored = restore(SHIPPED_WEIGHTS)
    tensors = {name: tensor.numpy() for name, tensor in restored.network.state_dict().items()}
    path.write_bytes(build_graph(tensors, restored.shape, {}).SerializeToString())


def with_mask(windows: Sequence[Sequence[int]], pad_id: int) -> dict[str, Any]:
    """A padded batch with a mask, in int64."""
    longest = max(map(len, windows))
    mask = np.array([[1] * len(each) + [0] * (longest - len(each)) for each in windows], dtype=np.int64)
    ids = np.full(mask.shape, pad_id, dtype=np.int64)
    ids[mask == 1] = np.concatenate([np.asarray(each) for each in windows])
    return {"input_ids": ids, "attention_mask": mask}
