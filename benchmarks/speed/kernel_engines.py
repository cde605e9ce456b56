"""The shipped network by one engine, in this process: python -m benchmarks.speed.kernel_engines ENGINE GIVEN.json

Answers `run` (seconds of a batch) and `logits` (of windows). It runs in the environment of OpenVINO too, so nothing of
Rida is imported before it is needed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.answering import Answer, answer_all, timed

Batch = list[list[int]]
Engine = Callable[[Batch], Callable[[], Any]]
"""From a batch of windows to the call that runs it and gives its logits, (batch, labels)."""

_BATCHES = 16


def onnxruntime_engine(given: dict[str, Any], graph: str) -> Engine:
    """Our graph, with the settings of `model/onnxruntime_graph.py`."""
    from benchmarks.speed.sessions import Settings, padded, session

    of = session(Path(given[graph]), Settings(threads=given["threads"]))

    def prepared(batch: Batch) -> Callable[[], Any]:
        feed = padded(batch)
        return lambda: of.run(None, feed)[0]

    return prepared


def torch_engine(given: dict[str, Any], *, half: bool) -> Engine:
    """The network in torch; with `half` its encoder in bfloat16."""
    import torch

    from benchmarks.speed.networks import OneOutput, with_mask
    from model.classifier import SHIPPED_WEIGHTS
    from training.restore import restore

    torch.set_num_threads(given["threads"])
    network = OneOutput(restore(SHIPPED_WEIGHTS).network).eval()
    if half:
        network.network.encoder.bfloat16()

    def prepared(batch: Batch) -> Callable[[], Any]:
        feed = {name: torch.from_numpy(each) for name, each in with_mask(batch, given["pad_id"]).items()}

        def call() -> Any:
            with torch.inference_mode():
                return network(**feed).float().numpy()

        return call

    return prepared


def openvino_engine(given: dict[str, Any], *, precision: str, integer: bool) -> Engine:
    """OpenVINO on the plain graph; `integer` quantises it by NNCF on train texts, as NNCF does with transformers.

    What is quantised is kept, so that it is done once.
    """
    import openvino  # type: ignore[import-not-found]  # in an environment of its own

    core = openvino.Core()
    network = core.read_model(given["plain"])
    kept = Path(given["integer"])
    if integer and kept.exists():
        network = core.read_model(kept)
    elif integer:
        import nncf  # type: ignore[import-not-found]

        feeds = [_with_mask([window], given["pad_id"]) for window in given["calibration"]]
        network = nncf.quantize(
            network, nncf.Dataset(feeds), model_type=nncf.ModelType.TRANSFORMER, subset_size=len(feeds),
            preset=nncf.QuantizationPreset.MIXED,
            # The embedding table: OpenVINO 2026.4 cannot load what NNCF 3.4 makes of it.
            ignored_scope=nncf.IgnoredScope(types=["Gather"]),
        )  # fmt: skip
        openvino.save_model(network, kept, compress_to_fp16=False)
    compiled = core.compile_model(
        network, "CPU",
        {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": given["threads"], "NUM_STREAMS": 1,
         "INFERENCE_PRECISION_HINT": precision},
    )  # fmt: skip
    request = compiled.create_infer_request()

    def prepared(batch: Batch) -> Callable[[], Any]:
        feed = _with_mask(batch, given["pad_id"])
        return lambda: request.infer(feed)[0]

    return prepared


def _with_mask(windows: Batch, pad_id: int) -> dict[str, Any]:
    longest = max(map(len, windows))
    return {
        "input_ids": np.array([each + [pad_id] * (longest - len(each)) for each in windows], dtype=np.int64),
        "attention_mask": np.array([[1] * len(each) + [0] * (longest - len(each)) for each in windows], dtype=np.int64),
    }


RIDA = "onnxruntime, our int8 graph"
FLOAT = "torch float32"
OPENVINO = "OpenVINO float32"

ENGINES: dict[str, Callable[[dict[str, Any]], Engine]] = {
    RIDA: lambda given: onnxruntime_engine(given, "shipped"),
    "onnxruntime, our graph in float32": lambda given: onnxruntime_engine(given, "fused"),
    FLOAT: lambda given: torch_engine(given, half=False),
    "torch bfloat16": lambda given: torch_engine(given, half=True),
    OPENVINO: lambda given: openvino_engine(given, precision="f32", integer=False),
    "OpenVINO bfloat16": lambda given: openvino_engine(given, precision="bf16", integer=False),
    "OpenVINO int8 (NNCF), the rest float32": lambda given: openvino_engine(given, precision="f32", integer=True),
    "OpenVINO int8 (NNCF), the rest bfloat16": lambda given: openvino_engine(given, precision="bf16", integer=True),
}


def load() -> dict[str, Callable[..., Answer]]:
    """The engine, with what it can be asked."""
    given = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    engine = ENGINES[sys.argv[1]](given)

    def run(name: str, seconds: float) -> Answer:
        return timed(engine(given["batches"][name]), seconds)

    def logits() -> Answer:
        windows: Batch = given["windows"]
        order = sorted(range(len(windows)), key=lambda at: len(windows[at]))
        found: list[Any] = [None] * len(windows)
        for start in range(0, len(order), _BATCHES):
            chosen = order[start : start + _BATCHES]
            for at, row in zip(chosen, engine([windows[at] for at in chosen])(), strict=True):
                found[at] = [float(value) for value in row]
        return {"logits": found}

    return {"run": run, "logits": logits}


if __name__ == "__main__":
    answer_all(load)
