import json
import shutil
from pathlib import Path

import pytest

from model.classifier import load
from model.errors import RecipeError, WeightsError
from training.comparison import Comparison, LanguageComparison
from training.export import ExportSettings, export


def test_the_weights_folder_holds_what_the_contract_says(tiny_weights: Path) -> None:
    assert {path.name for path in tiny_weights.iterdir()} >= {
        "model.onnx", "tokenizer.json", "config.json", "manifest.json", "README.md",
    }  # fmt: skip
    config = json.loads((tiny_weights / "config.json").read_text())
    assert config["trained_on"] == [
        {"name": "annotated", "title": "annotated", "licence": "not stated"},
        {"name": "stars", "title": "Stars", "licence": "CC BY-NC-SA 4.0"},
    ]
    assert config["temperatures"]["satisfaction"] != 1.0


def test_the_export_answers_like_the_network(tiny_weights: Path) -> None:
    comparison = json.loads((tiny_weights / "comparison.json").read_text())
    assert comparison["moods_unchanged"] >= 0.98
    assert set(comparison["languages"]) == {"ar", "fa", "vi", "en"}


def test_the_card_names_sources_licences_and_rules(tiny_weights: Path) -> None:
    card = (tiny_weights / "README.md").read_text(encoding="utf-8")
    assert "| stars | Stars | CC BY-NC-SA 4.0 |" in card
    assert "What it must not be used for" in card
    assert f"angry from {load(tiny_weights).info.config.thresholds.angry} on" in card


def test_an_export_replaces_the_folder_that_was_there(
    tiny_weights: Path, tiny_network: Path, data_root: Path, tmp_path: Path
) -> None:
    output = tmp_path / "weights"
    shutil.copytree(tiny_weights, output)
    (output / "stray").touch()
    settings = ExportSettings(version="9", pieces=300, watched_texts=32, window_tokens=32, tokens_per_batch=256)
    export(tiny_network, data_root=data_root, output=output, settings=settings)
    assert load(output).info.version == "9"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["weights"]
    assert not (output / "stray").exists()


def test_without_rows_to_calibrate_on_nothing_is_written(tiny_network: Path, data_root: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="--calibrate-on"):
        export(
            tiny_network, data_root=data_root, output=tmp_path / "w", settings=ExportSettings(calibrate_on=("nothing",))
        )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_network_is_refused(data_root: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="rida train"):
        export(tmp_path, data_root=data_root, output=tmp_path / "w", settings=ExportSettings())


@pytest.mark.parametrize(
    ("unchanged", "lost", "kept"), [(0.985, 0.004, True), (0.975, 0.0, False), (0.99, 0.006, False)]
)
def test_an_export_that_changes_too_much_does_not_pass(unchanged: float, lost: float, kept: bool) -> None:
    found = LanguageComparison(100, unchanged, 0.1, 0.8, 0.8 - lost)
    assert Comparison(100, unchanged, 0.1, {"ar": found}).keeps_answers() is kept
