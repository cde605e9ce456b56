"""`rida upgrade`: weights that an older rida exported, in the operators of this one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
import onnx
import pytest

from benchmarks.speed.fused_graph import fused
from model.classifier import load
from model.config import Backend
from model.layers import EMBEDDINGS
from model.manifest import CONFIG, GRAPH, SMALL_GRAPH, write_manifest
from model.onnxruntime_graph import OnnxruntimeGraph
from model.openvino_graph import OpenvinoGraph
from serving.cli import main
from tests.conftest import feedback_rows
from tests.training.test_cli import RECIPE
from training.embedding import Embedder
from training.restore import restore
from training.small_graph import share_table

TEXTS = [row["text"] for row in feedback_rows(seed=3)]
ROUNDING = 0.12
"""What bfloat16, or an activation that 8 bits round to the other side, may make of a logit here."""


def as_exported_before(weights: Path, folder: Path) -> Path:
    shutil.copytree(weights, folder)
    for name in (GRAPH, SMALL_GRAPH):
        if (weights / name).is_file():
            older = fused(onnx.load_model(weights / name), restore(weights, graph=name).shape)
            if name == SMALL_GRAPH:
                share_table(older, folder / GRAPH)
            (folder / name).write_bytes(older.SerializeToString())
    write_manifest(folder)
    return folder


def logits(folder: Path, *, alone: bool = False, backend: Backend = "onnxruntime") -> np.ndarray:
    """Of all texts, by the full graph, or by the small one `alone`."""
    if alone:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        config["fast"]["margins"] = {"moods": 0.0, "topics": 0.0}
        (folder / CONFIG).write_text(json.dumps(config), encoding="utf-8")
        write_manifest(folder)
    heads, _ = load(folder, speed="fast" if alone else "full", backend=backend).logits(TEXTS)
    return np.column_stack([heads.satisfaction, heads.anger, heads.topics])


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=["own_topics_weights", "fast_weights"])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Weights of this version, and the same as an older one exported them."""
    weights: Path = request.getfixturevalue(request.param)
    return weights, as_exported_before(weights, tmp_path_factory.mktemp("older") / "weights")


@pytest.mark.parametrize("backend", get_args(Backend))
def test_plain_operators_compute_what_the_fused_ones_did(
    both: tuple[Path, Path], backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.openvino_graph.multiplies_bfloat16", lambda core: True)
    now, older = (logits(folder, backend=backend) for folder in both)
    assert np.abs(now - older).max() < ROUNDING
    assert now.std(axis=0).min() > ROUNDING
    if (both[0] / SMALL_GRAPH).is_file():
        copies = [Path(shutil.copytree(folder, tmp_path / str(at))) for at, folder in enumerate(both)]
        small, small_older = (logits(folder, alone=True, backend=backend) for folder in copies)
        assert np.abs(small - small_older).max() < ROUNDING
        assert np.abs(small - now).max() > ROUNDING


@pytest.mark.parametrize("made", [OnnxruntimeGraph, partial(OpenvinoGraph, threads=1)])
def test_what_stands_behind_a_text_is_looked_at_by_neither(
    both: tuple[Path, Path], made: Callable[[Path], OnnxruntimeGraph], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.openvino_graph.multiplies_bfloat16", lambda core: True)
    lengths = np.array([6, 3], dtype=np.int32)
    texts = [np.array([[0, 7, 8, 9, 10, 2], [0, 11, 2, pad, pad, pad]], dtype=np.int32) for pad in (1, 9)]
    for folder in both:
        graph = made(folder / GRAPH)
        padded, otherwise = (graph.run(ids, lengths) for ids in texts)
        alone = graph.run(texts[0][1:, :3], lengths[1:])
        assert np.array_equal(padded, otherwise)
        assert np.abs(padded[1] - alone[0]).max() < ROUNDING


def test_layers_are_pooled_alike_in_graphs_of_before_and_of_now(both: tuple[Path, Path]) -> None:
    for layer in (EMBEDDINGS, 0):
        now, older = (Embedder(folder, threads=1, layers=[layer]).embed(TEXTS).vectors for folder in both)
        assert np.abs(now - older).max() < ROUNDING
        assert np.corrcoef(now.ravel(), older.ravel())[0, 1] > 0.999


def test_upgraded_weights_are_those_that_this_version_exports(both: tuple[Path, Path], tmp_path: Path) -> None:
    weights, older = both
    assert main(["upgrade", str(older), "--output", str(tmp_path / "new")]) == 0
    for name in (GRAPH, SMALL_GRAPH):
        if (weights / name).is_file():
            found, wanted = (onnx.load_model(folder / name).graph for folder in (tmp_path / "new", weights))
            assert [node.op_type for node in found.node] == [node.op_type for node in wanted.node]
            values = {each.name: onnx.numpy_helper.to_array(each) for each in wanted.initializer}
            assert {each.name for each in found.initializer} == values.keys()
            for each in found.initializer:
                found_values = onnx.numpy_helper.to_array(each)
                np.testing.assert_allclose(found_values, values[each.name], rtol=1e-5, atol=1e-7, err_msg=each.name)
    kept = [path.name for path in older.iterdir() if path.name not in (GRAPH, SMALL_GRAPH, "manifest.json")]
    assert all((tmp_path / "new" / name).read_bytes() == (older / name).read_bytes() for name in kept)
    assert logits(tmp_path / "new") == pytest.approx(logits(weights), abs=ROUNDING)


def test_weights_may_be_upgraded_where_they_stand(both: tuple[Path, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(both[1], tmp_path / "weights"))
    assert main(["upgrade", str(folder), "--output", str(folder)]) == 0
    assert (folder / GRAPH).read_bytes() != (both[1] / GRAPH).read_bytes()
    assert logits(folder) == pytest.approx(logits(both[1]), abs=ROUNDING)


def test_margins_are_chosen_anew_on_rows_of_the_recipe(
    fast_weights: Path, recipe_file: Path, data_root: Path, tmp_path: Path
) -> None:
    words = ["upgrade", str(fast_weights), "--output", str(tmp_path / "new")]
    assert main([*words, "--recipe", str(recipe_file), "--data-root", str(data_root)]) == 0
    before, after = (load(each).info.config.fast for each in (fast_weights, tmp_path / "new"))
    assert before is not None
    assert after is not None
    assert not before.full.mood_macro_f1
    assert {"all", "en"} <= set(after.full.mood_macro_f1) == set(after.fast.mood_macro_f1)
    assert '## Speed "fast"' in (tmp_path / "new" / "README.md").read_text(encoding="utf-8")


def test_what_cannot_be_upgraded_is_said(
    tiny_weights: Path, recipe_file: Path, data_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["upgrade", str(tiny_weights), "--output", str(tmp_path / "new")]
    for more, said in (
        (["--data-root", str(data_root)], "--recipe and --data-root go together"),
        (["--recipe", str(recipe_file), "--data-root", str(data_root)], "has no small graph to choose margins for"),
    ):
        assert main([*words, *more]) == 2
        assert said in capsys.readouterr().err
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "letter.txt").write_text("dear", encoding="utf-8")
    assert main(words) == 2
    assert "is no weights folder" in capsys.readouterr().err
    assert (tmp_path / "new" / "letter.txt").read_text(encoding="utf-8") == "dear"
