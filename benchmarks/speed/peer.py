"""One way to score texts, in this process: python -m benchmarks.speed.peer WAY GIVEN.json

Answers `score` (seconds for texts) and `one` (seconds of each text alone). It is ready when the first text is scored.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.speed.answering import Answer, answer_all

if TYPE_CHECKING:  # starts are measured here
    from model.config import Backend, Speed

Score = Callable[[Sequence[str]], object]
Given = dict[str, Any]

_BATCH: Final = 16
_MOST_TOKENS: Final = 512


def rida(given: Given, *, speed: Speed, backend: Backend = "onnxruntime") -> Score:
    """The shipped weights."""
    from model import classifier

    return classifier.load(None, threads=given["threads"], speed=speed, backend=backend).classify


def pipeline_as_it_comes(given: Given) -> Score:
    """A pipeline of transformers with its defaults: one text after the other, in float32."""
    made = _pipeline(given, "float32")
    return lambda texts: made(list(texts), truncation=True)


def pipeline_at_its_best(given: Given) -> Score:
    """Texts sorted by length, in batches, in the type that is given."""
    made = _pipeline(given, given["type"])
    return lambda texts: made(sorted(texts, key=len), batch_size=given["batch"], truncation=True)


def onnxruntime_int8(given: Given) -> Score:
    """The same network through onnxruntime's dynamic quantisation, texts sorted by length, in batches of 16."""
    import numpy as np
    import onnxruntime
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = given["threads"]
    session = onnxruntime.InferenceSession(given["int8"], options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(given["tokenizer"])
    tokenizer.enable_truncation(_MOST_TOKENS)
    tokenizer.enable_padding(pad_id=tokenizer.token_to_id("<pad>"), pad_token="<pad>")

    def score(texts: Sequence[str]) -> object:
        by_length, found = sorted(texts, key=len), []
        for start in range(0, len(texts), _BATCH):
            read = tokenizer.encode_batch(by_length[start : start + _BATCH])
            feed = {"input_ids": np.array([each.ids for each in read], dtype=np.int64),
                    "attention_mask": np.array([each.attention_mask for each in read], dtype=np.int64)}  # fmt: skip
            found.append(session.run(None, feed)[0])
        return found

    return score


def _pipeline(given: Given, kind: str) -> Any:
    import torch
    from transformers import pipeline

    torch.set_num_threads(given["threads"])
    return pipeline("text-classification", model=given["torch"], device="cpu", top_k=None, dtype=getattr(torch, kind))


AS_IT_COMES: Final = "pipeline, defaults"
AT_ITS_BEST: Final = "pipeline, best settings"
INT8: Final = "onnxruntime, dynamic int8"
FULL: Final = "Rida, full"
FAST: Final = "Rida, fast"
FULL_OPENVINO: Final = "Rida, full, OpenVINO"
FAST_OPENVINO: Final = "Rida, fast, OpenVINO"
OURS: Final = (FULL, FAST, FULL_OPENVINO, FAST_OPENVINO)

WAYS: Final[dict[str, Callable[[Given], Score]]] = {
    FULL: lambda given: rida(given, speed="full"),
    FAST: lambda given: rida(given, speed="fast"),
    FULL_OPENVINO: lambda given: rida(given, speed="full", backend="openvino"),
    FAST_OPENVINO: lambda given: rida(given, speed="fast", backend="openvino"),
    AS_IT_COMES: pipeline_as_it_comes,
    AT_ITS_BEST: pipeline_at_its_best,
    INT8: onnxruntime_int8,
}


def load() -> dict[str, Callable[..., Answer]]:
    """One way with its first text scored, with what it can be asked."""
    given = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    score = WAYS[sys.argv[1]](given)
    score(given["first"])

    def scored(places: list[int]) -> Answer:
        texts = [given["texts"][at] for at in places]
        began = time.perf_counter()
        score(texts)
        return {"seconds": time.perf_counter() - began}

    def one(places: list[int]) -> Answer:
        found = []
        for at in places:
            began = time.perf_counter()
            score([given["texts"][at]])
            found.append(time.perf_counter() - began)
        return {"seconds": found}

    return {"score": scored, "one": one}


if __name__ == "__main__":
    answer_all(load)
