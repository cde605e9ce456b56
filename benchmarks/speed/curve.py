"""Accuracy against speed of all ways to need less arithmetic: python -m benchmarks.speed.curve --data-root DATA

Measured on validation rows of the annotated source: the full graph; the small graph alone, and passing on what it is
not sure of with narrower and wider margins; linear heads after some layers of the full graph, and on the bag of its
pieces, both taught by its logits on train texts, alone and passing on in the same way. Speeds are those of real mixed
texts, in rounds. Writes `benchmarks/results/speed-curve.json` for `benchmarks.speed.page`. Takes about 10 minutes.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import helper

from benchmarks.machine import machine, warning
from benchmarks.speed.rounds import RESULTS, keep
from benchmarks.speed.texts import add_flags, drawn_texts, readable, windows_of
from benchmarks.speed.unused import drop_unused
from data.cleaning import says_something
from data.rows import FeedbackRow
from data.sources import read_source
from model.calibration import HeadLogits, combine_windows, split_heads
from model.cascade import Cascade, open_session
from model.classifier import SHIPPED_WEIGHTS, Classifier, load
from model.config import Margins, Speed, WeightsConfig
from model.errors import InputError
from model.labels import FIRST_CLASS_LANGUAGES
from model.layers import EMBEDDINGS
from model.manifest import GRAPH, SMALL_GRAPH
from model.session import Session
from training.batches import legible
from training.embedding import Embedder
from training.margins import ALL, choose_margins, figures
from training.pooled import pooled, read_graph

_TAUGHT_TEXTS: Final = 6000
_EARLY_LAYERS: Final = (3, 7)
_WIDTHS: Final = (0.5, 1.0, 2.0)
_RIDGE: Final = 10.0
_BAG: Final = "bag of pieces"
Entry = dict[str, Any]


def main() -> int:
    """Measure, keep and show."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.curve", description=(__doc__ or "").splitlines()[0]
    )
    add_flags(parser, rows=1000)
    parser.add_argument("--weights", type=Path, default=SHIPPED_WEIGHTS, help="weights folder (the shipped one)")
    arguments = parser.parse_args()
    if arguments.data_root is None:
        parser.error("validation rows are needed; give --data-root")
    found = machine()
    if said := warning(found):
        print(said, file=sys.stderr)
    full = load(arguments.weights, speed="full")
    rows = _validation_rows(arguments.data_root, full.info.config)
    texts = readable(full, drawn_texts(arguments))
    entries = []
    for entry in _entries(arguments, full, rows, texts):
        entries.append(entry)
        keep(RESULTS / "speed-curve.json", {"machine": found, "rows": len(rows), "curve": entries})
        print(
            f"{entry['name']:44} {entry['texts_per_second_ratio']:5.2f} times  mood macro-F1 {entry['mood_macro_f1']}"
        )
    return 0


def _validation_rows(data_root: Path, config: WeightsConfig) -> list[FeedbackRow]:
    rows = read_source(data_root / "annotated", validation_share=config.validation_share)
    return [
        row for row in rows
        if row.split == "validation" and row.lang in FIRST_CLASS_LANGUAGES and says_something(row)
        and legible(row.text, config.limits.max_characters)
    ]  # fmt: skip


def _entries(
    arguments: argparse.Namespace, full: Classifier, rows: Sequence[FeedbackRow], texts: Sequence[str]
) -> Iterator[Entry]:
    config, weights = full.info.config, arguments.weights
    windows = [window for of_text in windows_of(full, texts) for window in of_text]
    heads, kept = full.logits([row.text for row in rows])
    rows = [rows[at] for at in kept]
    yield _entry("full", [1.0], heads, rows, config)

    early = _early(weights, arguments.data_root, config, rows)
    sessions = {name: session for name, (session, _) in early.items()}
    margins = {}
    if config.fast is not None:
        margins = {f"small graph, margins of {width:g}": Margins(moods=width, topics=width) for width in _WIDTHS}
        margins |= {"small graph alone": Margins(moods=0, topics=0), "fast": config.fast.margins}
        sessions |= {name: _cascade(weights, config, each) for name, each in margins.items()}
    speeds: list[Speed] = ["full"] if config.fast is None else ["full", "fast"]
    by_openvino = {}
    try:
        for speed in speeds:
            session = open_session(weights, config, threads=1, speed=speed, backend="openvino")
            by_openvino[f"{speed}, OpenVINO"] = session
    except InputError as error:
        print(error, file=sys.stderr)
    sessions |= by_openvino
    measured = _speeds(_session(weights, config), sessions, windows, rounds=arguments.rounds)
    for name in (*margins, *by_openvino):
        yield _entry(name, measured[name], _heard(full, sessions[name], rows), rows, config)
    for name, (_, of_rows) in early.items():
        yield _entry(f"{name} alone", measured[name], of_rows, rows, config)
        chosen = choose_margins(heads, of_rows, rows, config)
        passing = [_passing(each, chosen.passed_on, goes_on=name != _BAG) for each in measured[name]]
        found = _figures(f"{name}, the rest by full", passing, chosen.fast.model_dump())
        yield found | {"passed_on": chosen.passed_on}


