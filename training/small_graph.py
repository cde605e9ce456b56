"""The graph of a small network beside that of the full one, whose embedding table it shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import onnx
from onnx import TensorProto

from model.errors import WeightsError
from model.network import FeedbackNetwork
from training.activations import watch_inputs
from training.graph import Shape, build_graph, matrix_names, matrix_of
from training.quantise import quantised_matrix
from training.reference import padded_batches

_SHARED = ("pieces", "piece_scales")


def small_graph(
    student: FeedbackNetwork, shape: Shape, windows: Sequence[Sequence[int]], *, pad_id: int
) -> onnx.ModelProto:
    """The student's graph, all of its matrices multiplied as integers; activations are measured on `windows`.

    `shape` is that of the network that the student was cut from.
    """
    weights = student.arrays()
    batches = padded_batches(windows, pad_id=pad_id)
    inputs = watch_inputs(student.eval(), ((input_ids, mask) for _, input_ids, mask in batches))
    shape = replace(shape, layers=cast(Any, student.encoder).config.num_hidden_layers)
    quantised = {name: quantised_matrix(matrix_of(weights, name)[0], inputs[name]) for name in matrix_names(shape)}
    return build_graph(weights, shape, quantised)


def share_table(small: onnx.ModelProto, full: Path) -> None:
    """Takes the embedding table out of the small graph and notes where that of the file `full` stands in its place.

    The two files then belong in one folder, and to each other.

    Raises:
        WeightsError: the table of `full` is of another size.
    """
    content = full.read_bytes()
    tables = {part.name: part for part in onnx.load_model_from_string(content).graph.initializer}
    for part in small.graph.initializer:
        if part.name not in _SHARED:
            continue
        table = tables[part.name]
        if len(table.raw_data) != len(part.raw_data):
            raise WeightsError(
                f"{full}: has another embedding table than the small network; distil it from this folder"
            )
        part.ClearField("raw_data")
        part.data_location = TensorProto.EXTERNAL
        place = {"location": full.name, "offset": content.index(table.raw_data), "length": len(table.raw_data)}
        for key, value in place.items():
            part.external_data.add(key=key, value=str(value))
