import json
from pathlib import Path
from typing import Any

import pytest

from model.errors import InputError
from model.labels import Mood
from model.prediction import Prediction
from training.behaviour import Case, measure_behaviour, passes, read_cases

ANGER, PRAISE = "you thieves the parcel 7 is a scam!!!", "great parcel 7 thanks"


def suite(folder: Path, *cases: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "en.json").write_text(json.dumps([{"capability": "x", "text": ANGER} | case for case in cases]))
    return folder


def prediction(angry: float) -> Prediction:
    scores: dict[Mood, float] = {"satisfied": 0.0, "neutral": 0.0, "dissatisfied": 1 - angry, "angry": angry}
    return Prediction("0", "angry", scores, (), (), needs_review=False, truncated=False, tokens=9)


def test_pass_rates_are_told_by_capability_language_and_kind(tiny_weights: Path, tmp_path: Path) -> None:
    cases = suite(
        tmp_path / "cases",
        {"kind": "MFT", "capability": "anger", "moods": ["angry"]},
        {"kind": "MFT", "capability": "anger", "moods": ["satisfied", "neutral"]},
        {"kind": "INV", "variant": PRAISE},
        {"kind": "DIR", "variant": PRAISE, "mood": "satisfied", "change": "up"},
    )
    found = measure_behaviour(tiny_weights, cases=cases, output=tmp_path / "report")
    assert (found["passed"], found["cases"]) == (2, 4)
    assert found["capabilities"] == {"anger": {"en": [1, 2]}, "x": {"en": [1, 2]}}
    assert found["kinds"] == {"MFT": [1, 2], "INV": [0, 1], "DIR": [1, 1]}
    page = (tmp_path / "report" / "README.md").read_text(encoding="utf-8")
    assert "| anger | 1/2 | 50.0 % |" in page


@pytest.mark.parametrize(
    ("change", "was", "now", "passed"),
    [("up", 0.2, 0.3, True), ("up", 0.3, 0.2, False), ("up", 0.995, 0.99, True),
     ("down", 0.3, 0.2, True), ("down", 0.2, 0.3, False), ("down", 0.005, 0.01, True)],
)  # fmt: skip
def test_a_direction_is_kept_unless_the_mood_is_at_its_end(change: str, was: float, now: float, passed: bool) -> None:
    case = _case({"kind": "DIR", "variant": PRAISE, "mood": "angry", "change": change})
    assert passes(case, prediction(was), prediction(now)) is passed


def _case(fields: dict[str, Any]) -> Case:
    from pydantic import TypeAdapter

    adapter: TypeAdapter[Case] = TypeAdapter(Case)
    return adapter.validate_python({"capability": "x", "text": ANGER} | fields)


@pytest.mark.parametrize(
    "case",
    [
        {"kind": "MFT"},
        {"kind": "MFT", "moods": ["furious"]},
        {"kind": "INV"},
        {"kind": "DIR", "variant": "x", "mood": "angry", "change": "sideways"},
        {"kind": "?"},
    ],
)
def test_a_faulty_suite_is_refused(case: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a suite of behaviour cases"):
        read_cases(suite(tmp_path / "cases", case) / "en.json")


def test_a_folder_without_a_suite_is_refused(tiny_weights: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no suite"):
        measure_behaviour(tiny_weights, cases=tmp_path, output=tmp_path / "report")


def test_a_case_that_cannot_be_scored_is_named(tiny_weights: Path, tmp_path: Path) -> None:
    cases = suite(tmp_path / "cases", {"kind": "MFT", "text": "\u200b", "moods": ["neutral"]})
    with pytest.raises(InputError, match="cannot be scored"):
        measure_behaviour(tiny_weights, cases=cases, output=tmp_path / "report")
