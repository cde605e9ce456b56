import json
from pathlib import Path
from typing import Any

import pytest

from model.classifier import load
from model.errors import RecipeError
from training.evaluate import evaluate
from training.published import PublishedSet, measure_published, read_sets

GIVEN: dict[str, Any] = {
    "title": "Set",
    "source": "annotated",
    "compare": "same",
    "by": "someone",
    "checked": True,
    "differs": "nothing",
}


def figures(weights: Path, data_root: Path, output: Path, *sets: dict[str, Any]) -> list[dict[str, Any]]:
    chosen = [PublishedSet.model_validate(GIVEN | each) for each in sets]
    measured = measure_published(weights, data_root=data_root, output=output, sets=chosen)
    assert json.loads((output / "published.json").read_text(encoding="utf-8")) == measured
    found: list[dict[str, Any]] = measured["sets"]
    return found


def test_each_set_is_measured_by_its_own_measure(tiny_weights: Path, data_root: Path, tmp_path: Path) -> None:
    tasks = [("satisfaction", "accuracy"), ("anger", "f1"), ("complaint", "f1"), ("topics", "micro_f1")]
    found = figures(tiny_weights, data_root, tmp_path, *({"task": task, "metric": metric} for task, metric in tasks))
    classifier, output = load(tiny_weights), tmp_path / "e"
    evaluated = evaluate(classifier, data_root=data_root, sources=["annotated"], split="test", output=output)
    overall = evaluated["overall"]
    ours = {each["task"]: each["ours"] / 100 for each in found}
    assert ours["satisfaction"] == pytest.approx(overall["satisfaction"]["accuracy"], abs=1e-4)
    assert ours["anger"] == pytest.approx(overall["mood"]["f1"]["angry"], abs=1e-4)
    assert ours["topics"] == pytest.approx(overall["topics"]["micro_f1"], abs=1e-4)
    assert ours["complaint"] > 0.9
    assert {each["texts"] for each in found} == {overall["texts"]}


def test_a_set_may_be_one_language_of_a_source(tiny_weights: Path, data_root: Path, tmp_path: Path) -> None:
    whole, part = figures(
        tiny_weights, data_root, tmp_path,
        {"task": "satisfaction", "metric": "accuracy"}, {"task": "satisfaction", "metric": "accuracy", "lang": "fa"},
    )  # fmt: skip
    assert 0 < part["texts"] < whole["texts"]


def test_the_standing_counts_only_figures_that_compare(tiny_weights: Path, data_root: Path, tmp_path: Path) -> None:
    given = {"task": "satisfaction", "metric": "accuracy"}
    (each,) = figures(tiny_weights, data_root, tmp_path, given)
    ours = each["ours"]
    published = [(ours, "same", True), (ours + 3, "same", True), (ours + 3.1, "same", False), (ours, "near", True),
                 (ours, "no", True), (None, "no", None)]  # fmt: skip
    sets = [
        PublishedSet.model_validate(GIVEN | given | {"published": figure, "compare": compare, "checked": checked})
        for figure, compare, checked in published
    ]
    found = measure_published(tiny_weights, data_root=data_root, output=tmp_path, sets=sets)
    assert found["standing"] == {
        "same measure": {"figures": 3, "at_or_above": 1, "within_3_points": 2},
        "same measure, figure read in its source": {"figures": 2, "at_or_above": 1, "within_3_points": 2},
        "same or near measure": {"figures": 4, "at_or_above": 2, "within_3_points": 3},
    }
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert f"{ours + 3.1:.1f} * | someone | same" in page


@pytest.mark.parametrize(
    "fields",
    [{"task": "satisfaction", "metric": "f1"}, {"task": "anger", "metric": "f1", "published": 1.0, "checked": None}],
)
def test_a_measure_that_does_not_fit_and_a_figure_of_unknown_origin_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"use one of|a published figure needs"):
        PublishedSet.model_validate(GIVEN | fields)


def test_a_set_without_labels_for_its_task_is_refused(tiny_weights: Path, data_root: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no test row of stars"):
        figures(tiny_weights, data_root, tmp_path, {"source": "stars", "task": "anger", "metric": "f1"})


def test_the_shipped_table_is_whole_and_a_faulty_one_refused(tmp_path: Path) -> None:
    sets = read_sets()
    assert len({(each.title, each.metric) for each in sets}) == len(sets) > 30
    assert all(each.by for each in sets if each.published is not None)
    assert all(each.published is not None for each in sets if each.compare != "no")
    path = tmp_path / "published.toml"
    path.write_text("sets = [{ title = 1 }]")
    with pytest.raises(RecipeError, match="not a table of published sets"):
        read_sets(path)
