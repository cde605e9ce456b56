import json
from pathlib import Path

import pytest

from data.annotations import text_digest
from model.labels import TOPICS
from tests.conftest import tiny_recipe, write_rows
from training.corpus import read_corpus


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, licence in (("free", "Apache-2.0 licence"), ("bound", "CC BY-NC 4.0")):
        row = {"id": name, "text": f"text of {name}", "lang": "en", "split": "train", "sentiment": "neutral"}
        write_rows(tmp_path / name / "data.jsonl.gz", [row])
        (tmp_path / name / "card.json").write_text(json.dumps({"licence": licence}))
    collected = [
        {"id": name, "text": f"collected from {name}", "lang": "en", "mood": "neutral", "source": name}
        for name in ("free", "bound", "elsewhere")
    ]
    write_rows(tmp_path / "annotated" / "train.jsonl.gz", collected)
    return tmp_path


def texts(root: Path, *excluded: str) -> set[str]:
    sources = [{"name": name} for name in ("free", "bound", "annotated")]
    recipe = tiny_recipe(
        sources=sources, stages=[{"rows": 1}], data={"exclude_licences": excluded, "validation_share": 0}
    )
    return {row.text for row in read_corpus(recipe, root).train}


def test_a_licence_goes_with_the_texts_that_others_collected_from_its_source(root: Path) -> None:
    assert texts(root, "NC") == {"text of free", "collected from free", "collected from elsewhere"}


def test_a_word_of_a_licence_is_not_found_within_another_word(root: Path) -> None:
    assert "text of free" in texts(root, "NC")
    assert "text of free" not in texts(root, "apache-2.0")


def test_the_cards_are_those_of_the_sources_that_texts_come_from(root: Path) -> None:
    recipe = tiny_recipe(sources=[{"name": "annotated"}], stages=[{"rows": 1}], data={"validation_share": 0})
    licences = {card.name: card.licence for card in read_corpus(recipe, root).cards}
    assert licences == {
        "annotated": "not stated",
        "bound": "CC BY-NC 4.0",
        "elsewhere": "not stated",
        "free": "Apache-2.0 licence",
    }


def test_a_source_may_stand_elsewhere_than_under_the_data_root(root: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "ours"
    write_rows(elsewhere / "data.jsonl.gz", [{"id": "1", "text": "our text", "lang": "en", "split": "train",
                                              "mood": "neutral", "topics": []}])  # fmt: skip
    sources = [{"name": "ours", "folder": str(elsewhere)}, {"name": "free"}]
    corpus = read_corpus(tiny_recipe(sources=sources, stages=[{"rows": 1}], data={"validation_share": 0}), root)
    assert {row.text: row.source for row in corpus.train} == {"our text": "ours", "text of free": "free"}


def test_annotations_add_rows_of_their_own_to_texts_of_the_sources(root: Path, tmp_path: Path) -> None:
    annotations = tmp_path / "annotations.csv"
    annotations.write_text(f"text,mood,topics\n{text_digest('text of free')},angry,billing\n", encoding="utf-8")
    data = {"validation_share": 0, "annotations": str(annotations)}
    recipe = tiny_recipe(sources=[{"name": "free"}], stages=[{"rows": 1, "shares": {"annotations": 0.5}}], data=data)
    said = {row.source: (row.mood, row.topics) for row in read_corpus(recipe, root).train}
    assert said == {"free": ("neutral", None), "annotations": ("angry", ("billing",))}


def test_texts_without_marks_are_trained_on_unless_held_out(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "text": "Chất lượng kém", "lang": "vi", "split": "train", "mood": "dissatisfied", "topics": []},
        {"id": "2", "text": "Dịch vụ tốt", "lang": "vi", "split": "train", "mood": "satisfied", "topics": []},
        {"id": "3", "text": "chat luong kem", "lang": "vi", "split": "test", "mood": "dissatisfied", "topics": []},
    ]
    write_rows(tmp_path / "annotated" / "data.jsonl.gz", rows)
    data = {"validation_share": 0, "unmarked": ["vi"]}
    recipe = tiny_recipe(sources=[{"name": "annotated"}], stages=[{"rows": 1}], data=data)
    found = {row.text for row in read_corpus(recipe, tmp_path).train if row.source == "unmarked"}
    assert found == {"Dich vu tot"}


def test_own_topics_of_corrections_are_left_out_aloud_and_misspelt_ones_are_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    row = {"id": "1", "text": "text", "lang": "en", "split": "train", "mood": "neutral"}
    misspelt = row | {"id": "2", "text": "another text", "topics": ["delivry"]}
    own = row | {"topics": ["price", "lost parcel"], "topics_covered": [*TOPICS, "lost parcel"]}
    write_rows(tmp_path / "corrections" / "data.jsonl.gz", [own, misspelt])

    recipe = tiny_recipe(sources=[{"name": "corrections"}], stages=[{"rows": 1}])
    found = read_corpus(recipe, tmp_path)

    assert {each.topics for each in (*found.train, *found.validation)} == {("price",), ("delivry",)}
    assert "own topics are left out" in caplog.text
    assert "'lost parcel' (1 rows)" in caplog.text
    assert "delivry" not in caplog.text
