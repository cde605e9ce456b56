"""Watching what each matrix of a network is given, so that quantised activations get a fitting fixed scale."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from model.network import FeedbackNetwork
from training.quantise import Floats


def watch_inputs(
    network: FeedbackNetwork, batches: Iterable[tuple[Tensor, Tensor]], *, tokens: int = 6144
) -> dict[str, Floats]:
    """Runs batches of (input_ids, attention_mask) and keeps what each matrix is given, (tokens, channels).

    Padding is left out, and of more than `tokens` tokens an even sample is kept. Keys are as in
    `training.graph.build_graph`.
    """
    watched: dict[str, list[Tensor]] = {name: [] for name in matrices(network)}
    real = torch.empty(0)

    def noting(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def note(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            given = inputs[0][real]
            watched[name].append(given[:: max(1, len(given) // per_batch)])

        return note

    listed = list(batches)
    per_batch = max(1, tokens // max(1, len(listed)))
    hooks = [module.register_forward_pre_hook(noting(name)) for name, module in matrices(network).items()]
    try:
        with torch.no_grad():
            for input_ids, mask in listed:
                real = mask.bool()
                network(input_ids, mask)
    finally:
        for hook in hooks:
            hook.remove()
    order = np.random.default_rng(0)
    return {name: order.permutation(torch.cat(parts).numpy()) for name, parts in watched.items()}


def matrices(network: FeedbackNetwork) -> dict[str, nn.Module]:
    """The matrices of the encoder that are quantised, by the names that the graph gives them."""
    named: dict[str, nn.Module] = {}
    for number, layer in enumerate(cast(Any, network.encoder).encoder.layer):
        named[f"{number}.qkv"] = layer.attention.self.query  # key and value have the same input
        named[f"{number}.attended"] = layer.attention.output.dense
        named[f"{number}.inner"] = layer.intermediate.dense
        named[f"{number}.outer"] = layer.output.dense
    return named
