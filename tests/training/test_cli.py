import json
import shutil
from pathlib import Path

import pytest

from model.classifier import load
from model.errors import InputError, RecipeError
from serving.cli import make_parser


def run(*words: object) -> int:
    arguments = make_parser(with_training=True).parse_args([str(word) for word in words])
    return int(arguments.run(arguments))


RECIPE = """
name = "tiny"
sources = [{ name = "annotated" }]
[encoder]
name = "tiny-encoder"
[[stages]]
rows = 64
[optimisation]
tokens_per_batch = 512
precision = "float32"
"""


def test_train_export_and_evaluate_follow_one_another(tiny_encoder: Path, data_root: Path, tmp_path: Path) -> None:
    recipe, weights, report = tmp_path / "recipe.toml", tmp_path / "weights", tmp_path / "report"
    recipe.write_text(RECIPE)
    data = ("--data-root", data_root)
    assert run("train", "--recipe", recipe, *data, "--output", tmp_path / "run", "--encoder", tiny_encoder) == 0
    assert run("validate", tmp_path / "run", *data) == 0
    validated = json.loads((tmp_path / "run" / "network" / "validation.json").read_text())
    assert set(validated["languages"]) == {"ar", "fa", "vi", "en"}
    assert validated["overall"]["mood"]["texts"] == validated["texts"]
    assert run("export", tmp_path / "run", *data, "--output", weights, "--pieces", 300) == 0
    graph = load(weights).info.graph_sha256
    (notes := tmp_path / "notes.md").write_text("## What was seen\n", encoding="utf-8")
    words = ("evaluate", weights, *data, "--data", "annotated", "--output", report, "--card", "--notes")
    with pytest.raises(InputError, match=r"absent\.md: notes for the card cannot be read"):
        run(*words, tmp_path / "absent.md")
    assert run(*words, notes) == 0
    evaluation = json.loads((report / "evaluation.json").read_text())
    assert set(evaluation["languages"]) == {"ar", "fa", "vi", "en"}
    assert set(evaluation["averages"]) == {"first_class_mood_macro_f1", "first_class_topics_micro_f1"}
    assert {path.name for path in report.iterdir()} == {
        "evaluation.json", "report.md", "confusion.png", "reliability.png", "languages.png",
    }  # fmt: skip
    card = (weights / "README.md").read_text(encoding="utf-8")
    assert "Measured on test rows" in card
    assert "## What was seen" in card
    assert "--split test --data annotated" in card
    assert load(weights).info.graph_sha256 == graph


def test_a_row_limit_measures_the_same_few_rows_each_time(tiny_weights: Path, data_root: Path, tmp_path: Path) -> None:
    weights = shutil.copytree(tiny_weights, tmp_path / "weights")
    words = ("evaluate", weights, "--data-root", data_root, "--data", "annotated", "--limit", 20, "--output")
    run(*words, tmp_path / "one")
    run(*words, tmp_path / "two")
    one, two = (json.loads((tmp_path / name / "evaluation.json").read_text()) for name in ("one", "two"))
    assert one == two
    assert one["texts"] == 20


def test_speed_and_backend_are_measured_and_named_but_not_in_the_card(
    fast_weights: Path, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.openvino_graph.multiplies_bfloat16", lambda core: True)
    words = ("evaluate", fast_weights, "--data-root", data_root, "--data", "annotated", "--output", tmp_path)
    chosen = ("--speed", "fast", "--backend", "openvino")
    with pytest.raises(InputError, match="--card is for figures without --speed fast --backend openvino"):
        run(*words, *chosen, "--card")
    run(*words, *chosen)
    evaluation = json.loads((tmp_path / "evaluation.json").read_text())
    assert evaluation["weights"]["speed"] == "fast"
    assert evaluation["command"].endswith("--speed fast --backend openvino --data annotated")
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert report.splitlines()[0].endswith(", speed fast, backend openvino")


def test_a_split_without_rows_is_refused(tiny_weights: Path, data_root: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no labelled test row in stars"):
        run("evaluate", tiny_weights, "--data-root", data_root, "--data", "stars", "--output", tmp_path)


def test_a_missing_source_is_an_error_that_the_command_line_can_show(tiny_weights: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="nowhere: no such source folder"):
        run("evaluate", tiny_weights, "--data-root", tmp_path, "--data", "nowhere", "--output", tmp_path)


def test_a_card_takes_no_figures_of_other_weights(tiny_weights: Path, data_root: Path, tmp_path: Path) -> None:
    weights = shutil.copytree(tiny_weights, tmp_path / "weights")
    words = ("evaluate", weights, "--data-root", data_root, "--data", "annotated", "--limit", 20, "--output")
    run(*words, tmp_path / "one")
    path = tmp_path / "one" / "evaluation.json"
    evaluation = json.loads(path.read_text())
    evaluation["weights"]["graph_sha256"] = "0" * 64
    path.write_text(json.dumps(evaluation))
    with pytest.raises(InputError, match="measured other weights"):
        run(*words, tmp_path / "two", "--card", tmp_path / "one")
