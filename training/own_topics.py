"""Own topics from a handful of labelled texts: a head each on the frozen encoder, as good as cross-validation says.

Each topic is a logistic regression on features of the encoder (`training/topic_features.py`), one topic against the
rest, so that a text may have several. How strongly all are regularised is what gives the least log-loss on texts held
out; from the same held-out scores come calibration, thresholds and what is said of how good each topic is.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, precision_recall_curve
from sklearn.model_selection import KFold, StratifiedKFold

from data.rows import FeedbackRow
from model.calibration import Floats, sigmoid
from model.config import WeightsConfig, read_config
from model.errors import InputError
from model.layers import feature_layers
from model.manifest import CONFIG, GRAPH
from training.embedding import Embedder
from training.fitted_topics import FittedTopics, read_fits
from training.folders import check_output, legible_name
from training.graft import graft, kept_topics
from training.pooled import depth, read_graph
from training.targets import Classes
from training.topic_examples import TopicExamples, check_examples, topic_examples
from training.topic_features import Whitening, fit_whitening
from training.topic_head import TopicHead
from training.topic_quality import topic_qualities

log = logging.getLogger(__name__)

FOLDS = 5
_STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0)
"""Inverse strengths of regularisation that are tried, for features of length 1."""

_SEARCHED_TEXTS = 800
"""More are not needed to choose a strength, and would take minutes."""

_OWN_THRESHOLD_FROM = 20
"""Examples from which on a topic gets a threshold of its own: a best F1 over fewer would be noise."""

_BACKGROUND = Path(__file__).parent / "written" / "data.jsonl"
_BACKGROUND_TEXTS = 1200


def fit_own_topics(
    rows: Sequence[FeedbackRow],
    *,
    weights: Path,
    output: Path,
    name: str | None = None,
    version: str | None = None,
    threads: int | None = None,
) -> FittedTopics:
    """Learns the own topics that `rows` name and writes `weights` with them to the folder `output`.

    The new weights have the name of their folder unless `name` says another. Their version is 1, or one more than that
    of `weights` where these have the name already, unless `version` says another.

    Raises:
        InputError: nothing can be learned from the rows, or `output` cannot be written.
        WeightsError: `weights` cannot be used.
    """
    check_output(output)
    config = read_config(weights / CONFIG)
    examples = topic_examples(rows, config.own_topics)
    kept_topics(config, examples.names)
    features, whitening, texts, gold = embedded_examples(examples, weights, threads=threads)
    check_examples(TopicExamples(texts, examples.names, gold))
    heads, held_out, strength = fit_heads(features, gold, examples.names)
    fitted = FittedTopics(
        base=f"{config.name} {config.version}",
        qualities=topic_qualities(heads, held_out, said_by_others(held_out, gold), gold),
        texts=len(gold),
        without=int((gold.sum(axis=1) == 0).sum()),
        strength=strength,
    )
    name = legible_name(name or output.resolve().name)
    graft(
        weights, [unfolded(head, whitening) for head in heads], output,
        name=name, version=version or _version(config, name),
        fits=[*read_fits(weights, without=examples.names), fitted],
    )  # fmt: skip
    return fitted


def _version(before: WeightsConfig, name: str) -> str:
    """Weights that take the place of those they came from are told apart by their version."""
    return str(int(before.version) + 1) if before.name == name and before.version.isdecimal() else "1"


def embedded_examples(
    examples: TopicExamples, weights: Path, *, threads: int | None = None
) -> tuple[Floats, Whitening, list[str], Classes]:
    """Features (texts, width) of the examples that can be read, the map that made them, these texts, their labels.

    Raises:
        InputError: none can be read.
    """
    layers = feature_layers(depth(read_graph(weights / GRAPH)))
    embedder = Embedder(weights, threads=threads, layers=layers)
    background = embedder.embed(background_texts()).vectors
    embedded = embedder.embed(examples.texts)
    if not embedded.kept:
        raise InputError("none of the texts can be read by these weights: no character of them is in the vocabulary")
    if len(embedded.kept) < len(examples.texts):
        log.warning("%d texts cannot be read and are left out", len(examples.texts) - len(embedded.kept))
    whitening = fit_whitening(np.concatenate([background, embedded.vectors]), len(layers))
    texts = [examples.texts[at] for at in embedded.kept]
    return whitening.features(embedded.vectors), whitening, texts, examples.gold[embedded.kept]


def background_texts() -> list[str]:
    """Texts of many kinds, in all first-class languages, evenly drawn from those that were written for training."""
    with _BACKGROUND.open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    return texts[:: max(1, len(texts) // _BACKGROUND_TEXTS)]


def fit_heads(features: Floats, gold: Classes, names: Sequence[str]) -> tuple[list[TopicHead], Floats, float]:
    """Heads on features, the held-out probabilities (texts, topics) they were chosen by, and the strength."""
    searched = _searched(gold)
    losses = {}
    for strength in _STRENGTHS:
        found = held_out_logits(features[searched], gold[searched], strength)
        slope, shift = _platt(found, gold[searched])
        losses[strength] = log_loss(gold[searched].ravel(), sigmoid(slope * found + shift).ravel(), labels=[0, 1])
    strength = min(losses, key=lambda tried: losses[tried])
    logits = held_out_logits(features, gold, strength)
    slope, shift = _platt(logits, gold)
    held_out = sigmoid(slope * logits + shift)
    thresholds = _thresholds(held_out, gold)
    heads = []
    for at, name in enumerate(names):
        fitted = regression(strength).fit(features, gold[:, at])
        bias = slope * float(fitted.intercept_[0]) + shift
        heads.append(TopicHead(name, slope * fitted.coef_[0], bias, thresholds[at]))
    return heads, held_out, strength


def _searched(gold: Classes) -> npt.NDArray[np.int64]:
    """Positions of texts, in no order, with enough of each topic and enough without it for all folds."""
    order = np.random.default_rng(0).permutation(len(gold))
    needed = [order[gold[order, at] == said][:FOLDS] for at in range(gold.shape[1]) for said in (0, 1)]
    found = np.unique(np.concatenate([order[:_SEARCHED_TEXTS], *needed]))
    return np.asarray(found, dtype=np.int64)


def held_out_logits(features: Floats, gold: Classes, strength: float) -> Floats:
    """Logits (texts, topics) of regressions that have not seen the text."""
    logits = np.empty(gold.shape)
    for at in range(gold.shape[1]):
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(features, gold[:, at])
        for seen, held in folds:
            fitted = regression(strength).fit(features[seen], gold[seen, at])
            logits[held, at] = fitted.decision_function(features[held])
    return logits


def unfolded(head: TopicHead, whitening: Whitening) -> TopicHead:
    """A head on features as one on the graph's own vectors."""
    weights, bias = whitening.unfolded(head.weights, head.bias)
    return TopicHead(head.name, weights, bias, head.threshold)


