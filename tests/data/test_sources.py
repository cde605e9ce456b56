import gzip
import json
from pathlib import Path

import pytest

from data.errors import SourceError
from data.sources import read_card, read_source
from tests.conftest import write_rows

ROW = {"id": "1", "text": "fine", "lang": "en", "split": "train", "sentiment": "satisfied"}


def source_of(folder: Path, *rows: dict) -> Path:
    write_rows(folder / "data.jsonl.gz", list(rows))
    return folder


def test_rows_keep_what_the_source_says_and_nothing_more(tmp_path: Path) -> None:
    (row,) = read_source(source_of(tmp_path, ROW))
    assert (row.sentiment, row.angry, row.topics, row.mood) == ("satisfied", None, None, "satisfied")


def test_a_mood_gives_satisfaction_and_anger(tmp_path: Path) -> None:
    rows = [{"id": mood, "text": "t", "lang": "en", "mood": mood} for mood in ("satisfied", "dissatisfied", "angry")]
    write_rows(tmp_path / "train.jsonl.gz", rows)
    assert [(row.sentiment, row.angry, row.mood) for row in read_source(tmp_path)] == [
        ("satisfied", False, "satisfied"),
        ("dissatisfied", False, "dissatisfied"),
        ("dissatisfied", True, "angry"),
    ]


def test_a_dissatisfied_row_without_anger_has_no_mood(tmp_path: Path) -> None:
    (row,) = read_source(source_of(tmp_path, ROW | {"sentiment": "dissatisfied"}))
    assert row.mood is None


def test_columns_whose_type_changes_from_row_to_row_are_read(tmp_path: Path) -> None:
    rows = [ROW | {"id": str(at), "raw": raw} for at, raw in enumerate([None, "a", ["a", 1], {"b": {"c": 2}}, 3.5])]
    assert len(read_source(source_of(tmp_path, *rows))) == 5


def test_topics_covered_comes_from_the_card(data_root: Path) -> None:
    assert read_card(data_root / "stars").topics_covered == ("price",)
    assert read_card(data_root / "annotated").topics_covered is None


def test_validation_rows_are_held_out_by_id_whatever_else_is_there(data_root: Path) -> None:
    rows = read_source(data_root / "annotated", validation_share=0.2)
    held_out = {row.id for row in rows if row.split == "validation"}
    assert 0.1 < len(held_out) / sum(row.split != "test" for row in rows) < 0.3
    again = read_source(data_root / "annotated", validation_share=0.2)
    assert held_out == {row.id for row in again if row.split == "validation"}


def test_a_source_with_validation_rows_keeps_its_own_split(data_root: Path) -> None:
    rows = read_source(data_root / "stars", validation_share=0.5)
    assert sum(row.split == "validation" for row in rows) == 5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"text": None}, "row 1: text is None"),
        ({"lang": 3}, "row 1: lang is 3"),
        ({"split": "dev"}, "row 1: split is 'dev'"),
        ({"sentiment": "happy"}, "row 1: sentiment is 'happy'"),
        ({"mood": "furious"}, "row 1: mood is 'furious'"),
        ({"angry": "yes"}, "row 1: angry is 'yes'"),
        ({"topics": "price"}, "row 1: topics is 'price'"),
    ],
)
def test_a_wrong_field_is_named_with_its_row(tmp_path: Path, change: dict, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        read_source(source_of(tmp_path, ROW | change))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere: no such source folder"):
        read_source(tmp_path / "nowhere")


def test_a_folder_without_rows_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"holds neither data\.jsonl\.gz nor"):
        read_source(tmp_path)


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(b"{}\n{broken"), gzip.compress(b'{"a": 1}\n')[:-9]])
def test_an_unreadable_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data.jsonl.gz").write_bytes(content)
    with pytest.raises(SourceError, match=r"data\.jsonl\.gz"):
        read_source(tmp_path)


@pytest.mark.parametrize("card", ["{broken", "[1]"])
def test_a_broken_card_is_named(tmp_path: Path, card: str) -> None:
    source_of(tmp_path, ROW)
    (tmp_path / "card.json").write_text(card)
    with pytest.raises(SourceError, match=r"card\.json"):
        read_source(tmp_path)


def test_plain_json_lines_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_text(json.dumps(ROW) + "\n\n", encoding="utf-8")
    assert [row.id for row in read_source(tmp_path)] == ["1"]


def test_a_row_may_say_itself_which_topics_were_looked_for(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text(json.dumps({"topics_covered": ["price"]}), encoding="utf-8")
    said = ROW | {"topics": ["lost parcel"], "topics_covered": ["price", "lost parcel"]}
    first, second = read_source(source_of(tmp_path, ROW | {"topics": []}, said))
    assert (first.topics_covered, second.topics_covered) == (("price",), ("price", "lost parcel"))


@pytest.mark.parametrize("wrong", ["price", [1], {"price": True}])
def test_topics_covered_of_a_row_that_is_no_list_of_names_is_refused(tmp_path: Path, wrong: object) -> None:
    with pytest.raises(SourceError, match=r"row 1: topics_covered is"):
        read_source(source_of(tmp_path, ROW | {"topics_covered": wrong}))
