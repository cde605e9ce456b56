"""Watching what each matrix of a network is given, so that quantised activations get a fitting fixed scale."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor, nn

from model.network import FeedbackNetwork
from training.quantise import SeenInputs


def watch_inputs(network: FeedbackNetwork, batches: Iterable[tuple[Tensor, Tensor]]) -> dict[str, SeenInputs]:
    """Runs batches of (input_ids, attention_mask) and notes what each matrix is given, without padding.

    Keys are as in `training.graph.build_graph`.
    """
    watched = {name: _Watch(module) for name, module in matrices(network).items()}
    try:
        with torch.no_grad():
            for input_ids, mask in batches:
                for watch in watched.values():
                    watch.real = mask.bool()
                network(input_ids, mask)
    finally:
        for watch in watched.values():
            watch.hook.remove()
    return {name: watch.seen() for name, watch in watched.items()}


class _Watch:
    """Notes what one module is given while it is hooked."""

    def __init__(self, module: nn.Module) -> None:
        self.real = torch.empty(0)
        self._low: list[Tensor] = []
        self._high: list[Tensor] = []
        self._products = torch.zeros(())
        self._count = 0
        self.hook = module.register_forward_pre_hook(self._note)

    def _note(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        given = inputs[0][self.real]
        self._low.append(given.amin(dim=0))
        self._high.append(given.amax(dim=0))
        self._products = self._products + given.T @ given
        self._count += len(given)

    def seen(self) -> SeenInputs:
        low, high = torch.stack(self._low).amin(dim=0), torch.stack(self._high).amax(dim=0)
        return SeenInputs(low.numpy(), high.numpy(), (self._products / self._count).numpy())


def matrices(network: FeedbackNetwork) -> dict[str, nn.Module]:
    """The matrices of the encoder that are quantised, by the names that the graph gives them."""
    named: dict[str, nn.Module] = {}
    for number, layer in enumerate(cast(Any, network.encoder).encoder.layer):
        named[f"{number}.qkv"] = layer.attention.self.query  # key and value have the same input
        named[f"{number}.attended"] = layer.attention.output.dense
        named[f"{number}.inner"] = layer.intermediate.dense
        named[f"{number}.outer"] = layer.output.dense
    return named
