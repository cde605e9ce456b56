"""Training on own labels from a weights folder, on the tiny weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from data.rows import FeedbackRow
from model.classifier import load
from model.errors import InputError, RecipeError
from model.labels import TOPICS
from tests.conftest import feedback_rows
from training import rehearsal
from training.adapt import Own, adapt
from training.card import write_card
from training.finetune import Settings
from training.recipe import Encoder, Optimisation

SETTINGS = Settings(
    encoder=Encoder(freeze_embeddings=True, frozen_layers=1),
    optimisation=Optimisation(
        encoder_rate=2e-3, head_rate=1e-2, tokens_per_batch=512, precision="float32", checkpoint_every=4
    ),
    epochs=3,
    rehearsed=(60, 60),
)


@pytest.fixture(autouse=True)
def few_texts_to_rehearse(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "WRITTEN", data_root / "annotated")


def own_rows(*, topic: str | None = None) -> list[FeedbackRow]:
    """A company that calls every question a complaint, and has a topic of its own for questions."""
    rows = []
    for number, row in enumerate(feedback_rows(seed=9)):
        plain = row["mood"] == "neutral"
        unhappy = plain or row["mood"] in ("dissatisfied", "angry")
        rows.append(
            FeedbackRow(
                id=str(number), text=row["text"], lang=row["lang"], source="my.csv", split="train",
                sentiment="dissatisfied" if unhappy else "satisfied", angry=row["mood"] == "angry",
                topics=None if topic is None else (topic,) if plain else (),
                topics_covered=None if topic is None else (topic,),
            )
        )  # fmt: skip
    return rows


def run(
    weights: Path, output: Path, rows: list[FeedbackRow], **options: Any
) -> tuple[dict[str, Any] | None, list[str]]:
    said: list[str] = []
    found = adapt(
        weights, Own(rows, [None] * len(rows)), output=output, name="ours", version="7", say=said.append,
        settings=SETTINGS, **options,
    )  # fmt: skip
    return found, said


@pytest.fixture(scope="module")
def adapted(tiny_weights: Path, data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("adapted") / "ours"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rehearsal, "WRITTEN", data_root / "annotated")
        run(tiny_weights, output, own_rows(topic="hours"))
    return output


def test_what_comes_out_is_a_weights_folder_that_knows_the_own_topic(adapted: Path) -> None:
    classifier = load(adapted)
    config = classifier.info.config

    assert (config.name, config.version, config.own_topics) == ("ours", "7", ("hours",))
    assert config.trained_on[-1].name == "my.csv"
    asking, praising = classifier.classify(["what are the hours of room 12", "great room 12 thanks"])
    assert "hours" in [topic.name for topic in asking.topics]
    assert "hours" not in [topic.name for topic in praising.topics]
    assert {path.name for path in adapted.iterdir()} == {
        "model.onnx", "tokenizer.json", "config.json", "manifest.json", "README.md", "comparison.json",
        "adaptation.json",
    }  # fmt: skip
    assert [path.name for path in adapted.parent.iterdir()] == ["ours"]


def test_it_is_better_on_texts_that_were_not_learned_and_says_so(adapted: Path) -> None:
    adaptation = json.loads((adapted / "adaptation.json").read_text())

    own = adaptation["beside_base"]
    assert own["verdict"] == "better"
    gain = own["measures"]["mood macro-F1"]
    assert gain["after"] > gain["before"] + 0.1
    assert gain["interval"][0] > 0
    assert own["new_topics"]["hours"]["f1"] > 0.8
    assert adaptation["texts"]["train"] + adaptation["texts"]["validation"] + own["texts"] <= len(own_rows())
    assert adaptation["base"]["name"] == "tiny"


def test_the_card_says_what_it_was_adapted_from_and_no_text_stands_in_the_folder(adapted: Path) -> None:
    card = (adapted / "README.md").read_text(encoding="utf-8")

    assert "# ours 7" in card
    assert "Adapted from tiny 0.1.0" in card
    assert "| my.csv | own labels," in card
    everything = "".join(path.read_text(encoding="utf-8") for path in adapted.glob("*.json") if "tok" not in path.name)
    assert not [row.text for row in own_rows() if row.text in everything + card]


def test_a_card_written_again_keeps_the_section(adapted: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(adapted, tmp_path / "copy")
    write_card(folder, evaluations=[])
    assert (folder / "README.md").read_text() == (adapted / "README.md").read_text()


def test_adapting_again_keeps_the_own_topics(adapted: Path, tmp_path: Path) -> None:
    found, _ = run(adapted, tmp_path / "again", own_rows(topic="hall"))

    assert found is not None
    assert found["new_topics"] == ["hall"]
    assert load(tmp_path / "again").info.config.topics == (*TOPICS, "hours", "hall")


def test_a_run_killed_at_any_step_goes_on_with_the_same_result(tiny_weights: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run(tiny_weights, whole, own_rows())
    for stop_after in (5, 11):
        assert run(tiny_weights, parts, own_rows(), stop_after=stop_after)[0] is None
        assert not parts.exists()
    _, said = run(tiny_weights, parts, own_rows())

    assert any("it goes on" in line for line in said)
    ours, theirs = (json.loads((folder / "adaptation.json").read_text()) for folder in (parts, whole))
    assert ours["validation_losses"] == theirs["validation_losses"]
    assert (parts / "model.onnx").read_bytes() == (whole / "model.onnx").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts", "whole"]


def test_other_labels_begin_anew_aloud(tiny_weights: Path, tmp_path: Path) -> None:
    run(tiny_weights, tmp_path / "ours", own_rows(), stop_after=3)
    work = tmp_path / "ours.work"
    before = load_file(work / "checkpoint" / "weights.safetensors")

    _, said = run(tiny_weights, tmp_path / "ours", own_rows()[::2] + own_rows()[1::2], stop_after=2)

    assert any("training begins anew" in line for line in said)
    after = load_file(work / "checkpoint" / "weights.safetensors")
    assert not all(after[name].equal(before[name]) for name in before)


def test_a_half_written_checkpoint_is_refused(tiny_weights: Path, tmp_path: Path) -> None:
    run(tiny_weights, tmp_path / "ours", own_rows(), stop_after=3)
    weights = tmp_path / "ours.work" / "checkpoint" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-50])

    with pytest.raises(RecipeError, match="damaged checkpoint"):
        run(tiny_weights, tmp_path / "ours", own_rows())


def test_a_folder_of_something_else_is_never_replaced(tiny_weights: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").touch()
    (tmp_path / "file").touch()

    for name in ("photos", "file"):
        with pytest.raises(InputError, match="is there already and is no weights folder"):
            run(tiny_weights, tmp_path / name, own_rows())
    with pytest.raises(InputError, match="is the weights folder that training begins with"):
        run(tiny_weights, tiny_weights, own_rows())
    with pytest.raises(InputError, match="there is no such folder"):
        run(tiny_weights, tmp_path / "absent" / "ours", own_rows())
    assert (tmp_path / "photos" / "me.jpg").exists()


def test_refused_labels_leave_nothing_behind(tiny_weights: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="too few"):
        run(tiny_weights, tmp_path / "ours", own_rows()[:20])
    assert list(tmp_path.iterdir()) == []