def regression(strength: float) -> LogisticRegression:
    """One topic against the rest, on features of length 1; `strength` is the inverse one of the regularisation."""
    return LogisticRegression(C=strength, max_iter=1000)


def _platt(logits: Floats, gold: Classes) -> tuple[float, float]:
    """Slope and shift, the same for all topics, that make sigmoids of held-out logits probabilities (Platt 1999)."""
    fitted = LogisticRegression(C=1e6, max_iter=1000).fit(logits.reshape(-1, 1), gold.ravel())
    # A slope under zero would turn the topics round; it only comes of labels that say nothing.
    return max(float(fitted.coef_[0, 0]), 0.05), float(fitted.intercept_[0])


def _thresholds(held_out: Floats, gold: Classes) -> list[float]:
    """The best F1 of all topics together where a topic has few examples, else its own."""
    shared = _best_f1(held_out.ravel(), gold.ravel())
    return [
        _best_f1(held_out[:, at], gold[:, at]) if gold[:, at].sum() >= _OWN_THRESHOLD_FROM else shared
        for at in range(gold.shape[1])
    ]


def said_by_others(held_out: Floats, gold: Classes) -> npt.NDArray[np.bool_]:
    """Which topics each text is given, (texts, topics), by thresholds that were chosen on other texts."""
    said = np.zeros(gold.shape, dtype=np.bool_)
    for others, asked in KFold(FOLDS, shuffle=True, random_state=0).split(gold):
        said[asked] = held_out[asked] >= np.array(_thresholds(held_out[others], gold[others]))
    return said


def _best_f1(scores: Floats, gold: Classes) -> float:
    precision, recall, thresholds = precision_recall_curve(gold, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = float(np.clip(thresholds[int(f1[:-1].argmax())], 0.1, 0.9))
    return math.floor(best * 1e4) / 1e4  # rounded up, the text that it was chosen by would fall under it
