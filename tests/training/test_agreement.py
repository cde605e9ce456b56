from pathlib import Path

import pytest

from data.annotations import text_digest
from model.errors import RecipeError
from tests.conftest import write_rows
from training.agreement import measure_agreement

MOODS = ("satisfied", "neutral", "dissatisfied", "angry")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rows = [{"id": str(at), "text": f"text {at}", "lang": "en", "mood": MOODS[at % 4], "topics": ["price"]}
            for at in range(20)]  # fmt: skip
    write_rows(tmp_path / "annotated" / "train.jsonl.gz", rows)
    return tmp_path / "annotated"


def readings(tmp_path: Path, *moods: str) -> Path:
    path = tmp_path / "readings.csv"
    lines = [f"{text_digest(f'text {at}')},{mood},price" for at, mood in enumerate(moods)]
    path.write_text("\n".join(["text,mood,topics", *lines, ""]), encoding="utf-8")
    return path


def test_two_readings_are_compared_text_by_text(source: Path, tmp_path: Path) -> None:
    path = readings(tmp_path, "satisfied", "neutral", "angry", "dissatisfied", "satisfied")
    found = measure_agreement(path, source=source, output=tmp_path / "report")
    assert found["texts"] == 5
    assert found["mood"]["accuracy"] == pytest.approx(0.6)
    assert found["mood"]["disputed"] == [{"moods": ["dissatisfied", "angry"], "texts": 2}]
    assert found["topics_micro_f1"] == 1
    assert "| dissatisfied / angry | 2 |" in (tmp_path / "report" / "README.md").read_text(encoding="utf-8")


def test_moods_that_nobody_named_do_not_count(source: Path, tmp_path: Path) -> None:
    found = measure_agreement(readings(tmp_path, "satisfied", "neutral"), source=source, output=tmp_path / "report")
    assert (found["mood"]["accuracy"], found["mood"]["macro_f1"], found["mood"]["kappa"]) == (1, 1, 1)
    found = measure_agreement(readings(tmp_path, "satisfied"), source=source, output=tmp_path / "report")
    assert found["mood"]["kappa"] is None


def test_readings_of_other_texts_are_refused(source: Path, tmp_path: Path) -> None:
    path = tmp_path / "readings.csv"
    path.write_text(f"text,mood,topics\n{text_digest('elsewhere')},angry,\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="none of its texts"):
        measure_agreement(path, source=source, output=tmp_path / "report")
