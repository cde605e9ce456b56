"""Backend "openvino": the same weights, multiplied in bfloat16 where the processor can."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

import model.openvino_graph
from model.classifier import Classifier, load
from model.errors import InputError, WeightsError
from model.manifest import CONFIG, GRAPH, write_manifest
from model.openvino_graph import OpenvinoGraph
from model.session import Session
from serving.cluster.scorer import Identity
from tests.conftest import feedback_rows
from training.restore import restore

ROOT = Path(__file__).parents[2]
TEXTS = [row["text"] for row in feedback_rows(seed=5)]
ROUNDING = 0.12
"""What bfloat16 may make of a logit here; its numbers have eight bits."""


@pytest.fixture(autouse=True)
def on_any_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the processor has no bfloat16, OpenVINO multiplies in float32, and is only slower."""
    monkeypatch.setattr(model.openvino_graph, "multiplies_bfloat16", lambda core: True)


def logits(classifier: Classifier) -> np.ndarray:
    heads, _ = classifier.logits(TEXTS)
    return np.column_stack([heads.satisfaction, heads.anger, heads.topics])


def test_logits_are_those_of_the_network_with_float_activations(tiny_weights: Path) -> None:
    restored = restore(tiny_weights, dropout=0.0)
    ids = np.array([[0, 7, 8, 9, 10, 2], [0, 11, 2, 0, 0, 0]], dtype=np.int32)
    lengths = np.array([6, 3], dtype=np.int32)
    mask = np.arange(6) < lengths[:, None]
    with torch.inference_mode():
        of = restored.network(torch.from_numpy(ids.astype(np.int64)), torch.from_numpy(mask.astype(np.int64)))
    expected = torch.cat([of.satisfaction, of.anger[:, None], of.topics], dim=1).numpy()
    found = OpenvinoGraph(tiny_weights / GRAPH, threads=1).run(ids, lengths)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < ROUNDING
    assert np.abs(expected[0] - expected[1]).max() > 3 * ROUNDING


@pytest.mark.parametrize("weights", ["tiny_weights", "own_topics_weights"])
def test_answers_are_those_of_onnxruntime(weights: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(weights)
    ours, theirs = logits(load(folder)), logits(load(folder, backend="openvino"))
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).mean() < ROUNDING
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.99


def test_both_graphs_of_speed_fast_run(fast_weights: Path, tmp_path: Path) -> None:
    full = logits(load(fast_weights, backend="openvino"))
    config = json.loads((fast_weights / CONFIG).read_text(encoding="utf-8"))
    found = {}
    for width in (0.0, 1e6):
        folder = Path(shutil.copytree(fast_weights, tmp_path / str(width)))
        config["fast"]["margins"] = {"moods": width, "topics": width}
        (folder / CONFIG).write_text(json.dumps(config), encoding="utf-8")
        write_manifest(folder)
        found[width] = logits(load(folder, speed="fast", backend="openvino"))
        assert np.abs(found[width] - logits(load(folder, speed="fast"))).mean() < ROUNDING
    # Endless margins pass every text on, which is then batched as in `full`; without any the small graph is alone.
    assert np.abs(found[1e6] - full).max() < ROUNDING
    assert not (np.abs(found[0.0] - full).max(axis=1) < 1e-3).any()


def test_a_score_does_not_depend_on_neighbours_or_threads_beyond_rounding(tiny_weights: Path) -> None:
    classifier = load(tiny_weights, threads=2, backend="openvino")
    together = [prediction.scores["angry"] for prediction in classifier.classify(TEXTS)]
    with ThreadPoolExecutor(4) as pool:
        alone = [found[0].scores["angry"] for found in pool.map(classifier.classify, ([text] for text in TEXTS))]
    assert alone == pytest.approx(together, abs=0.02)


@pytest.mark.parametrize(("windows", "runs"), [(1, 1), (8, 1), (20, 2), (64, 2), (100, 4)])
def test_runs_are_long_but_leave_no_thread_idle(tiny_weights: Path, windows: int, runs: int) -> None:
    session = Session(tiny_weights / GRAPH, threads=2, tokens_per_batch=256, backend="openvino")
    started = session.start([[0, *[7] * 30, 2]] * windows)
    assert len(started.runs) == runs
    assert started.logits().shape[0] == windows


def test_what_answers_depend_on_names_the_backend(tiny_weights: Path) -> None:
    info = load(tiny_weights, backend="openvino").info
    assert info.as_dict()["backend"] == "openvino"
    assert info.answers_by == f"{info.sha256} openvino"
    here = Identity.here(tiny_weights, None, "openvino")
    assert here.weights == info.answers_by
    assert "openvino" in here.versions
    assert "onnxruntime" not in here.versions


def test_ctrl_c_reaches_a_process_that_has_let_go_of_graphs(tiny_weights: Path) -> None:
    code = """
import gc, signal, sys, rida, model.openvino_graph
model.openvino_graph.multiplies_bfloat16 = lambda core: True
signal.signal(signal.SIGINT, signal.default_int_handler)
graphs = [rida.load(sys.argv[1], threads=1, backend="openvino") for _ in range(2)]
del graphs[0]
gc.collect()
graphs.clear()
gc.collect()
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""
    words = [sys.executable, "-c", code, str(tiny_weights)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "interrupted"), done.stderr


def test_a_processor_without_bfloat16_is_told_to_do_without(
    tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model.openvino_graph, "multiplies_bfloat16", lambda core: False)
    with pytest.raises(InputError, match=r"would be slower here.*leave the backend out"):
        load(tiny_weights, backend="openvino")


def test_without_openvino_the_command_that_installs_it_is_given(
    tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(InputError, match=r'pip install "rida\[openvino\]"'):
        load(tiny_weights, backend="openvino")


def test_a_graph_that_is_none_is_refused(tiny_weights: Path, tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((tiny_weights / name).read_bytes())
    (tmp_path / GRAPH).write_bytes((tiny_weights / GRAPH).read_bytes()[:5000])
    write_manifest(tmp_path)
    with pytest.raises(WeightsError, match=f"{GRAPH}: cannot be loaded by OpenVINO"):
        load(tmp_path, backend="openvino")


def test_a_backend_that_there_is_not_is_refused(tiny_weights: Path) -> None:
    with pytest.raises(InputError, match="backend is 'tensorrt'; give one of onnxruntime, openvino"):
        load(tiny_weights, backend="tensorrt")  # type: ignore[arg-type]
