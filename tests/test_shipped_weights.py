"""The weights in the repository, on texts written for this project: behaviour and promises, not benchmarks."""

import csv
import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

import rida
from model.classifier import SHIPPED_WEIGHTS
from model.labels import FIRST_CLASS_LANGUAGES, MOODS
from model.prediction import Prediction

ROOT = Path(__file__).parent.parent
CASES = json.loads((ROOT / "tests" / "behaviour_cases.json").read_text(encoding="utf-8"))
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def classifier() -> rida.Classifier:
    return rida.load()


@pytest.fixture(scope="module")
def samples() -> list[dict[str, str]]:
    with (ROOT / "data" / "samples" / "feedback.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def predict(classifier: rida.Classifier, texts: list[str]) -> list[Prediction]:
    results = classifier.classify(texts)
    assert all(isinstance(result, Prediction) for result in results)
    return results  # type: ignore[return-value]


def pairs(kind: str, lang: str, classifier: rida.Classifier) -> list[tuple[dict[str, Any], Prediction, Prediction]]:
    cases = [case for case in CASES[kind] if case["lang"] == lang]
    before = predict(classifier, [case["text"] for case in cases])
    after = predict(classifier, [case["variant"] for case in cases])
    return list(zip(cases, before, after, strict=True))


@pytest.mark.parametrize("lang", FIRST_CLASS_LANGUAGES)
def test_a_typo_an_emoji_a_mark_or_another_brand_does_not_flip_the_mood(lang: str, classifier: rida.Classifier) -> None:
    flipped = [
        case["variant"] for case, before, after in pairs("invariance", lang, classifier) if before.mood != after.mood
    ]
    assert flipped == []


@pytest.mark.parametrize("lang", FIRST_CLASS_LANGUAGES)
def test_a_threat_raises_anger(lang: str, classifier: rida.Classifier) -> None:
    calmer = [
        case["variant"]
        for case, before, after in pairs("direction", lang, classifier)
        if after.scores["angry"] <= before.scores["angry"]
    ]
    assert calmer == []


@pytest.mark.parametrize("lang", FIRST_CLASS_LANGUAGES)
def test_plain_texts_are_read_right(lang: str, classifier: rida.Classifier) -> None:
    cases = [case for case in CASES["minimum"] if case["lang"] == lang]
    results = predict(classifier, [case["text"] for case in cases])
    wrong = [
        (case["text"], result.mood) for case, result in zip(cases, results, strict=True) if result.mood != case["mood"]
    ]
    assert len(wrong) <= 2, wrong


def test_most_sample_moods_are_as_their_writers_meant_them(
    classifier: rida.Classifier, samples: list[dict[str, str]]
) -> None:
    results = predict(classifier, [row["text"] for row in samples])
    right = sum(result.mood == row["expected_mood"] for row, result in zip(samples, results, strict=True))
    assert right / len(samples) > 0.7


def test_samples_show_what_they_promise(samples: list[dict[str, str]]) -> None:
    assert len(samples) >= 100
    assert {row["expected_mood"] for row in samples} == set(MOODS)
    assert len({row["lang"] for row in samples}) == 12


def test_sample_scores_do_not_depend_on_their_batch(classifier: rida.Classifier, samples: list[dict[str, str]]) -> None:
    texts = [row["text"] for row in samples]
    together = predict(classifier, texts)
    for at in random.Random(3).sample(range(len(texts)), 25):
        (alone,) = predict(classifier, [texts[at]])
        assert all(math.isclose(alone.scores[m], together[at].scores[m], abs_tol=1e-4) for m in MOODS)


def test_the_weights_folder_is_small_and_has_no_pickle() -> None:
    assert sum(path.stat().st_size for path in SHIPPED_WEIGHTS.iterdir()) < 60 * MEGABYTE
    assert {path.suffix for path in SHIPPED_WEIGHTS.iterdir()} <= {".onnx", ".json", ".md"}


def test_the_export_kept_the_networks_answers() -> None:
    comparison = json.loads((SHIPPED_WEIGHTS / "comparison.json").read_text(encoding="utf-8"))
    assert comparison["moods_unchanged"] >= 0.98


@pytest.mark.parametrize(
    "text",
    ["😡😡😡", "ok", "\u202bخدمة سيئة\u202c", "na\x00me", "😀" * 5000, "why??" * 50_000, "한국어 텍스트", "𝓯𝓪𝓷𝓬𝔂"],
)
def test_odd_texts_are_scored(classifier: rida.Classifier, text: str) -> None:
    (result,) = predict(classifier, [text])
    assert sum(result.scores.values()) == pytest.approx(1)
