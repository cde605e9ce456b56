import shutil
from pathlib import Path
from typing import Any

from model.config import TrainedOn, read_config
from model.manifest import CONFIG
from training.card import write_card


def evaluation(confusion: list[list[int]]) -> dict[str, Any]:
    texts = sum(map(sum, confusion))
    mood = {
        "texts": texts, "macro_f1": 0.5, "accuracy": 0.5, "f1": {"angry": 0.5}, "confusion": confusion,
        "calibration": {"error": 0.1, "error_before": 0.2},
    }  # fmt: skip
    group = {"texts": texts, "mood": mood}
    return {"overall": group, "languages": {"en": group}, "sources": {"annotated": group}, "averages": {},
            "split": "test", "row_limit": None, "command": "rida evaluate"}  # fmt: skip


def card(weights: Path, folder: Path, confusion: list[list[int]], notes: str | None = None) -> str:
    shutil.copytree(weights, folder, dirs_exist_ok=True)
    write_card(folder, evaluations=[evaluation(confusion)], notes=notes)
    return (folder / "README.md").read_text(encoding="utf-8")


def test_the_most_frequent_confusions_come_first_and_those_that_never_happened_not_at_all(
    tiny_weights: Path, tmp_path: Path
) -> None:
    said = card(tiny_weights, tmp_path, [[9, 0, 0, 0], [0, 9, 1, 0], [0, 0, 9, 4], [0, 0, 0, 9]])
    expected = "en, dissatisfied read as angry: 4 of 13; en, neutral read as dissatisfied: 1 of 10."
    assert f"- Most frequent confusions: {expected}" in said


def test_where_nothing_was_confused_nothing_is_listed(tiny_weights: Path, tmp_path: Path) -> None:
    assert "confusions" not in card(tiny_weights, tmp_path, [[3, 0, 0, 0], [0, 3, 0, 0], [0, 0, 3, 0], [0, 0, 0, 3]])


def test_notes_are_part_of_the_card(tiny_weights: Path, tmp_path: Path) -> None:
    assert "## What was seen" in card(
        tiny_weights, tmp_path, [[1, 0, 0, 0]] + [[0] * 4] * 3, notes="## What was seen\n"
    )


def test_own_labels_are_no_public_data(tiny_weights: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_weights, tmp_path, dirs_exist_ok=True)
    config = read_config(tmp_path / CONFIG)
    own = TrainedOn(name="may.csv", title="own labels, 200 texts", licence="of its owner")
    for sources in ((*config.trained_on, own), (own,)):
        made = config.model_copy(update={"trained_on": sources})
        (tmp_path / CONFIG).write_text(made.model_dump_json(), encoding="utf-8")
        write_card(tmp_path, evaluations=[])

        said = (tmp_path / "README.md").read_text(encoding="utf-8").partition("## Trained on")[2]

        public, _, owned = said.partition("Own labels, whose rights are those of their owner:")
        assert ("Public research data" in public) == (len(sources) > 1)
        assert [name for name in ("annotated", "stars", "may.csv") if name in public] == [
            each.name for each in sources[:-1]
        ]
        assert "| may.csv | own labels, 200 texts | of its owner |" in owned
