"""Watching what each matrix of a network is given, so that quantised activations get a fitting fixed scale."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from model.network import FeedbackNetwork
from training.graph import MODULES
from training.quantise import Floats


def watch_inputs(
    network: FeedbackNetwork,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    names: Iterable[str] | None = None,
    tokens: int = 6144,
) -> dict[str, Floats]:
    """Runs batches of (input_ids, attention_mask) and keeps what each matrix is given, (tokens, channels).

    Padding is left out, and of more than `tokens` tokens an even sample is kept. Keys are as in
    `training.graph.build_graph`: `names`, or all.
    """
    every = matrices(network)
    watched: dict[str, list[Tensor]] = {name: [] for name in (every if names is None else names)}
    real = torch.empty(0)

    def noting(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def note(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            given = inputs[0][real]
            # Cloned: a view of a few would keep all tokens of all batches in memory.
            watched[name].append(given[:: max(1, len(given) // per_batch)].clone())

        return note

    listed = list(batches)
    per_batch = max(1, tokens // max(1, len(listed)))
    hooks = [every[name].register_forward_pre_hook(noting(name)) for name in watched]
    try:
        with torch.no_grad():
            for input_ids, mask in listed:
                real = mask.bool()
                network(input_ids, mask)
    finally:
        for hook in hooks:
            hook.remove()
    order = np.random.default_rng(0)
    # What is put together is let go of at once: all of it together are hundreds of megabytes.
    return {name: order.permutation(torch.cat(watched.pop(name)).numpy()) for name in list(watched)}


def matrices(network: FeedbackNetwork) -> dict[str, nn.Module]:
    """A module that is given what each matrix is given, by the names that the graph gives the matrices."""
    return {name: modules[0] for name, modules in modules_of(network).items()}


def modules_of(network: FeedbackNetwork) -> dict[str, list[nn.Module]]:
    """The modules that each quantised matrix of the encoder is put together from, which have the same input."""
    layers = cast(Any, network.encoder).encoder.layer
    return {
        f"{number}.{kind}": [layer.get_submodule(module) for module in modules]
        for number, layer in enumerate(layers)
        for kind, modules in MODULES.items()
    }
