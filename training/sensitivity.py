"""Which matrices of a network can be multiplied as integers without its answers changing."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from model.session import Logits, Session
from training.graph import Shape, build_graph
from training.quantise import Floats, QuantisedMatrix


def logit_changes(
    weights: Mapping[str, Floats],
    shape: Shape,
    quantised: Mapping[str, QuantisedMatrix],
    windows: Sequence[Sequence[int]],
    *,
    pad_id: int,
) -> dict[str, float]:
    """The mean square change of the logits on `windows` when one matrix alone is multiplied as integers.

    Errors of single products do not tell it: what a layer does wrong, later ones may amplify or ignore.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.onnx"

        def logits(integer: Mapping[str, QuantisedMatrix]) -> Logits:
            path.write_bytes(build_graph(weights, shape, integer).SerializeToString())
            return Session(path, threads=2, tokens_per_batch=1024, pad_id=pad_id).logits(windows)

        exact = logits({})
        return {name: float(np.square(logits({name: made}) - exact).mean()) for name, made in quantised.items()}
