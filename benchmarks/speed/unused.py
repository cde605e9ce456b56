"""Leaving out of a graph what nobody asks for, which onnxruntime would load and run all the same."""

from __future__ import annotations

import onnx


def drop_unused(model: onnx.ModelProto, value: str) -> None:
    """Keeps the nodes and constants that lead to `value`."""
    needed, nodes = {value}, []
    for node in reversed(model.graph.node):
        if needed & set(node.output):
            needed |= set(node.input)
            nodes.append(node)
    kept = [each for each in model.graph.initializer if each.name in needed]
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(reversed(nodes))
    model.graph.initializer.extend(kept)
