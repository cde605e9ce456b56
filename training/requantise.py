"""From a network that was trained a little further to a graph like the one it came from.

A restored weight stands exactly on a step of its old scale, and a little training moves it by less than half of one:
rounded to the same steps, what was learned would be lost. So the matrices that were trained are quantised anew, on
texts like those to be scored, with rounding that makes good its own errors; those that were frozen stay as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

import onnx

from model.network import FeedbackNetwork
from training.activations import watch_inputs
from training.graph import build_graph, matrix_names, matrix_of
from training.quantise import Floats, QuantisedMatrix, quantised_matrix
from training.reference import padded_batches
from training.restore import Restored
from training.sensitivity import logit_changes

log = logging.getLogger(__name__)

_FLOAT_SHARES = (0.0, 0.125, 0.25, 0.5, 1.0)
"""Shares of the trained matrices, those that change the logits most first, to multiply in float32."""

_PROBED_WINDOWS = 96

Windows = Sequence[Sequence[int]]


def requantised_graph(
    network: FeedbackNetwork,
    before: Restored,
    windows: Windows,
    *,
    frozen_layers: int,
    pad_id: int,
    keeps_answers: Callable[[onnx.ModelProto], bool],
) -> tuple[onnx.ModelProto, list[str]]:
    """The graph of a trained network, and the matrices of it that are multiplied in float32.

    `windows` are those of texts to measure activations on. Where `keeps_answers` does not hold, more and more of the
    trained matrices are multiplied in float32, down to all of them.
    """
    weights = network.arrays()
    integer = _requantised(network, before, weights, windows, frozen_layers, pad_id)
    trained = [name for name in integer if int(name.split(".")[0]) >= frozen_layers]
    by_change: list[str] = []
    for share in _FLOAT_SHARES:
        if share and not by_change:
            log.info("the quantised network answers otherwise too often; looking which matrices that depends on")
            candidates = {name: integer[name] for name in trained}
            changes = logit_changes(network, candidates, _spread(windows, _PROBED_WINDOWS), pad_id=pad_id)
            by_change = sorted(changes, key=lambda name: changes[name], reverse=True)
        in_float = set(by_change[: round(share * len(by_change))])
        made = build_graph(weights, before.shape, {name: integer[name] for name in integer if name not in in_float})
        if keeps_answers(made):
            break
    multiplied = [name for name in matrix_names(before.shape) if name not in integer or name in in_float]
    return made, multiplied


def _requantised(
    network: FeedbackNetwork,
    before: Restored,
    weights: Mapping[str, Floats],
    windows: Windows,
    frozen_layers: int,
    pad_id: int,
) -> dict[str, QuantisedMatrix]:
    trained = [name for name in before.integer if int(name.split(".")[0]) >= frozen_layers]
    batches = padded_batches(windows, pad_id=pad_id)
    inputs = watch_inputs(network.eval(), ((input_ids, mask) for _, input_ids, mask in batches), names=trained)
    anew = {name: quantised_matrix(matrix_of(weights, name)[0], inputs.pop(name)) for name in trained}
    return {name: anew.get(name, kept) for name, kept in before.integer.items()}


def _spread(windows: Windows, most: int) -> Windows:
    """At most so many windows, evenly over all of them: first come the own ones, then those rehearsed."""
    return windows[:: max(1, -(-len(windows) // most))]
