"""`rida upgrade`: weights that an older rida exported, in the operators of this one."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from benchmarks.speed.fused_graph import fused
from model.classifier import Classifier, load
from model.manifest import GRAPH, SMALL_GRAPH, write_manifest
from serving.cli import main
from tests.conftest import feedback_rows
from tests.training.test_cli import RECIPE
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


def logits(classifier: Classifier) -> np.ndarray:
    heads, _ = classifier.logits(TEXTS)
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


def test_plain_operators_compute_what_the_fused_ones_did(both: tuple[Path, Path]) -> None:
    now, older = (logits(load(folder)) for folder in both)
    assert np.abs(now - older).max() < ROUNDING
    assert np.abs(now - older).mean() < ROUNDING / 20
    assert now.std(axis=0).min() > ROUNDING


def test_older_weights_run_on_openvino_too(both: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.openvino_graph.multiplies_bfloat16", lambda core: True)
    now, older = (logits(load(folder, backend="openvino")) for folder in both)
    assert np.abs(now - older).max() < ROUNDING


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
    assert logits(load(tmp_path / "new")) == pytest.approx(logits(load(weights)), abs=ROUNDING)


def test_margins_are_chosen_anew_on_rows_of_the_recipe(
    fast_weights: Path, recipe_file: Path, data_root: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(fast_weights, tmp_path / "weights"))
    words = ["upgrade", str(folder), "--output", str(tmp_path / "new")]
    assert main([*words, "--recipe", str(recipe_file), "--data-root", str(data_root)]) == 0
    before, after = (load(each).info.config.fast for each in (folder, tmp_path / "new"))
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
