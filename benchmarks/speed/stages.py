"""CPU seconds of each step from a text to its row, one after the other in one thread, on the shipped weights."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.speed.sessions import Settings, padded, run, session
from model.calibration import combine_windows, mood_probabilities, split_heads, topic_probabilities
from model.classifier import SHIPPED_WEIGHTS, Classifier, ReadText
from model.manifest import TOKENIZER
from model.prediction import Prediction, Rejection
from model.text import normalise
from model.tokenizer import read_tokenizer
from model.windows import batches_by_length
from serving.batch.results import kept, packed
from serving.tables.added import added_cells, added_values

SESSION: Final = "network (the session's runs)"

Stages = dict[str, float]


class Steps:
    """The steps, each with what it needs; loading is not counted."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._session = session(SHIPPED_WEIGHTS / "model.onnx", Settings())
        self._tokenizer = read_tokenizer(SHIPPED_WEIGHTS / TOKENIZER)

    def seconds(self, texts: Sequence[str]) -> tuple[Stages, dict[str, float]]:
        """CPU seconds of each step, all texts through one step before the next; and what was counted on the way.

        Cutting and making predictions are what `Classifier.read` and `Classifier.predictions` take beyond those of
        their steps that are measured alone.
        """
        config, taken = self._classifier.info.config, _Taken()
        clean = taken("normalising", lambda: [self._cleaned(text) for text in texts])
        taken("tokenizing", lambda: self._tokenizer.encode_batch_fast(clean, add_special_tokens=False))
        read = taken("read", lambda: self._classifier.read(texts))
        cut = max(0.0, taken.seconds.pop("read") - taken.seconds["normalising"] - taken.seconds["tokenizing"])
        taken.seconds["cutting into windows"] = cut
        windows = [window for each in read if isinstance(each, ReadText) for window in each.windows]
        most = config.limits.tokens_per_batch
        batches = taken("batching by length", lambda: batches_by_length([len(each) for each in windows],
                                                                        tokens_per_batch=most))  # fmt: skip
        feeds = taken("padding", lambda: [padded([windows[at] for at in batch]) for batch in batches])
        runs = taken(SESSION, lambda: run(self._session, feeds))
        logits: npt.NDArray[np.float32] = np.concatenate(runs)[np.argsort(np.concatenate(batches))]
        parts = [each.windows for each in read if isinstance(each, ReadText)]

        def calibrated() -> None:
            heads = combine_windows(split_heads(logits), parts)
            mood_probabilities(heads, config.calibration)
            topic_probabilities(heads, config.calibration)

        taken("combining windows, calibrating", calibrated)
        names = [str(at) for at in range(len(texts))]
        predictions = taken("predictions", lambda: self._classifier.predictions(names, read, logits))
        made = taken.seconds.pop("predictions") - taken.seconds["combining windows, calibrating"]
        taken.seconds["prediction objects"] = max(0.0, made)
        taken("writing JSON", lambda: [json.dumps(each.as_dict()) for each in predictions])
        taken("writing CSV", lambda: _csv(texts, predictions))
        taken("keeping the journal", lambda: packed("", [kept(each) for each in predictions]))
        tokens = sum(map(len, windows))
        cells = sum(feed["input_ids"].size for feed in feeds)
        return taken.seconds, {"tokens": tokens, "padded_share": 1 - tokens / cells, "windows": len(windows)}

    def whole(self, texts: Sequence[str]) -> float:
        """CPU seconds of `classify`, all of it; the classifier must have one thread."""
        began = time.process_time()
        self._classifier.classify(texts)
        return time.process_time() - began

    def _cleaned(self, text: str) -> str:
        return normalise(text, max_characters=self._classifier.info.config.limits.max_characters)[0]


class _Taken:
    """CPU seconds by what they were taken for."""

    def __init__(self) -> None:
        self.seconds: Stages = {}

    def __call__(self, name: str, work: Callable[[], Any]) -> Any:
        began = time.process_time()
        done = work()
        self.seconds[name] = time.process_time() - began
        return done


def _csv(texts: Sequence[str], predictions: Sequence[Prediction | Rejection]) -> None:
    writer = csv.writer(io.StringIO())
    for text, each in zip(texts, predictions, strict=True):
        writer.writerow([text, *added_cells(added_values(each)).values()])
