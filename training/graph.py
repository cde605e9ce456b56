"""Writes a trained network as one self-contained ONNX graph, in the fused operators of onnxruntime.

The graph is built operator by operator instead of traced: what is quantised, and how, stays in plain
sight. Inputs: `input_ids` (batch, length) int32 and `lengths` (batch,) int32, padding on the right. Output:
`logits` (batch, 4 + topics): satisfaction (3), anger (1), topics (8), then own ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from model.labels import TOPICS
from training.own_heads import set_own_heads
from training.quantise import BLOCK, STORED_LIMIT, Floats, QuantisedMatrix, blocks, rounded_columns

_FUSED = "com.microsoft"
_OPSET = 21

# From the graph's name of a matrix to the torch modules that it is put together from.
MODULES = {
    "qkv": ("attention.self.query", "attention.self.key", "attention.self.value"),
    "attended": ("attention.output.dense",),
    "inner": ("intermediate.dense",),
    "outer": ("output.dense",),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes that a BERT encoder's graph depends on."""

    layers: int
    width: int
    heads: int
    positions: int
    epsilon: float


@dataclass(slots=True)
class GraphBuilder:
    """Collects nodes and constants; every method returns the name of the value it adds."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        """Adds a constant."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, name: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Adds an operator whose one output has the operator's name."""
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, domain=domain, **attributes))
        return name


def build_graph(weights: Mapping[str, Floats], shape: Shape, integer: Mapping[str, QuantisedMatrix]) -> onnx.ModelProto:
    """Builds the graph of a network.

    `weights` are the network's tensors by their torch names, the embedding table already trimmed. The matrices
    in `integer`, named as in `matrix_names`, are multiplied as integers; the others are stored in 8 bits and
    multiplied in float32.
    """
    graph = GraphBuilder()
    hidden = _embeddings(graph, weights, shape)
    for layer in range(shape.layers):
        hidden = _layer(graph, weights, shape, layer, hidden, integer)
    _pooled_logits(graph, weights, hidden)
    model = _model(graph)
    if "own.weight" in weights:
        set_own_heads(model, weights["own.weight"].T, weights["own.bias"])
    return model


def matrix_names(shape: Shape) -> list[str]:
    """The encoder's matrices as the graph names them: `0.qkv`, `0.attended`, `0.inner`, `0.outer`, and so on."""
    return [f"{layer}.{kind}" for layer in range(shape.layers) for kind in MODULES]


def matrix_of(weights: Mapping[str, Floats], name: str) -> tuple[Floats, Floats]:
    """A matrix of the encoder, (inputs, outputs), and its bias."""
    layer, kind = name.split(".")
    prefix = f"encoder.encoder.layer.{layer}"
    matrix = np.concatenate([weights[f"{prefix}.{module}.weight"].T for module in MODULES[kind]], axis=1)
    return matrix, np.concatenate([weights[f"{prefix}.{module}.bias"] for module in MODULES[kind]])


def _product(
    graph: GraphBuilder, weights: Mapping[str, Floats], integer: Mapping[str, QuantisedMatrix], name: str, value: str
) -> str:
    matrix, bias = matrix_of(weights, name)
    if name in integer:
        return _integer_product(graph, name, value, integer[name], bias)
    stored = rounded_columns(matrix, limit=STORED_LIMIT)
    # Expanded once, when the session is made: small on disk, float in use.
    wide = graph.node("Cast", f"{name}.wide", graph.constant(f"{name}.w", stored.values), to=TensorProto.FLOAT)
    expanded = graph.node("Mul", f"{name}.expanded", wide, graph.constant(f"{name}.s", stored.scales))
    multiplied = graph.node("MatMul", f"{name}.product", value, expanded)
    return graph.node("Add", f"{name}.sum", multiplied, graph.constant(f"{name}.b", bias))


def _integer_product(graph: GraphBuilder, name: str, value: str, quantised: QuantisedMatrix, bias: Floats) -> str:
    factor = graph.constant(f"{name}.smoothing", 1 / quantised.smoothing)
    smooth = graph.node("Mul", f"{name}.smooth", value, factor)
    scale = graph.constant(f"{name}.scale", np.array(quantised.scale))
    zero = graph.constant(f"{name}.zero", np.array(quantised.zero))
    integers = graph.node("QuantizeLinear", f"{name}.quantised", smooth, scale, zero)
    return graph.node(
        "MatMulIntegerToFloat", f"{name}.product",
        integers, graph.constant(f"{name}.w", quantised.columns.values),
        scale, graph.constant(f"{name}.s", quantised.columns.scales),
        zero, "", graph.constant(f"{name}.b", bias),
        domain=_FUSED,
    )  # fmt: skip


