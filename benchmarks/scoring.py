"""Speed and memory of scoring beside the same network in a torch pipeline, in one run on the same texts.

    python benchmarks/scoring.py --texts data/samples/feedback.csv
    python benchmarks/scoring.py --texts rows.jsonl --rows 1000 --repeats 3

Needs the `train` extra. The torch network has the shipped encoder's shape with random weights: the time of a
matrix product does not depend on what is in it. Every repeat runs all contestants one after the other, so that a
busy neighbour hits them alike. Prints a table and writes it, with machine and versions, to
`benchmarks/results/scoring.json`.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import importlib.metadata
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from transformers import BertConfig, BertModel, PreTrainedModel, PreTrainedTokenizerFast
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.utils import logging as transformers_logging

from model.classifier import SHIPPED_WEIGHTS, load

RESULTS = Path(__file__).parent / "results" / "scoring.json"
BUSY = 0.3


class PooledClassifier(PreTrainedModel):  # type: ignore[misc]
    """The network as transformers' text-classification pipeline takes it."""

    config_class = BertConfig

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        self.encoder = BertModel(config, add_pooling_layer=False)
        self.heads = nn.Linear(config.hidden_size, 12)
        self.post_init()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **_: Any) -> SequenceClassifierOutput:
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).float()
        return SequenceClassifierOutput(logits=self.heads((hidden * mask).sum(1) / mask.sum(1)))


def torch_pipeline() -> Any:
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(SHIPPED_WEIGHTS / "tokenizer.json"),
        pad_token="<pad>", cls_token="<s>", sep_token="</s>", unk_token="<unk>", model_max_length=512,
    )  # fmt: skip
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=384, num_hidden_layers=12, num_attention_heads=12,
        intermediate_size=1536, max_position_embeddings=512, pad_token_id=1, num_labels=12,
        problem_type="multi_label_classification",
    )  # fmt: skip
    network = PooledClassifier(config).eval()
    return transformers.TextClassificationPipeline(model=network, tokenizer=tokenizer, top_k=None)


def read_texts(path: Path, rows: int) -> list[str]:
    content = path.read_bytes()
    lines = io.StringIO((gzip.decompress(content) if path.suffix == ".gz" else content).decode(), newline="")
    if ".jsonl" in path.name:
        texts = [json.loads(line)["text"] for line in lines]
    else:
        texts = [row["text"] for row in csv.DictReader(lines)]
    chosen = texts[:: max(1, len(texts) // rows)]
    return (chosen * (rows // len(chosen) + 1))[:rows]


def score_command(texts: list[str], folder: Path) -> float:
    """Seconds of a whole `rida score`: start, reading, scoring, writing."""
    source, output = folder / "texts.csv", folder / "scored.csv"
    with source.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text"])
        writer.writerows([text] for text in texts)
    return seconds(lambda: command("score", str(source), "--output", str(output)))


def command(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "serving.cli", *words], check=True, capture_output=True)


def peak_megabytes(*words: str) -> float:
    """Measured from a small process: a child of this one would begin with all that torch takes here."""
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    called = [sys.executable, "-c", code, sys.executable, "-m", "serving.cli", *words]
    return float(subprocess.run(called, check=True, capture_output=True).stdout)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "lowest": min(values), "highest": max(values)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=Path, required=True, help="CSV or JSONL (.gz too) with a column `text`")
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    load_before = os.getloadavg()[0]
    transformers_logging.set_verbosity_error()  # it would list every network it knows beside ours
    texts = read_texts(arguments.texts, arguments.rows)
    one = texts[len(texts) // 2]

    starts = [seconds(lambda: command("classify", one)) for _ in range(arguments.repeats + 1)][1:]
    peak = peak_megabytes("classify", one)
    pipeline, classifier = torch_pipeline(), load()
    pipeline(texts[:20])
    classifier.classify(texts[:20])
    times: dict[str, list[float]] = {"torch pipeline, defaults": [], "torch pipeline, batches of 16": [],
                                     "rida.classify": [], "rida score, whole command": []}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.repeats):
            times["torch pipeline, defaults"].append(seconds(lambda: pipeline(texts, truncation=True)))
            times["torch pipeline, batches of 16"].append(
                seconds(lambda: pipeline(texts, batch_size=16, truncation=True))
            )
            times["rida.classify"].append(seconds(lambda: classifier.classify(texts)))
            times["rida score, whole command"].append(score_command(texts, Path(folder)))
    base = times["torch pipeline, defaults"]
    results = {
        "machine": {"processor": processor(), "cores": len(os.sched_getaffinity(0)), "load_before": load_before},
        "versions": {name: importlib.metadata.version(name) for name in ("onnxruntime", "torch", "transformers")},
        "texts": {"file": arguments.texts.name, "rows": len(texts),
                  "mean_tokens": statistics.mean(r.tokens for r in classifier.classify(texts) if hasattr(r, "tokens"))},
        "texts_per_second": {name: spread([len(texts) / each for each in found]) for name, found in times.items()},
        "ratio_to_torch_defaults": {
            name: spread([theirs / ours for theirs, ours in zip(base, found, strict=True)])
            for name, found in times.items()
        },
        "cold_start_seconds": spread(starts),
        "cold_start_peak_megabytes": peak,
    }  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    show(results)


def processor() -> str:
    names = {
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    }
    return ", ".join(names) or platform.processor()


def show(results: dict[str, Any]) -> None:
    if results["machine"]["load_before"] > BUSY:
        print(f"beware: the machine was busy before this run (load {results['machine']['load_before']:.2f})")
    print(json.dumps({name: results[name] for name in ("machine", "versions", "texts")}, indent=1))
    print(f"{'':32}{'texts/s':>9}{'(lowest-highest)':>20}{'ratio':>8}")
    for name, found in results["texts_per_second"].items():
        ratio = results["ratio_to_torch_defaults"][name]["median"]
        low_high = f"({found['lowest']:.0f}-{found['highest']:.0f})"
        print(f"{name:32}{found['median']:9.0f}{low_high:>20}{ratio:8.2f}")
    print(f"cold start of rida classify: {results['cold_start_seconds']['median']:.2f} s, "
          f"{results['cold_start_peak_megabytes']:.0f} MB at most")  # fmt: skip


if __name__ == "__main__":
    main()
