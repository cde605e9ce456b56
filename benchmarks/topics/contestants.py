"""Who learns topics from the same examples: Rida's heads on its frozen encoder, TF-IDF, SetFit on the same encoder."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_union

from benchmarks.topics.sets import Labelled
from data.cleaning import same_text_key
from model.calibration import sigmoid
from model.classifier import SHIPPED_WEIGHTS
from model.layers import feature_layers
from model.manifest import GRAPH
from training.embedding import Embedded, Embedder
from training.own_topics import embedded_examples, fit_heads
from training.pooled import depth, read_graph
from training.topic_examples import TopicExamples

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Learned:
    """Scores (texts, labels) by test, the threshold of each label, and the seconds from examples to a model."""

    scores: dict[str, Floats]
    thresholds: list[float]
    seconds: float


def embedded(tests: dict[str, list[Labelled]]) -> dict[str, Embedded]:
    """The test texts as vectors, once for all draws."""
    embedder = Embedder(SHIPPED_WEIGHTS, layers=feature_layers(depth(read_graph(SHIPPED_WEIGHTS / GRAPH))))
    return {name: embedder.embed([each.text for each in rows]) for name, rows in tests.items()}


def rida(
    train: Sequence[Labelled], tests: dict[str, list[Labelled]], labels: Sequence[str], read: dict[str, Embedded]
) -> Learned:
    """What `rida topics fit` does, but for reading and writing files."""
    began = time.perf_counter()
    texts = list({same_text_key(each.text): each for each in train}.values())
    examples = TopicExamples([each.text for each in texts], tuple(labels), gold_of(texts, labels))
    features, whitening, _, gold = embedded_examples(examples, SHIPPED_WEIGHTS)
    heads, _, _ = fit_heads(features, gold, labels)
    seconds = time.perf_counter() - began
    weights, biases = np.stack([head.weights for head in heads], axis=1), np.array([head.bias for head in heads])
    scores = {}
    for name, rows in tests.items():
        # A text that cannot be read has no topic.
        found = np.zeros((len(rows), len(labels)))
        found[read[name].kept] = sigmoid(whitening.features(read[name].vectors) @ weights + biases)
        scores[name] = found
    return Learned(scores, [head.threshold for head in heads], seconds)


def tf_idf(train: Sequence[Labelled], tests: dict[str, list[Labelled]], labels: Sequence[str]) -> Learned:
    """Words and parts of words, weighed by rarity, into a logistic regression for each label."""
    began = time.perf_counter()
    vectors = make_union(TfidfVectorizer(), TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)))
    seen = vectors.fit_transform([each.text for each in train])
    gold = gold_of(train, labels)
    fitted = [LogisticRegression(C=10, class_weight="balanced", max_iter=1000).fit(seen, gold[:, at])
              for at in range(len(labels))]  # fmt: skip
    seconds = time.perf_counter() - began
    scores = {}
    for name, rows in tests.items():
        read = vectors.transform([each.text for each in rows])
        scores[name] = np.stack([each.predict_proba(read)[:, 1] for each in fitted], axis=1)
    return Learned(scores, [0.5] * len(labels), seconds)


def set_fit(
    train: Sequence[Labelled], tests: dict[str, list[Labelled]], labels: Sequence[str], *,
    python: str, encoder: Path, one_of_many: bool, seed: int,
) -> Learned:  # fmt: skip
    """SetFit by its own library, in an environment of its own; see `set_fit_once.py`."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "asked.json", Path(folder) / "answered.json"
        content: dict[str, Any] = {
            "encoder": str(encoder), "one_of_many": one_of_many, "labels": list(labels), "seed": seed,
            "texts": [each.text for each in train], "gold": gold_of(train, labels).tolist(),
            "tests": {name: [each.text for each in rows] for name, rows in tests.items()},
        }  # fmt: skip
        asked.write_text(json.dumps(content), encoding="utf-8")
        script = Path(__file__).parent / "set_fit_once.py"
        done = subprocess.run(
            [python, str(script), str(asked), str(answered)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"SetFit failed:\n{done.stderr[-2000:]}")
        found = json.loads(answered.read_text(encoding="utf-8"))
    scores = {name: np.array(each) for name, each in found["scores"].items()}
    return Learned(scores, [0.5] * len(labels), found["seconds"])


def export_encoder(folder: Path) -> None:
    """The shipped encoder as a folder that sentence-transformers reads, with mean pooling."""
    from transformers import PreTrainedTokenizerFast

    from training.restore import restore

    restored = restore(SHIPPED_WEIGHTS)
    encoder: Any = restored.network.encoder
    encoder.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_file=str(SHIPPED_WEIGHTS / "tokenizer.json"), model_max_length=128, pad_token="<pad>",
        cls_token="<s>", sep_token="</s>", unk_token="<unk>", bos_token="<s>", eos_token="</s>",
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(folder)  # fmt: skip


def gold_of(rows: Sequence[Labelled], labels: Sequence[str]) -> npt.NDArray[np.int64]:
    """0 or 1, (texts, labels)."""
    return np.array([[label in each.labels for label in labels] for each in rows], dtype=np.int64)


if __name__ == "__main__":
    export_encoder(Path(sys.argv[1]))