def _embeddings(graph: GraphBuilder, weights: Mapping[str, Floats], shape: Shape) -> str:
    prefix = "encoder.embeddings"
    table = blocks(weights[f"{prefix}.word_embeddings.weight"])
    rows, half = table.packed.shape
    graph.constants.append(
        helper.make_tensor("pieces", TensorProto.INT4, (rows, half * 2), table.packed.tobytes(), raw=True)
    )
    words = graph.node(
        "GatherBlockQuantized", "words", "pieces", "input_ids", graph.constant("piece_scales", table.scales),
        domain=_FUSED, gather_axis=0, quantize_axis=1, block_size=BLOCK,
    )  # fmt: skip
    # Every text is one segment, so its type's embedding belongs to each position.
    positions = weights[f"{prefix}.position_embeddings.weight"][: shape.positions]
    positions = positions + weights[f"{prefix}.token_type_embeddings.weight"][0]
    size = graph.node("Shape", "size", "input_ids", start=1, end=2)
    sliced = graph.node(
        "Slice", "positions", graph.constant("all_positions", positions),
        graph.constant("zero", np.array([0])), size, graph.constant("first_axis", np.array([0])),
    )  # fmt: skip
    summed = graph.node("Add", "embedded", words, sliced)
    return graph.node(
        "LayerNormalization", "embedding_norm", summed,
        graph.constant("embedding_norm.w", weights[f"{prefix}.LayerNorm.weight"]),
        graph.constant("embedding_norm.b", weights[f"{prefix}.LayerNorm.bias"]),
        axis=-1, epsilon=shape.epsilon,
    )  # fmt: skip


def _layer(
    graph: GraphBuilder,
    weights: Mapping[str, Floats],
    shape: Shape,
    layer: int,
    hidden: str,
    integer: Mapping[str, QuantisedMatrix],
) -> str:
    prefix = f"encoder.encoder.layer.{layer}"

    def product(kind: str, value: str) -> str:
        return _product(graph, weights, integer, f"{layer}.{kind}", value)

    def norm(name: str, value: str, skipped: str, torch_name: str) -> str:
        return graph.node(
            "SkipLayerNormalization", f"{layer}.{name}", value, skipped,
            graph.constant(f"{layer}.{name}.w", weights[f"{prefix}.{torch_name}.weight"]),
            graph.constant(f"{layer}.{name}.b", weights[f"{prefix}.{torch_name}.bias"]),
            domain=_FUSED, epsilon=shape.epsilon,
        )  # fmt: skip

    qkv = product("qkv", hidden)
    parts = [f"{layer}.query", f"{layer}.key", f"{layer}.value"]
    graph.nodes.append(helper.make_node("Split", [qkv], parts, name=f"{layer}.split", axis=-1, num_outputs=3))
    attended = graph.node(
        "MultiHeadAttention",
        f"{layer}.attention",
        *parts,
        "",
        "lengths",
        domain=_FUSED,
        num_heads=shape.heads,
    )
    middle = norm("middle_norm", product("attended", attended), hidden, "attention.output.LayerNorm")
    active = graph.node("Gelu", f"{layer}.gelu", product("inner", middle), domain=_FUSED)
    return norm("norm", product("outer", active), middle, "output.LayerNorm")


def _pooled_logits(graph: GraphBuilder, weights: Mapping[str, Floats], hidden: str) -> None:
    heads = ("satisfaction", "anger", "topics")
    matrix = np.concatenate([weights[f"{head}.weight"] for head in heads]).T
    bias = np.concatenate([weights[f"{head}.bias"] for head in heads])
    # A mean over the real pieces is a product with a row of 1/length on them and 0 on the padding.
    size = graph.node("Squeeze", "longest", "size", graph.constant("only_axis", np.array([0])))
    longest = graph.node("Cast", "longest_int32", size, to=TensorProto.INT32)
    first = graph.constant("range_start", np.array(0, dtype=np.int32))
    step = graph.constant("range_step", np.array(1, dtype=np.int32))
    steps = graph.node("Range", "steps", first, longest, step)
    column = graph.node("Unsqueeze", "length_column", "lengths", graph.constant("last_axis", np.array([1])))
    real = graph.node("Less", "real", steps, column)
    ones = graph.node("Cast", "ones", real, to=TensorProto.FLOAT)
    count = graph.node("Cast", "count", column, to=TensorProto.FLOAT)
    shares = graph.node("Div", "shares", ones, count)
    row = graph.node("Unsqueeze", "share_row", shares, "last_axis")
    pooled = graph.node("MatMul", "pooled_row", row, hidden)
    flat = graph.node("Squeeze", "pooled", pooled, "last_axis")
    graph.node("Gemm", "logits", flat, graph.constant("heads.w", matrix), graph.constant("heads.b", bias))


def _model(graph: GraphBuilder) -> onnx.ModelProto:
    inputs = [
        helper.make_tensor_value_info("input_ids", TensorProto.INT32, ["batch", "length"]),
        helper.make_tensor_value_info("lengths", TensorProto.INT32, ["batch"]),
    ]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 4 + len(TOPICS)])]
    body = helper.make_graph(graph.nodes, "rida", inputs, outputs, graph.constants)
    versions = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)]
    return helper.make_model(body, opset_imports=versions, ir_version=10, producer_name="rida")
