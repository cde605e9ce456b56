"""From a weights folder back to a network that can be trained: `training/graph.py`, read the other way round.

Sizes, matrices and the embedding table are read from the graph itself, so that nothing but the folder is needed. What
quantising took away stays away: the network is the one whose weights the graph has, with float activations in place of
8-bit ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from model.errors import WeightsError
from model.manifest import GRAPH, TOKENIZER, verify_manifest
from model.network import FeedbackNetwork
from model.tokenizer import id_of, read_tokenizer
from training.dropout import share_dropout
from training.graph import HEADS_SHAPE, MODULES, Shape, matrix_names
from training.own_heads import BIASES, WEIGHTS
from training.quantise import BLOCK, Columns, Floats, QuantisedMatrix, halves

_HEADS = (("satisfaction", 3), ("anger", 1))
"""The heads before the topics, and how many of the graph's labels each has."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A network in the state of its graph, its tokenizer, and how the graph quantised its matrices.

    `integer` holds the matrices that the graph multiplies as integers, by the names that the graph gives them.
    """

    network: FeedbackNetwork
    tokenizer: Tokenizer
    shape: Shape
    integer: dict[str, QuantisedMatrix]


def restore(folder: Path, *, dropout: float = 0.1, graph: str = GRAPH) -> Restored:
    """Reads one of the graphs of a weights folder; the network has `dropout` in its encoder and before its heads.

    Raises:
        WeightsError: the folder is damaged, or its graph is not one that rida exports.
    """
    verify_manifest(folder)
    model = onnx.load_model(folder / graph)
    tokenizer = read_tokenizer(folder / TOKENIZER)
    try:
        parts = {each.name: each for each in model.graph.initializer}
        shape = _shape(model, parts)
        integer = _integer(parts, shape)
        tensors = _tensors(parts, shape, integer)
        network = _network(tensors, shape, dropout=dropout, pad_id=id_of(tokenizer, "<pad>"))
    except (KeyError, IndexError, ValueError, RuntimeError) as error:
        raise WeightsError(
            f"{folder / graph}: is no graph that can be trained on ({error}); give weights that rida exported"
        ) from error
    return Restored(network.eval(), tokenizer, shape, integer)


def _shape(model: onnx.ModelProto, parts: Mapping[str, onnx.TensorProto]) -> Shape:
    nodes = {node.name: node for node in model.graph.node}
    layers = {int(found[1]) for name in parts if (found := re.fullmatch(r"(\d+)\.qkv\.w", name))}
    return Shape(
        layers=len(layers),
        width=parts["heads.w"].dims[0],
        heads=_heads_of(nodes["0.attention"], parts),
        positions=parts["all_positions"].dims[0],
        epsilon=float(_attribute(nodes["embedding_norm"], "epsilon")),
    )


def _heads_of(attention: onnx.NodeProto, parts: Mapping[str, onnx.TensorProto]) -> int:
    if HEADS_SHAPE in parts:
        return int(_array(parts, HEADS_SHAPE)[2])
    # Older graphs attend in one operator, which knows.
    return int(_attribute(attention, "num_heads"))


def _attribute(node: onnx.NodeProto, name: str) -> Any:
    return {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}[name]


def _integer(parts: Mapping[str, onnx.TensorProto], shape: Shape) -> dict[str, QuantisedMatrix]:
    return {
        name: QuantisedMatrix(
            Columns(_array(parts, f"{name}.w"), _array(parts, f"{name}.s")),
            # The graph multiplies by what `QuantisedMatrix` divides by.
            smoothing=np.asarray(1 / _array(parts, f"{name}.smoothing"), dtype=np.float32),
            scale=np.float32(_array(parts, f"{name}.scale").item()),
            zero=np.uint8(_array(parts, f"{name}.zero").item()),
        )
        for name in matrix_names(shape)
        if f"{name}.smoothing" in parts
    }


def _tensors(
    parts: Mapping[str, onnx.TensorProto], shape: Shape, integer: Mapping[str, QuantisedMatrix]
) -> dict[str, npt.NDArray[Any]]:
    """The tensors of the network by their torch names."""
    embeddings = "encoder.embeddings"
    tensors = {
        f"{embeddings}.word_embeddings.weight": _table(parts["pieces"], _array(parts, "piece_scales")),
        f"{embeddings}.position_embeddings.weight": _array(parts, "all_positions"),
        # The export adds the one segment's embedding to each position's.
        f"{embeddings}.token_type_embeddings.weight": np.zeros((1, shape.width), dtype=np.float32),
        f"{embeddings}.LayerNorm.weight": _array(parts, "embedding_norm.w"),
        f"{embeddings}.LayerNorm.bias": _array(parts, "embedding_norm.b"),
    }
    for name in matrix_names(shape):
        tensors |= _modules_of(parts, name, integer.get(name))
    for layer in range(shape.layers):
        prefix = f"encoder.encoder.layer.{layer}"
        for graph_name, torch_name in (("middle_norm", "attention.output.LayerNorm"), ("norm", "output.LayerNorm")):
            tensors[f"{prefix}.{torch_name}.weight"] = _array(parts, f"{layer}.{graph_name}.w")
            tensors[f"{prefix}.{torch_name}.bias"] = _array(parts, f"{layer}.{graph_name}.b")
    tensors |= _heads(_array(parts, "heads.w"), _array(parts, "heads.b"))
    if WEIGHTS in parts:
        tensors |= {"own.weight": _array(parts, WEIGHTS).T, "own.bias": _array(parts, BIASES)}
    return tensors


def _modules_of(
    parts: Mapping[str, onnx.TensorProto], name: str, quantised: QuantisedMatrix | None
) -> dict[str, npt.NDArray[Any]]:
    """The torch modules that one matrix of the graph (inputs, outputs) was put together from."""
    matrix = _array(parts, f"{name}.w").astype(np.float32) * _array(parts, f"{name}.s")
    if quantised is not None:
        matrix = matrix / quantised.smoothing[:, None]
    layer, kind = name.split(".")
    modules = MODULES[kind]
    split = zip(
        modules, np.split(matrix, len(modules), axis=1), np.split(_array(parts, f"{name}.b"), len(modules)), strict=True
    )
    prefix = f"encoder.encoder.layer.{layer}"
    return {
        f"{prefix}.{module}.{which}": value
        for module, weight, bias in split
        for which, value in (("weight", weight.T), ("bias", bias))
    }


def _heads(matrix: Floats, bias: Floats) -> dict[str, npt.NDArray[Any]]:
    edges = np.cumsum([size for _, size in _HEADS])
    names = (*(name for name, _ in _HEADS), "topics")
    split = zip(names, np.split(matrix.T, edges), np.split(bias, edges), strict=True)
    heads = {name: {"weight": weight, "bias": offsets} for name, weight, offsets in split}
    return {f"{name}.{which}": value for name, head in heads.items() for which, value in head.items()}


def _table(packed: onnx.TensorProto, scales: Floats) -> Floats:
    """The 4-bit blocks of a table (rows, width) as floats: two values a byte, low first."""
    rows, blocks = scales.shape
    values = halves()[np.frombuffer(packed.raw_data, dtype=np.uint8)]
    return np.asarray((values.reshape(rows, blocks, BLOCK) * scales[..., None]).reshape(rows, blocks * BLOCK))


def _network(tensors: Mapping[str, npt.NDArray[Any]], shape: Shape, *, dropout: float, pad_id: int) -> FeedbackNetwork:
    config = BertConfig(
        vocab_size=len(tensors["encoder.embeddings.word_embeddings.weight"]),
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=len(tensors["encoder.encoder.layer.0.intermediate.dense.bias"]),
        max_position_embeddings=shape.positions,
        type_vocab_size=1,
        layer_norm_eps=shape.epsilon,
        pad_token_id=pad_id,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=0.0,
    )
    body = BertModel(config, add_pooling_layer=False)
    network = FeedbackNetwork(body, head_dropout=dropout, own_topics=len(tensors.get("own.bias", ())))
    state = {name: torch.from_numpy(np.array(value, dtype=np.float32)) for name, value in tensors.items()}
    network.load_state_dict(state)
    share_dropout(network.encoder)
    return network


def _array(parts: Mapping[str, onnx.TensorProto], name: str) -> npt.NDArray[Any]:
    return numpy_helper.to_array(parts[name])
