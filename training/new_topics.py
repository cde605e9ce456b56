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
from model.calibration import Floats
from model.config import read_config
from model.manifest import CONFIG
from model.network import FeedbackNetwork
from training.own_topics import FOLDS, embedded_examples, fit_heads, regression, unfolded
from training.targets import Classes, topic_targets
from training.topic_examples import TopicExamples
from training.topic_head import TopicHead

_STRENGTH = 10.0
"""Inverse strength of the regularisation where there are too few examples for cross-validation."""


def add_topics(
    network: FeedbackNetwork, names: Sequence[str], rows: Sequence[FeedbackRow], base: Path
) -> dict[str, float]:
    """Gives `network` a head for each of `names`, after those it has, fitted on `rows`, and says their thresholds.

    `base` is the weights folder that the network was restored from.
    """
    if not names:
        return {}
    labelled = [row for row in rows if row.topics is not None]
    known = sorted({topic for row in labelled for topic in row.topics or ()} - set(names))
    # A text that nobody looked for a topic in counts as one without it here, where a head only begins.
    gold = np.maximum(topic_targets(labelled, [*names, *known])[:, : len(names)], 0)
    examples = TopicExamples([row.text for row in labelled], tuple(names), gold)
    features, whitening, _, gold = embedded_examples(examples, base)
    rest = np.minimum(gold.sum(axis=0), len(gold) - gold.sum(axis=0))
    enough = [at for at in range(len(names)) if rest[at] >= FOLDS]
    heads = {at: _head(names[at], features, gold[:, at]) for at in range(len(names)) if at not in enough}
    if enough:
        fitted, _, _ = fit_heads(features, gold[:, enough], [names[at] for at in enough])
        heads |= dict(zip(enough, fitted, strict=True))
    ordered = [unfolded(heads[at], whitening) for at in range(len(names))]
    # As the other topics' logits, these are divided by their temperature when they are read.
    network.own = _grown(network, ordered, read_config(base / CONFIG).temperatures.topics)
    return {head.name: head.threshold for head in ordered}


def _head(name: str, features: Floats, gold: Classes) -> TopicHead:
    if len(set(gold.tolist())) < 2:  # all texts with it, or without, stand on another side
        return TopicHead(name, np.zeros(features.shape[1]), 0.0, 0.5)
    fitted = regression(_STRENGTH).fit(features, gold)
    return TopicHead(name, fitted.coef_[0], float(fitted.intercept_[0]), 0.5)


def _grown(network: FeedbackNetwork, heads: Sequence[TopicHead], temperature: float) -> nn.Linear:
    weights = temperature * torch.tensor(np.stack([head.weights for head in heads]), dtype=torch.float32)
    biases = temperature * torch.tensor([head.bias for head in heads], dtype=torch.float32)
    if network.own is not None:
        weights = torch.cat([network.own.weight.detach(), weights])
        biases = torch.cat([network.own.bias.detach(), biases])
    grown = nn.Linear(weights.shape[1], len(weights))
    with torch.no_grad():
        grown.weight.copy_(weights)
        grown.bias.copy_(biases)
    return grown
