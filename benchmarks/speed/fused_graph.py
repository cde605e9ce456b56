"""The graph in operators that onnxruntime has fused, as rida exported it before they were found to be slower.

Queries, keys and values stay three products, as they are now; there was one, whose columns were parted at each run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
from onnx import TensorProto, helper

from benchmarks.speed.unused import drop_unused
from training.graph import HEADS_SHAPE, Shape
from training.pooled import LOGITS
from training.quantise import BLOCK


def fused(model: onnx.ModelProto, shape: Shape) -> onnx.ModelProto:
    """The same numbers, with attention, skip layer normalisation and the look-up of pieces in one operator each."""
    older = onnx.ModelProto()
    older.CopyFrom(model)
    sums = {node.name: node.input for node in model.graph.node if node.op_type == "Add"}
    heads: dict[str, list[str]] = {}
    for node in model.graph.node:
        if node.op_type == "Reshape" and node.input[1] == HEADS_SHAPE:
            heads.setdefault(node.name.partition(".")[0], []).append(node.input[0])
    del older.graph.node[:]
    older.graph.node.extend(_fused(node, sums, heads, shape) for node in model.graph.node)
    drop_unused(older, LOGITS)
    pieces = next(each for each in older.graph.initializer if each.name == "pieces")
    pieces.data_type = TensorProto.INT4
    pieces.dims[1] *= 2
    return older


def _fused(
    node: onnx.NodeProto, sums: Mapping[str, Sequence[str]], heads: Mapping[str, Sequence[str]], shape: Shape
) -> onnx.NodeProto:
    """What stands in the place of a node, where it is the last of some that are fused; else the node."""

    def made(kind: str, inputs: Sequence[str], domain: str = "com.microsoft", **attributes: Any) -> onnx.NodeProto:
        return helper.make_node(kind, inputs, node.output, node.name, domain=domain, **attributes)

    if node.name == "words":
        inputs = ["pieces", "input_ids", "piece_scales"]
        return made("GatherBlockQuantized", inputs, gather_axis=0, quantize_axis=1, block_size=BLOCK)
    if node.name.endswith(".attention"):
        parts = heads[node.name.removesuffix(".attention")]
        return made("MultiHeadAttention", [*parts, "", "lengths"], num_heads=shape.heads)
    # These had the batch first.
    if node.name == "embedding_norm":
        return made("LayerNormalization", ["embedded", *node.input[1:]], domain="", epsilon=shape.epsilon, axis=-1)
    if node.name.endswith("pooled_row"):
        return made("MatMul", node.input, domain="")
    if node.op_type == "LayerNormalization":
        return made("SkipLayerNormalization", [*sums[node.input[0]], *node.input[1:]], epsilon=shape.epsilon)
    return node
