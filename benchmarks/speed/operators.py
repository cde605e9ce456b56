"""Time by operator of the graph, as onnxruntime's own profile gives it, in one thread."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import onnx
import onnxruntime

from benchmarks.speed.asking import rotated
from benchmarks.speed.fused_graph import fused
from benchmarks.speed.sessions import AS_SHIPPED, Feed, Settings, run
from training.restore import restore

FUSED: Final = "in the operators that onnxruntime has fused"
_KERNEL: Final = "_kernel_time"

Rounds = list[dict[str, dict[str, float]]]


def in_rounds(graph: Path, feeds: Sequence[Feed], rounds: int) -> Rounds:
    """Seconds that all batches take by operator, by graph, round by round, the first run of each included;
    the profile itself costs a little."""
    graphs = {AS_SHIPPED: graph.read_bytes()}
    graphs[FUSED] = fused(
        onnx.load_model_from_string(graphs[AS_SHIPPED]), restore(graph.parent).shape
    ).SerializeToString()
    names = list(graphs)
    return [{name: _seconds(graphs[name], feeds) for name in rotated(names, number)} for number in range(rounds)]


def _seconds(graph: bytes, feeds: Sequence[Feed]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        options = Settings().options()
        options.enable_profiling, options.profile_file_prefix = True, str(Path(folder) / "profile")
        of = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        run(of, feeds)
        taken: Counter[str] = Counter()
        for event in json.loads(Path(of.end_profiling()).read_text(encoding="utf-8")):
            if event.get("cat") == "Node" and event["name"].endswith(_KERNEL):
                taken[event["args"]["op_name"]] += event["dur"]
    return {name: microseconds / 1e6 for name, microseconds in taken.most_common()}
