"""Writes a trained network as one self-contained ONNX graph, in the operators that are fast in onnxruntime.

The graph is built operator by operator instead of traced: what is quantised, and how, stays in plain sight.
Fused operators stand only where they are faster than what they are fused of: onnxruntime's skip layer
normalisation, its attention and its look-up of 4-bit numbers are slower. Hidden states are (length, batch,
width). Inputs: `input_ids` (batch, length) int32 and `lengths` (batch,) int32, padding on the right. Output:
`logits` (batch, 4 + topics): satisfaction (3), anger (1), topics (8), then own ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from model.labels import TOPICS
from training.own_heads import set_own_heads
from training.quantise import BLOCK, STORED_LIMIT, Floats, QuantisedMatrix, blocks, halves, rounded_columns

_FUSED = "com.microsoft"
_OPSET = 21
_FAR = -1e9
"""Added to what attention is not to look at; exp of it is 0."""

HEADS_SHAPE = "heads_shape"
"""Constant (0, 0, heads, width of one) that a layer's queries, keys and values are reshaped by."""

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
    """Collects nodes and constants; every method returns the name, or the names, of what it stands for."""

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

    def parted(self, value: str, of: int) -> list[str]:
        """Adds, where more than one is wanted, an operator that gives equal parts of a value, along its last axis."""
        if of == 1:
            return [value]
        parts = [f"{value}.{at}" for at in range(of)]
        self.nodes.append(helper.make_node("Split", [value], parts, name=f"{value}.split", axis=-1, num_outputs=of))
        return parts


