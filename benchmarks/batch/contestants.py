"""What `rida score` is measured beside; each runs in a process of its own, so that its memory is its own too.

    python -m benchmarks.batch.contestants NAME TEXTS.json

prints seconds and peak memory as JSON. Networks have random weights of their shape: the time of a matrix product does
not depend on what is in it. Loading and a first batch to warm up are not counted.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from model.classifier import SHIPPED_WEIGHTS

Texts = list[str]
Score = Callable[[Texts], object]

_BATCH: Final = 16
_VOCABULARY: Final = 120_000  # pieces of the shipped tokenizer, with which all texts are cut


def session_alone() -> tuple[Score, Callable[[Texts], Any]]:
    """The bare onnxruntime session on batches made beforehand: nothing that reads or writes can be faster."""
    import numpy as np
    import onnxruntime

    from model.classifier import ReadText, load
    from model.cores import usable_cores
    from model.windows import batches_by_length

    classifier, cores = load(), usable_cores()
    most = classifier.info.config.limits.tokens_per_batch
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    graph = str(SHIPPED_WEIGHTS / "model.onnx")
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def prepare(texts: Texts) -> list[dict[str, Any]]:
        windows = [each for read in classifier.read(texts) if isinstance(read, ReadText) for each in read.windows]
        feeds = []
        for batch in reversed(batches_by_length([len(each) for each in windows], tokens_per_batch=most)):
            lengths = np.array([len(windows[at]) for at in batch], dtype=np.int32)
            input_ids = np.full((len(batch), lengths.max()), 1, dtype=np.int32)
            for row, at in enumerate(batch):
                input_ids[row, : lengths[row]] = windows[at]
            feeds.append({"input_ids": input_ids, "lengths": lengths})
        return feeds

    pool = ThreadPoolExecutor(cores)
    # One thread a run and as many runs as cores: faster than one run on all cores.
    return lambda feeds: list(pool.map(lambda feed: session.run(None, feed), feeds)), prepare


def pipeline_tokenizer() -> Any:
    """Rida's tokenizer as transformers takes it."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_file=str(SHIPPED_WEIGHTS / "tokenizer.json"), model_max_length=512,
        pad_token="<pad>", cls_token="<s>", sep_token="</s>", unk_token="<unk>",
        model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


def _pipeline(network: Any) -> Any:
    import transformers

    return transformers.TextClassificationPipeline(model=network.eval(), tokenizer=pipeline_tokenizer(), top_k=None)


def _same_network() -> Any:
    from benchmarks.scoring import torch_pipeline

    return torch_pipeline()


def xlm_r_base() -> Any:
    """A network of XLM-R base's shape, with random weights and a classifier of four labels."""
    from transformers import XLMRobertaConfig, XLMRobertaForSequenceClassification

    config = XLMRobertaConfig(
        vocab_size=250_002, hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072,
        max_position_embeddings=514, type_vocab_size=1, pad_token_id=1, num_labels=4,
    )  # fmt: skip
    return XLMRobertaForSequenceClassification(config)


def distilbert_multilingual() -> Any:
    """The same of DistilBERT multilingual's shape."""
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    # Its own vocabulary has 119,547 pieces.
    config = DistilBertConfig(
        vocab_size=_VOCABULARY, dim=768, n_layers=6, n_heads=12, hidden_dim=3072, max_position_embeddings=512,
        pad_token_id=1, num_labels=4,
    )  # fmt: skip
    return DistilBertForSequenceClassification(config)


def _in_batches(make: Callable[[], Any]) -> tuple[Score, Callable[[Texts], Any]]:
    """Batches of texts of similar length: the sensible way, since a batch is padded to its longest text."""
    pipeline = make()
    return lambda texts: pipeline(texts, batch_size=_BATCH, truncation=True), lambda texts: sorted(texts, key=len)


def _one_by_one(make: Callable[[], Any]) -> tuple[Score, Callable[[Texts], Any]]:
    pipeline = make()
    return lambda texts: pipeline(texts, truncation=True), lambda texts: texts


CEILING: Final = "onnxruntime session alone"
SAME_BATCHES: Final = f"torch pipeline, sorted, batches of {_BATCH}"
SAME_ONE: Final = "torch pipeline, one by one"
XLM_R: Final = f"XLM-R base shape, sorted, batches of {_BATCH}"
DISTILBERT: Final = f"DistilBERT multilingual shape, sorted, batches of {_BATCH}"

CONTESTANTS: Final[dict[str, Callable[[], tuple[Score, Callable[[Texts], Any]]]]] = {
    CEILING: session_alone,
    SAME_BATCHES: lambda: _in_batches(_same_network),
    SAME_ONE: lambda: _one_by_one(_same_network),
    XLM_R: lambda: _in_batches(lambda: _pipeline(xlm_r_base())),
    DISTILBERT: lambda: _in_batches(lambda: _pipeline(distilbert_multilingual())),
}


def main() -> None:
    name, texts = sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    score, prepare = CONTESTANTS[name]()
    score(prepare(texts[:_BATCH]))
    prepared = prepare(texts)
    began = time.perf_counter()
    score(prepared)
    taken = time.perf_counter() - began
    print(json.dumps({"seconds": taken, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
