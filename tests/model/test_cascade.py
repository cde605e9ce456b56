"""Speed "fast": a small graph answers what it is sure of, and the full one the rest."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from model.calibration import mood_probabilities, topic_probabilities
from model.classifier import Classifier, ReadText, load
from model.decision import decided_moods, mood_margins, topic_margins
from model.errors import InputError, WeightsError
from model.manifest import CONFIG, GRAPH, SMALL_GRAPH, write_manifest
from tests.conftest import feedback_rows

TEXTS = [row["text"] for row in feedback_rows(seed=5)]


def with_margins(fast_weights: Path, folder: Path, moods: float, topics: float) -> Classifier:
    shutil.copytree(fast_weights, folder)
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    config["fast"]["margins"] = {"moods": moods, "topics": topics}
    (folder / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    write_manifest(folder)
    return load(folder, speed="fast")


@pytest.fixture(scope="module")
def of_one_window(fast_weights: Path) -> list[str]:
    """A window is passed on by itself, so that a text of several may be answered by both graphs."""
    reads = load(fast_weights).read(TEXTS)
    one = [isinstance(read, ReadText) and len(read.windows) == 1 for read in reads]
    return [text for text, is_one in zip(TEXTS, one, strict=True) if is_one]


def logits(classifier: Classifier, texts: list[str] = TEXTS) -> np.ndarray:
    heads, _ = classifier.logits(texts)
    return np.column_stack([heads.satisfaction, heads.anger, heads.topics])


@dataclass(frozen=True)
class AtTheMiddle:
    """What the small graph's margins say, and which answers are nearer to the full graph's, at their middle."""

    too_narrow: np.ndarray
    nearer_to_full: np.ndarray
    answers: np.ndarray
    full: np.ndarray
    alone: np.ndarray


def at_the_middle(fast_weights: Path, texts: list[str], folder: Path, *, of_moods: bool) -> AtTheMiddle:
    small = with_margins(fast_weights, folder / "small", 0.0, 0.0)
    config = small.info.config
    heads, _ = small.logits(texts)
    if of_moods:
        margins = mood_margins(mood_probabilities(heads, config.calibration), config.thresholds.angry)
    else:
        thresholds = np.array([config.thresholds.topics[name] for name in config.topics])
        margins = topic_margins(topic_probabilities(heads, config.calibration), thresholds)
    middle = float(np.median(margins))
    half = with_margins(fast_weights, folder / "half", *((middle, 0.0) if of_moods else (0.0, middle)))
    answers, full, alone = logits(half, texts), logits(load(fast_weights), texts), logits(small, texts)
    # In other company a last bit may differ, and so the step that an activation is rounded to.
    nearer_to_full = np.abs(answers - full).sum(axis=1) < np.abs(answers - alone).sum(axis=1)
    return AtTheMiddle(margins < middle, nearer_to_full, answers, full, alone)


def test_half_of_the_texts_are_passed_on_where_half_of_the_margins_are_too_narrow(
    fast_weights: Path, of_one_window: list[str], tmp_path: Path
) -> None:
    found = at_the_middle(fast_weights, of_one_window, tmp_path, of_moods=True)
    assert (found.nearer_to_full == found.too_narrow).all()
    assert 0 < found.nearer_to_full.sum() < len(of_one_window)
    assert np.allclose(found.answers, np.where(found.nearer_to_full[:, None], found.full, found.alone), atol=0.05)


def test_a_topic_that_is_open_passes_a_text_on_too(
    fast_weights: Path, of_one_window: list[str], tmp_path: Path
) -> None:
    found = at_the_middle(fast_weights, of_one_window, tmp_path, of_moods=False)
    assert (found.nearer_to_full == found.too_narrow).all()


def test_with_endless_margins_every_answer_is_the_full_graphs(fast_weights: Path, tmp_path: Path) -> None:
    careful = with_margins(fast_weights, tmp_path / "careful", 1e6, 1e6)
    assert np.allclose(logits(careful), logits(load(fast_weights)), atol=0.05)


def test_an_answer_does_not_depend_on_what_it_was_batched_with(fast_weights: Path) -> None:
    fast = load(fast_weights, speed="fast")
    together = logits(fast)
    alone = np.concatenate([logits(fast, [text]) for text in TEXTS[:40]])
    assert np.allclose(together[:40], alone, atol=0.05)


def test_long_texts_and_texts_that_cannot_be_read_go_the_same_way(fast_weights: Path) -> None:
    fast = load(fast_weights, speed="fast")
    long, nothing, broken = fast.classify(["the parcel was late and broken " * 40, "", "\ud800"])
    assert long.as_dict()["mood"] in ("satisfied", "neutral", "dissatisfied", "angry")
    assert nothing.as_dict()["error"]["code"] == "empty_text"
    assert "error" in broken.as_dict()


def test_the_weights_say_which_speed_is_meant_where_nobody_does(fast_weights: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(fast_weights, tmp_path / "weights"))
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8")) | {"speed": "fast"}
    (folder / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    write_manifest(folder)
    assert load(fast_weights).info.speed == "full"
    assert load(folder).info.speed == "fast"
    assert load(folder).info.as_dict()["speed"] == "fast"
    assert load(folder, speed="full").info.speed == "full"
    assert load(folder).info.answers_by != load(folder, speed="full").info.answers_by


def test_weights_without_a_small_graph_cannot_be_had_fast(tiny_weights: Path) -> None:
    with pytest.raises(InputError, match=r'has no small graph, so speed "fast" cannot be had; take "full"'):
        load(tiny_weights, speed="fast")


def test_another_speed_is_refused(fast_weights: Path) -> None:
    with pytest.raises(InputError, match=r"speed is 'warp'; give one of full, fast"):
        load(fast_weights, speed="warp")  # type: ignore[arg-type]


def test_the_small_graph_holds_no_table_of_its_own(fast_weights: Path) -> None:
    whole, small = ((fast_weights / name).read_bytes() for name in (GRAPH, SMALL_GRAPH))
    assert len(small) < len(whole)
    assert b"external" in small or b"location" in small
    assert load(fast_weights, speed="fast").classify([TEXTS[0]])


def test_a_damaged_small_graph_is_refused_by_name(fast_weights: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(fast_weights, tmp_path / "weights"))
    (folder / SMALL_GRAPH).write_bytes((folder / SMALL_GRAPH).read_bytes()[:-10])
    with pytest.raises(WeightsError, match=rf"{SMALL_GRAPH}: changed since it was exported"):
        load(folder, speed="fast")


def test_a_margin_is_how_far_a_decision_is_from_another_one() -> None:
    """Moving a mood's log odds by less than the margin never changes the decision."""
    chance = np.random.default_rng(4)
    scores = chance.dirichlet(np.full(4, 0.7), size=3000)
    margins = mood_margins(scores, 0.32)
    odds = np.log(scores) - np.log1p(-scores)
    moved = odds + chance.uniform(-0.499, 0.499, size=odds.shape) * margins[:, None]
    assert (decided_moods(1 / (1 + np.exp(-moved)), 0.32) == decided_moods(scores, 0.32)).all()
    assert (margins >= 0).all()
    assert margins.max() > 2


def test_a_topics_margin_is_that_of_the_closest_threshold() -> None:
    margins = topic_margins(np.array([[0.5, 0.99], [0.9, 0.5]]), np.array([0.5, 0.5]))
    assert margins[0] == pytest.approx(0.0)
    assert margins[1] == pytest.approx(0.0)
    assert topic_margins(np.array([[0.9, 0.99]]), np.array([0.5, 0.5]))[0] == pytest.approx(np.log(9))
