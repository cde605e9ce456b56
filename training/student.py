"""A smaller network cut out of a trained one: some of its layers, and of each the inner units that weigh most."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from model.network import FeedbackNetwork


def cut_student(
    teacher: FeedbackNetwork, *, layers: Sequence[int], inner: int, dropout: float = 0.0
) -> FeedbackNetwork:
    """A network of the teacher's `layers`, embeddings and heads, with `inner` units between the two halves of a layer.

    Units are kept by the product of the norms of their weights in and out, the most that one can add to the sum.
    """
    encoder = cast(Any, teacher.encoder)
    config = BertConfig.from_dict(
        {**encoder.config.to_dict(), "num_hidden_layers": len(layers), "intermediate_size": inner}
    )
    body: Any = BertModel(config, add_pooling_layer=False)
    body.embeddings.load_state_dict(encoder.embeddings.state_dict())
    for layer, of_teacher in zip(body.encoder.layer, (encoder.encoder.layer[at] for at in layers), strict=True):
        layer.attention.load_state_dict(of_teacher.attention.state_dict())
        layer.output.LayerNorm.load_state_dict(of_teacher.output.LayerNorm.state_dict())
        kept = _heaviest(of_teacher.intermediate.dense, of_teacher.output.dense, inner)
        with torch.no_grad():
            layer.intermediate.dense.weight.copy_(of_teacher.intermediate.dense.weight[kept])
            layer.intermediate.dense.bias.copy_(of_teacher.intermediate.dense.bias[kept])
            layer.output.dense.weight.copy_(of_teacher.output.dense.weight[:, kept])
            layer.output.dense.bias.copy_(of_teacher.output.dense.bias)
    student = FeedbackNetwork(body)
    for name in ("satisfaction", "anger", "topics"):
        setattr(student, name, copy.deepcopy(getattr(teacher, name)))
    return student


def _heaviest(inwards: nn.Linear, outwards: nn.Linear, units: int) -> Tensor:
    weight = inwards.weight.norm(dim=1) * outwards.weight.norm(dim=0)
    kept: Tensor = weight.topk(units).indices.sort().values
    return kept
