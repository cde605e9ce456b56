"""A small network taught by weights, and the folder with both: on the tiny weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from data.rows import FeedbackRow
from model.calibration import HeadLogits
from model.classifier import load
from model.config import Calibration, SpeedFigures, WeightsConfig
from model.errors import InputError, RecipeError
from model.labels import TOPICS
from model.manifest import CARD, CONFIG, SMALL_GRAPH, write_manifest
from model.network import Logits
from tests.conftest import feedback_rows, tiny_recipe
from training.distil import Settings, distances, distil, lessons
from training.embedding import Embedder
from training.fast import Texts, teach_fast
from training.graft import graft
from training.margins import ALL, LOST, choose_margins, keeps, mixed
from training.readings import read_once
from training.recipe import Optimisation
from training.restore import restore
from training.speed_words import note_speed
from training.student import cut_student
from training.topic_head import TopicHead

TEXTS = [row["text"] for row in feedback_rows(seed=6)]
SETTINGS = Settings(
    layers=(0,), inner=64, passes=4, max_tokens=32,
    optimisation=Optimisation(
        encoder_rate=3e-3, head_rate=1e-2, tokens_per_batch=256, precision="float32", checkpoint_every=6, log_every=5
    ),
)  # fmt: skip


def distilled(weights: Path, work: Path, *stops: int | None) -> dict[str, torch.Tensor]:
    restored = restore(weights, dropout=0.0)
    readings = read_once(TEXTS, Embedder(weights), work / "read")
    learned = lessons(TEXTS, readings, restored.tokenizer, max_tokens=32, max_characters=20_000)
    for stop in stops:
        student = cut_student(restored.network, layers=SETTINGS.layers, inner=SETTINGS.inner)
        assert distil(student, learned, work=work, pad_id=1, settings=SETTINGS, stop_after=stop) == (stop is None)
    return student.state_dict()


def test_a_student_that_was_stopped_goes_on_with_the_same_result(tiny_weights: Path, tmp_path: Path) -> None:
    whole = distilled(tiny_weights, tmp_path / "whole", None)
    parts = distilled(tiny_weights, tmp_path / "parts", 7, 15, None)
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_a_student_comes_closer_to_its_teacher(tiny_weights: Path, tmp_path: Path) -> None:
    distilled(tiny_weights, tmp_path, None)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    for name in ("satisfaction", "topics", "vectors"):
        assert log[-1][name] < 0.5 * log[0][name], name


def test_a_student_like_its_teacher_is_at_no_distance() -> None:
    torch.manual_seed(1)
    said, vectors = torch.randn(6, 4 + len(TOPICS)), torch.randn(6, 8)
    logits = Logits(said[:, :3], said[:, 3], said[:, 4:])
    found = distances(vectors, logits, vectors, said, spread=0.2)
    assert all(float(each) == pytest.approx(0.0, abs=1e-6) for each in found)
    other = distances(vectors, Logits(-said[:, :3], said[:, 3], said[:, 4:]), vectors, said, spread=0.2)
    assert float(other.satisfaction) > 0.1


def test_a_student_with_all_of_its_teacher_says_the_same(tiny_weights: Path) -> None:
    restored = restore(tiny_weights, dropout=0.0)
    student = cut_student(restored.network, layers=(0, 1), inner=128).eval()
    ids = torch.tensor([[0, 5, 9, 30, 2]])
    with torch.no_grad():
        ours, theirs = student(ids, torch.ones_like(ids)), restored.network(ids, torch.ones_like(ids))
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(ours, theirs, strict=True))


def test_what_was_read_is_not_read_again_and_a_damaged_part_is_named(tiny_weights: Path, tmp_path: Path) -> None:
    first = read_once([*TEXTS, "\ud800"], Embedder(tiny_weights), tmp_path)
    assert np.isnan(first.logits[-1]).all()
    assert np.isfinite(first.logits[:-1]).all()

    class Nobody:
        def embed(self, texts: list[str]) -> None:
            raise AssertionError("read again")

    again = read_once([*TEXTS, "\ud800"], Nobody(), tmp_path)  # type: ignore[arg-type]
    assert np.array_equal(first.logits, again.logits, equal_nan=True)
    with pytest.raises(RecipeError, match="is of other texts"):
        read_once(TEXTS[:10], Nobody(), tmp_path)  # type: ignore[arg-type]
    part = next(tmp_path.glob("read-*.npz"))
    part.write_bytes(part.read_bytes()[:100])
    with pytest.raises(RecipeError, match=r"read-0\.npz: cannot be read .* delete it"):
        read_once([*TEXTS, "\ud800"], Nobody(), tmp_path)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def taught(tiny_weights: Path, data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("taught")
    texts = Texts(drawn=200, shares={"annotated": 0.9})
    teach_fast(
        tiny_weights, tiny_recipe(), data_root=data_root, work=folder / "work", output=folder / "weights",
        settings=SETTINGS, texts=texts,
    )  # fmt: skip
    return folder / "weights"


def test_the_folder_has_both_graphs_and_says_how_both_speeds_stand(taught: Path) -> None:
    config = load(taught).info.config
    assert config.speed == "full"
    assert config.fast is not None
    assert {ALL, "en"} <= set(config.fast.full.mood_macro_f1) == set(config.fast.fast.mood_macro_f1)
    assert 0 <= config.fast.passed_on <= 1
    assert "small.onnx" in json.loads((taught / "manifest.json").read_text())["sha256"]
    card = (taught / CARD).read_text(encoding="utf-8")
    assert card.count('## Speed "fast"') == 1
    assert card.index('## Speed "fast"') < card.index("## Trained on")
    note_speed(taught)
    assert (taught / CARD).read_text(encoding="utf-8") == card
    write_manifest(taught)
    answers = load(taught, speed="fast").classify(TEXTS[:8])
    assert [answer.as_dict()["mood"] for answer in answers]


def test_the_small_graph_of_weights_is_taught_further_on_other_texts(
    taught: Path, tiny_weights: Path, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.openvino_graph.multiplies_bfloat16", lambda core: True)
    texts = Texts(drawn=200, shares={"annotated": 0.9}, seed=8, backend="openvino")
    # At such rates nothing is learned, so that what comes out is what it went on from.
    rates = SETTINGS.optimisation.model_copy(update={"encoder_rate": 1e-9, "head_rate": 1e-9})
    further = SETTINGS.model_copy(update={"further": True, "passes": 1, "optimisation": rates})
    teach_fast(
        taught, tiny_recipe(), data_root=data_root, work=tmp_path / "work", output=tmp_path / "further",
        settings=further, texts=texts,
    )  # fmt: skip
    before, after = (restore(folder, graph=SMALL_GRAPH).network for folder in (taught, tmp_path / "further"))
    anew = cut_student(restore(tiny_weights).network, layers=SETTINGS.layers, inner=SETTINGS.inner)
    weights = [network.state_dict()["encoder.encoder.layer.0.output.dense.weight"] for network in (before, after, anew)]
    assert (weights[0] - weights[1]).abs().max() < (weights[0] - weights[2]).abs().max() / 5
    with pytest.raises(InputError, match="has no small graph to teach further; leave --further out"):
        teach_fast(
            tiny_weights, tiny_recipe(), data_root=data_root, work=tmp_path / "other", output=tmp_path / "none",
            settings=further, texts=texts,
        )  # fmt: skip


def test_the_full_speed_answers_as_before(taught: Path, tiny_weights: Path) -> None:
    assert load(taught).classify(TEXTS[:20]) == load(tiny_weights).classify(TEXTS[:20])


def test_weights_with_topics_of_their_own_are_refused(
    own_topics_weights: Path, data_root: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="has topics of its own"):
        teach_fast(
            own_topics_weights, tiny_recipe(), data_root=data_root, work=tmp_path / "work", output=tmp_path / "out",
            settings=SETTINGS, texts=Texts(drawn=50, shares={}),
        )  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_weights_with_too_few_layers_and_folders_of_something_else_are_refused(
    tiny_weights: Path, data_root: Path, tmp_path: Path
) -> None:
    def taught_to(output: Path, settings: Settings) -> None:
        teach_fast(
            tiny_weights, tiny_recipe(), data_root=data_root, work=tmp_path / "work", output=output,
            settings=settings, texts=Texts(drawn=50, shares={}),
        )  # fmt: skip

    with pytest.raises(InputError, match=r"has 2 layers, and a small graph begins with layers 0, 6, 11"):
        taught_to(tmp_path / "out", Settings())
    letters = tmp_path / "letters"
    letters.mkdir()
    (letters / "one.txt").write_text("dear")
    with pytest.raises(InputError, match="no weights folder"):
        taught_to(letters, SETTINGS)
    assert (letters / "one.txt").read_text() == "dear"


def said_of(moods: list[int], sure: float) -> HeadLogits:
    """Logits that call texts satisfied (0) or dissatisfied (2), and see no topic."""
    satisfaction = np.zeros((len(moods), 3))
    satisfaction[np.arange(len(moods)), moods] = sure
    return HeadLogits(satisfaction, np.full(len(moods), -6.0), np.full((len(moods), len(TOPICS)), -9.0))


def uncalibrated(weights: Path) -> WeightsConfig:
    return load(weights).info.config.model_copy(update=Calibration()._asdict())


def rows_of(moods: list[int]) -> list[FeedbackRow]:
    names = {0: "satisfied", 2: "dissatisfied"}
    return [
        FeedbackRow(
            id=str(at), text=f"text {at}", lang="en", source="s", split="validation",
            sentiment=names[mood], angry=False, topics=("price",) if at % 3 == 0 else (), topics_covered=None,
        )
        for at, mood in enumerate(moods)
    ]  # fmt: skip


def test_texts_of_which_the_small_graph_is_unsure_are_passed_on_if_it_is_wrong_there(taught: Path) -> None:
    config = uncalibrated(taught)
    gold = [0, 2] * 60
    full = said_of(gold, 8.0)
    small = said_of(gold, 8.0)
    wrong = said_of([2, 0] * 60, 1.5)
    unsure = np.arange(120) < 24
    small = mixed(wrong, small, unsure)

    found = choose_margins(full, small, rows_of(gold), config)

    assert found.passed_on == pytest.approx(0.2)
    assert found.fast == found.full


def test_a_small_graph_that_is_right_passes_nothing_on(taught: Path) -> None:
    config = uncalibrated(taught)
    gold = [0, 2] * 60
    found = choose_margins(said_of(gold, 8.0), said_of(gold, 1.0), rows_of(gold), config)
    assert found.passed_on == 0


@pytest.mark.parametrize(
    ("lost", "recall", "kept"), [(LOST - 1e-9, 0.8, True), (LOST + 0.001, 0.8, False), (0.0, 0.79, False)]
)
def test_little_may_be_lost_in_each_language_and_no_angry_text_overall(lost: float, recall: float, kept: bool) -> None:
    def stands(f1: float, found: float) -> SpeedFigures:
        return SpeedFigures(
            mood_macro_f1={"en": 0.8, "ar": f1}, topic_micro_f1={"en": 0.9}, angry_recall_at_5={ALL: found}
        )

    assert keeps(stands(0.75 - lost, recall), stands(0.75, 0.8)) is kept


def test_topics_of_ones_own_leave_the_small_graph_behind(taught: Path, tmp_path: Path) -> None:
    width = restore(taught).shape.width
    head = TopicHead("baggage", np.zeros(3 * width), 0.0, 0.5)
    graft(taught, [head], tmp_path / "own", name="own", version="1", fits=[])
    config = json.loads((tmp_path / "own" / CONFIG).read_text(encoding="utf-8"))
    assert (config["speed"], config["fast"]) == ("full", None)
    assert not (tmp_path / "own" / SMALL_GRAPH).exists()
    assert "Speed" not in (tmp_path / "own" / CARD).read_text(encoding="utf-8")
    assert load(tmp_path / "own").classify(["hello"])