def _passing(speed: float, passed_on: float, *, goes_on: bool) -> float:
    """The speed of what answers at `speed` and passes on a share; who goes on does not run its layers again."""
    spared = 1 / speed if goes_on else 0.0
    return 1 / (1 / speed + passed_on * (1 - spared))


def _early(
    weights: Path, data_root: Path, config: WeightsConfig, rows: Sequence[FeedbackRow]
) -> dict[str, tuple[Session, HeadLogits]]:
    """Graphs that end early, and what linear heads there say of the rows, taught by the full graph's logits."""
    taught = read_source(data_root / "annotated", validation_share=config.validation_share)
    texts = [row.text for row in taught if row.split == "train"][:: max(1, len(taught) // _TAUGHT_TEXTS)]
    found = {}
    for layer in (EMBEDDINGS, *_EARLY_LAYERS):
        embedder = Embedder(weights, layers=[layer])
        learned, asked = embedder.embed(texts), embedder.embed([row.text for row in rows])
        targets = np.column_stack([learned.heads.satisfaction, learned.heads.anger, learned.heads.topics])
        inputs = np.column_stack([learned.vectors, np.ones(len(targets))])
        weighed = inputs.T @ inputs + _RIDGE * np.eye(inputs.shape[1])
        heads = np.linalg.solve(weighed, inputs.T @ targets)
        said = np.column_stack([asked.vectors, np.ones(len(asked.vectors))]) @ heads
        name = _BAG if layer == EMBEDDINGS else f"heads after layer {layer + 1}"
        found[name] = (_ending(weights, config, layer), split_heads(said))
    return found


def _ending(weights: Path, config: WeightsConfig, layer: int) -> Session:
    """The graph up to the pooled value of one layer."""
    model = read_graph(weights / GRAPH)
    value = pooled(model, layer)
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info(value, onnx.TensorProto.FLOAT, ["batch", "values"]))
    drop_unused(model, value)
    return _session(weights, config, model.SerializeToString())


def _session(weights: Path, config: WeightsConfig, graph: bytes | None = None) -> Session:
    return Session(graph or weights / GRAPH, threads=1, tokens_per_batch=config.limits.tokens_per_batch)


def _cascade(weights: Path, config: WeightsConfig, margins: Margins) -> Session:
    small = weights / SMALL_GRAPH
    return Cascade(weights / GRAPH, small, config=config, margins=margins, threads=1, backend="onnxruntime")


def _heard(full: Classifier, session: Session, rows: Sequence[FeedbackRow]) -> HeadLogits:
    of_texts = windows_of(full, [row.text for row in rows])
    return combine_windows(
        split_heads(session.logits([window for of_text in of_texts for window in of_text])), of_texts
    )


def _speeds(
    full: Session, others: dict[str, Session], windows: Sequence[list[int]], *, rounds: int
) -> dict[str, list[float]]:
    """How many times as fast as the full graph each is, round by round, in which all are asked in turn."""
    seconds = []
    for _ in range(rounds):
        found = {"full": _timed(partial(full.logits, windows))}
        found |= {name: _timed(partial(session.logits, windows)) for name, session in others.items()}
        seconds.append(found)
    return {name: [each["full"] / each[name] for each in seconds] for name in others}


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _entry(
    name: str, speeds: list[float], heads: HeadLogits, rows: Sequence[FeedbackRow], config: WeightsConfig
) -> Entry:
    return _figures(name, speeds, figures(heads, rows, config).model_dump())


def _figures(name: str, speeds: list[float], found: dict[str, dict[str, float]]) -> Entry:
    """By language for moods, of all texts together for the others; `speeds` are ratios to full."""
    return {
        "name": name,
        "texts_per_second_ratio": statistics.median(speeds),
        "ratios": speeds,
        "mood_macro_f1": {lang: value for lang, value in found["mood_macro_f1"].items() if lang != ALL},
        "topic_micro_f1": found["topic_micro_f1"][ALL],
        "angry_recall_at_5": found["angry_recall_at_5"][ALL],
    }


if __name__ == "__main__":
    sys.exit(main())