def build_graph(weights: Mapping[str, Floats], shape: Shape, integer: Mapping[str, QuantisedMatrix]) -> onnx.ModelProto:
    """Builds the graph of a network.

    `weights` are the network's tensors by their torch names, the embedding table already trimmed. The matrices
    in `integer`, named as in `matrix_names`, are multiplied as integers; the others are stored in 8 bits and
    multiplied in float32.
    """
    graph = GraphBuilder()
    hidden = _embeddings(graph, weights, shape)
    real = _real_pieces(graph)
    graph.node(
        "Where", "far", graph.node("Unsqueeze", "real_keys", real, graph.constant("head_axes", np.array([1, 2]))),
        graph.constant("near", np.array(0, dtype=np.float32)), graph.constant("away", np.array(_FAR, dtype=np.float32)),
    )  # fmt: skip
    graph.constant(HEADS_SHAPE, np.array([0, 0, shape.heads, shape.width // shape.heads]))
    graph.constant("hidden_shape", np.array([0, 0, shape.width]))
    for layer in range(shape.layers):
        hidden = _layer(graph, weights, shape, layer, hidden, integer)
    _pooled_logits(graph, weights, hidden, real)
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


def _products(
    graph: GraphBuilder, weights: Mapping[str, Floats], integer: Mapping[str, QuantisedMatrix], name: str, value: str
) -> list[str]:
    """What each of the modules that a matrix is put together from makes of a value.

    The matrix is parted, once, when the session is made, and not what it gives, at each run.
    """
    matrix, bias = matrix_of(weights, name)
    of = len(MODULES[name.split(".")[1]])
    biases = graph.parted(graph.constant(f"{name}.b", bias), of)
    if name in integer:
        return _integer_products(graph, name, value, integer[name], biases)
    stored = rounded_columns(matrix, limit=STORED_LIMIT)
    # Expanded once, too: small on disk, float in use.
    wide = graph.node("Cast", f"{name}.wide", graph.constant(f"{name}.w", stored.values), to=TensorProto.FLOAT)
    expanded = graph.node("Mul", f"{name}.expanded", wide, graph.constant(f"{name}.s", stored.scales))
    return [
        graph.node("Add", f"{part}.sum", graph.node("MatMul", f"{part}.product", value, part), added)
        for part, added in zip(graph.parted(expanded, of), biases, strict=True)
    ]


def _integer_products(
    graph: GraphBuilder, name: str, value: str, quantised: QuantisedMatrix, biases: Sequence[str]
) -> list[str]:
    factor = graph.constant(f"{name}.smoothing", 1 / quantised.smoothing)
    smooth = graph.node("Mul", f"{name}.smooth", value, factor)
    scale = graph.constant(f"{name}.scale", np.array(quantised.scale))
    zero = graph.constant(f"{name}.zero", np.array(quantised.zero))
    integers = graph.node("QuantizeLinear", f"{name}.quantised", smooth, scale, zero)
    matrices = graph.parted(graph.constant(f"{name}.w", quantised.columns.values), len(biases))
    scales = graph.parted(graph.constant(f"{name}.s", quantised.columns.scales), len(biases))
    return [
        graph.node(
            "MatMulIntegerToFloat",
            f"{matrix}.product",
            integers,
            matrix,
            scale,
            column_scales,
            zero,
            "",
            bias,
            domain=_FUSED,
        )
        for matrix, column_scales, bias in zip(matrices, scales, biases, strict=True)
    ]


def _embeddings(graph: GraphBuilder, weights: Mapping[str, Floats], shape: Shape) -> str:
    prefix = "encoder.embeddings"
    table = blocks(weights[f"{prefix}.word_embeddings.weight"])
    pairs = graph.node("Gather", "pairs", graph.constant("pieces", table.packed), "input_ids")
    at = graph.node("Cast", "pairs_int32", pairs, to=TensorProto.INT32)
    values = graph.node("Gather", "values", graph.constant("halves", halves()), at)
    in_blocks = graph.node("Reshape", "blocks", values, graph.constant("blocks_shape", np.array([0, 0, -1, BLOCK])))
    scales = graph.node("Gather", "scales", graph.constant("piece_scales", table.scales), "input_ids")
    column = graph.node("Unsqueeze", "scale_column", scales, graph.constant("scale_axis", np.array([-1])))
    scaled = graph.node("Mul", "scaled", in_blocks, column)
    words = graph.node("Reshape", "words", scaled, graph.constant("words_shape", np.array([0, 0, shape.width])))
    # Every text is one segment, so its type's embedding belongs to each position.
    positions = weights[f"{prefix}.position_embeddings.weight"][: shape.positions]
    positions = positions + weights[f"{prefix}.token_type_embeddings.weight"][0]
    size = graph.node("Shape", "size", "input_ids", start=1, end=2)
    sliced = graph.node(
        "Slice", "positions", graph.constant("all_positions", positions),
        graph.constant("zero", np.array([0])), size, graph.constant("first_axis", np.array([0])),
    )  # fmt: skip
    summed = graph.node("Add", "embedded", words, sliced)
    # Length first, what belongs to a head is multiplied where it stands; batch first, it would have to be copied.
    turned = graph.node("Transpose", "length_first", summed, perm=[1, 0, 2])
    return graph.node(
        "LayerNormalization", "embedding_norm", turned,
        graph.constant("embedding_norm.w", weights[f"{prefix}.LayerNorm.weight"]),
        graph.constant("embedding_norm.b", weights[f"{prefix}.LayerNorm.bias"]),
        axis=-1, epsilon=shape.epsilon,
    )  # fmt: skip


def _real_pieces(graph: GraphBuilder) -> str:
    """(batch, length): which pieces are no padding."""
    size = graph.node("Squeeze", "longest", "size", graph.constant("only_axis", np.array([0])))
    longest = graph.node("Cast", "longest_int32", size, to=TensorProto.INT32)
    first = graph.constant("range_start", np.array(0, dtype=np.int32))
    step = graph.constant("range_step", np.array(1, dtype=np.int32))
    steps = graph.node("Range", "steps", first, longest, step)
    column = graph.node("Unsqueeze", "length_column", "lengths", graph.constant("last_axis", np.array([1])))
    return graph.node("Less", "real", steps, column)


def _layer(
    graph: GraphBuilder,
    weights: Mapping[str, Floats],
    shape: Shape,
    layer: int,
    hidden: str,
    integer: Mapping[str, QuantisedMatrix],
) -> str:
    prefix = f"encoder.encoder.layer.{layer}"

    def products(kind: str, value: str) -> list[str]:
        return _products(graph, weights, integer, f"{layer}.{kind}", value)

    def norm(name: str, value: str, skipped: str, torch_name: str) -> str:
        return graph.node(
            "LayerNormalization", f"{layer}.{name}", graph.node("Add", f"{layer}.{name}.sum", value, skipped),
            graph.constant(f"{layer}.{name}.w", weights[f"{prefix}.{torch_name}.weight"]),
            graph.constant(f"{layer}.{name}.b", weights[f"{prefix}.{torch_name}.bias"]),
            axis=-1, epsilon=shape.epsilon,
        )  # fmt: skip

    attention = _attention(graph, shape, str(layer), products("qkv", hidden))
    (attended,) = products("attended", attention)
    middle = norm("middle_norm", attended, hidden, "attention.output.LayerNorm")
    (inner,) = products("inner", middle)
    (outer,) = products("outer", graph.node("Gelu", f"{layer}.gelu", inner, domain=_FUSED))
    return norm("norm", outer, middle, "output.LayerNorm")


def _attention(graph: GraphBuilder, shape: Shape, layer: str, parts: Sequence[str]) -> str:
    """What the heads of a layer look up, (length, batch, width), of queries, keys and values of that shape."""
    queries, keys, values = (graph.node("Reshape", f"{part}.heads", part, HEADS_SHAPE) for part in parts)
    alike = graph.node(
        "FusedMatMul", f"{layer}.alike", queries, keys,
        domain=_FUSED, transBatchA=1, transBatchB=1, transB=1, alpha=(shape.width // shape.heads) ** -0.5,
    )  # fmt: skip
    shares = graph.node("Softmax", f"{layer}.shares", graph.node("Add", f"{layer}.masked", alike, "far"), axis=-1)
    looked_up = graph.node("FusedMatMul", f"{layer}.looked_up", shares, values, domain=_FUSED, transBatchB=1)
    back = graph.node("Transpose", f"{layer}.back", looked_up, perm=[2, 0, 1, 3])
    return graph.node("Reshape", f"{layer}.attention", back, "hidden_shape")


def _pooled_logits(graph: GraphBuilder, weights: Mapping[str, Floats], hidden: str, real: str) -> None:
    heads = ("satisfaction", "anger", "topics")
    matrix = np.concatenate([weights[f"{head}.weight"] for head in heads]).T
    bias = np.concatenate([weights[f"{head}.bias"] for head in heads])
    # A mean over the real pieces is a product with a row of 1/length on them and 0 on the padding.
    ones = graph.node("Cast", "ones", real, to=TensorProto.FLOAT)
    count = graph.node("Cast", "count", "length_column", to=TensorProto.FLOAT)
    shares = graph.node("Div", "shares", ones, count)
    row = graph.node("Unsqueeze", "share_row", shares, "last_axis")
    pooled = graph.node("FusedMatMul", "pooled_row", row, hidden, domain=_FUSED, transBatchB=1)
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
