"""Where the heads of new topics begin: a logistic regression on the vectors that the weights already give.

A head that began at nothing would need hundreds of steps to find its direction, and a little training has dozens.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data.rows import FeedbackRow
from model.network import FeedbackNetwork
from training.embedding import Embedder
from training.quantise import Floats
from training.targets import topic_targets

_STRENGTH = 0.1
"""Inverse strength of the regularisation, of standardised vectors: with fewer texts than channels anything separates,
and a head that is too sure would not be trained any more."""


def add_topics(network: FeedbackNetwork, names: Sequence[str], rows: Sequence[FeedbackRow], base: Path) -> None:
    """Gives `network` a head for each of `names`, after those it has, fitted on `rows`.

    `base` is the weights folder that the network was restored from.
    """
    if not names:
        return
    embedded = Embedder(base).embed([row.text for row in rows])
    gold = topic_targets([rows[at] for at in embedded.kept], _all_topics(rows, names))[:, : len(names)]
    fitted = [_head(np.asarray(embedded.vectors, dtype=np.float32), gold[:, at]) for at in range(len(names))]
    before = network.topics
    grown = torch.nn.Linear(before.in_features, before.out_features + len(names))
    with torch.no_grad():
        grown.weight.copy_(torch.cat([before.weight, torch.from_numpy(np.stack([head for head, _ in fitted]))]))
        grown.bias.copy_(torch.cat([before.bias, torch.tensor([bias for _, bias in fitted])]))
    network.topics = grown


def _all_topics(rows: Sequence[FeedbackRow], first: Sequence[str]) -> list[str]:
    named = {topic for row in rows for topic in (*(row.topics or ()), *(row.topics_covered or ()))}
    return [*first, *sorted(named - set(first))]


def _head(vectors: Floats, gold: np.ndarray) -> tuple[Floats, float]:
    """Weights (width,) and bias on the vectors as they are."""
    known = gold >= 0
    model = make_pipeline(StandardScaler(), LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=1000))
    if len(set(gold[known].tolist())) < 2:  # all texts with it, or without, stand on another side
        return np.zeros(vectors.shape[1], dtype=np.float32), 0.0
    model.fit(vectors[known], gold[known])
    scaler, regression = model[0], model[1]
    weights = regression.coef_[0] / scaler.scale_
    return weights.astype(np.float32), float(regression.intercept_[0] - weights @ scaler.mean_)
