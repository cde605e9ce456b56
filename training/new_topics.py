"""Where the heads of new topics begin: where `rida topics fit` would put them.

A head that began at nothing would need hundreds of steps to find its direction, and a little training has dozens.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from data.rows import FeedbackRow
from model.network import FeedbackNetwork
from training.own_topics import embedded_examples, regression
from training.targets import topic_targets
from training.topic_examples import TopicExamples

_STRENGTH = 10.0
"""Inverse strength of the regularisation; cross-validation would need more examples a topic than there may be here."""


def add_topics(network: FeedbackNetwork, names: Sequence[str], rows: Sequence[FeedbackRow], base: Path) -> None:
    """Gives `network` a head for each of `names`, after those it has, fitted on `rows`.

    `base` is the weights folder that the network was restored from.
    """
    if not names:
        return
    labelled = [row for row in rows if row.topics is not None]
    known = sorted({topic for row in labelled for topic in row.topics or ()} - set(names))
    gold = topic_targets(labelled, [*names, *known])[:, : len(names)]
    examples = TopicExamples([row.text for row in labelled], tuple(names), gold)
    features, whitening, gold = embedded_examples(examples, base)
    heads = []
    for at in range(len(names)):
        if len(set(gold[:, at].tolist())) < 2:  # all texts with it, or without, stand on another side
            heads.append((np.zeros(features.shape[1]), 0.0))
            continue
        fitted = regression(_STRENGTH).fit(features, gold[:, at])
        heads.append(whitening.unfolded(fitted.coef_[0], float(fitted.intercept_[0])))
    network.own = _grown(network, heads)


def _grown(network: FeedbackNetwork, heads: Sequence[tuple[np.ndarray, float]]) -> nn.Linear:
    weights = torch.tensor(np.stack([weights for weights, _ in heads]), dtype=torch.float32)
    biases = torch.tensor([bias for _, bias in heads], dtype=torch.float32)
    if network.own is not None:
        weights = torch.cat([network.own.weight.detach(), weights])
        biases = torch.cat([network.own.bias.detach(), biases])
    grown = nn.Linear(weights.shape[1], len(weights))
    with torch.no_grad():
        grown.weight.copy_(weights)
        grown.bias.copy_(biases)
    return grown
