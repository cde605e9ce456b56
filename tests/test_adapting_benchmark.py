"""The parts of benchmarks/adapting that choose rows and write the page."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from benchmarks.adapting.companies import COMPANIES, Company, chosen, own_rows
from benchmarks.adapting.page import show
from tests.conftest import feedback_rows, write_rows

RECIPE = Path(__file__).parents[1] / "training" / "recipe.toml"


def test_a_source_called_unseen_is_not_in_the_recipe_and_the_others_are():
    recipe = {source["name"] for source in tomllib.loads(RECIPE.read_text(encoding="utf-8"))["sources"]}
    assert {company.source for company in COMPANIES if company.unseen}.isdisjoint(recipe)
    assert {company.source for company in COMPANIES if not company.unseen} <= recipe
    assert all("train" not in company.drawn_from for company in COMPANIES if not company.unseen)


def test_rows_to_teach_and_rows_to_measure_on_are_of_one_language_and_apart(tmp_path):
    rows = [{**row, "split": "test" if at % 3 == 0 else "train"} for at, row in enumerate(feedback_rows())]
    write_rows(tmp_path / "shop" / "data.jsonl.gz", rows)
    company = Company("shop", "vi", "moods", ("train",), unseen=True)

    found, splits = own_rows(company, tmp_path, 40)

    assert {row.lang for row in found} == {"vi"}
    assert splits.count(None) == 40
    assert not {row.id for row in found[:40]} & {row.id for row in found[40:]}
    with pytest.raises(ValueError, match="shop/vi has only 64 rows in train, not 500"):
        own_rows(company, tmp_path, 500)


def test_companies_are_chosen_by_name():
    assert [company.name for company in chosen(["xed/vi"])] == ["xed/vi"]
    with pytest.raises(ValueError, match="no company is named nobody/xx"):
        chosen(["nobody/xx"])


def test_the_page_says_gain_interval_and_cost():
    measure = {"before": 0.5, "after": 0.6, "gain": 0.1, "interval": [0.04, 0.16], "texts": 900, "verdict": "better"}
    standing = {"texts": 900, "verdict": "better", "measures": {"mood macro-F1": measure}, "new_topics": {}}
    results = {
        "machine": {"processor": "P", "cores": 2, "busy_before": False, "load_before": 0.1},
        "weights": {"name": "rida-feedback", "version": "0.2.0"},
        "rows": 500,
        "annotated_texts": {"ar": 10, "others": 5},
        "companies": [
            {"name": "a/ar", "labels": "x", "unseen": unseen, "seconds": 360, "there": standing,
             "elsewhere": {"ar": standing, "others": {**standing, "measures": {}}}}
            for unseen in (True, False)
        ],
    }  # fmt: skip
    page = show(results)
    assert "| a/ar | x | mood macro-F1 | 900 | 50.0 | 60.0 | +10.0 (+4.0 to +16.0) | better |" in page
    assert "| a/ar | 50.0 → 60.0, +10.0 (+4.0 to +16.0) |  |" in page
    assert page.count("## Sources that the weights") == 2
    assert "took 6 to 6 minutes" in page
