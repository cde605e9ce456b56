import json
from pathlib import Path

import pytest
from safetensors.torch import load_file

from data.annotations import text_digest
from model.classifier import load
from model.errors import RecipeError, WeightsError
from model.network import load_network
from tests.conftest import tiny_recipe
from training.train import Cycle, rate_share, train

SHORT = {"stages": [{"rows": 300, "shares": {"annotated": 0.9}}]}


def run(recipe_changes: dict, data_root: Path, encoder: Path, output: Path, **options: int) -> Path | None:
    output.mkdir(exist_ok=True)
    return train(tiny_recipe(**recipe_changes), data_root=data_root, output=output, encoder=str(encoder), **options)


def test_an_interrupted_run_resumes_at_the_same_step_with_the_same_result(
    data_root: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    whole = run(SHORT, data_root, tiny_encoder, tmp_path / "whole")
    assert run(SHORT, data_root, tiny_encoder, tmp_path / "parts", stop_after=7) is None
    assert run(SHORT, data_root, tiny_encoder, tmp_path / "parts", stop_after=13) is None
    parts = run(SHORT, data_root, tiny_encoder, tmp_path / "parts")
    assert whole is not None
    assert parts is not None
    ours, theirs = load_file(parts / "network.safetensors"), load_file(whole / "network.safetensors")
    assert all(ours[name].equal(theirs[name]) for name in theirs)
    steps = [json.loads(line)["step"] for line in (tmp_path / "parts" / "log.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))


def test_the_log_tells_loss_rate_and_time_left(tiny_network: Path) -> None:
    lines = [json.loads(line) for line in (tiny_network.parent / "log.jsonl").read_text().splitlines()]
    assert set(lines[0]) == {"step", "satisfaction", "anger", "topics", "teacher", "tokens_per_second", "seconds_left"}
    assert lines[-1]["satisfaction"] < 0.3 * lines[0]["satisfaction"]


def test_frozen_parts_do_not_move(data_root: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    encoder = {"name": "tiny-encoder", "freeze_embeddings": True, "frozen_layers": 1}
    folder = run(SHORT | {"encoder": encoder}, data_root, tiny_encoder, tmp_path / "run")
    assert folder is not None
    before = load_file(tiny_encoder / "model.safetensors")
    after = load_file(folder / "network.safetensors")
    moved = {name for name, value in before.items() if not after[f"encoder.{name}"].equal(value)}
    assert moved
    assert all(name.startswith("encoder.layer.1.") for name in moved)


def test_a_checkpoint_of_another_recipe_is_refused(data_root: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    run(SHORT, data_root, tiny_encoder, tmp_path / "run", stop_after=2)
    with pytest.raises(RecipeError, match="made by another recipe"):
        run({"stages": [{"rows": 301}]}, data_root, tiny_encoder, tmp_path / "run")


def test_a_half_written_checkpoint_is_refused(data_root: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    run(SHORT, data_root, tiny_encoder, tmp_path / "run", stop_after=2)
    weights = tmp_path / "run" / "checkpoint" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(RecipeError, match="damaged checkpoint"):
        run(SHORT, data_root, tiny_encoder, tmp_path / "run")


def test_a_run_killed_while_replacing_its_checkpoint_finds_the_one_before(
    data_root: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    run(SHORT, data_root, tiny_encoder, tmp_path / "run", stop_after=2)
    (tmp_path / "run" / "checkpoint").rename(tmp_path / "run" / "checkpoint.old")
    assert run(SHORT, data_root, tiny_encoder, tmp_path / "run", stop_after=3) is None
    assert json.loads((tmp_path / "run" / "checkpoint" / "state.json").read_text())["step"] == 3


def test_sources_can_be_left_out_by_licence(data_root: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    changes = {"data": {"exclude_licences": ["not stated", "nc-sa"]}}
    with pytest.raises(RecipeError, match="no row is left to train on"):
        run(changes, data_root, tiny_encoder, tmp_path / "run")


def test_an_encoder_that_is_not_there_is_named(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        run(SHORT, data_root, tmp_path / "no-encoder", tmp_path / "run")


def test_an_unfinished_run_has_no_network(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="give a folder that `rida train` finished"):
        load_network(tmp_path)


def test_the_rate_rises_and_falls_once_a_cycle() -> None:
    cycles = [Cycle(0, 100, 1.0), Cycle(100, 140, 0.5)]
    rates = [rate_share(step, cycles, 0.1) for step in range(140)]
    assert max(rates[:100]) == rates[10] == 1.0
    assert max(rates[100:]) == pytest.approx(0.5)
    assert rates[99] < 0.02
    assert rates[100] < 0.15
    assert rates[139] < 0.02


def test_of_two_cycles_the_mean_is_kept_also_after_an_interruption(
    data_root: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    changes = {"stages": [{"rows": 150}, {"rows": 100, "rate": 0.5}]}
    whole = run(changes, data_root, tiny_encoder, tmp_path / "whole")
    run(changes, data_root, tiny_encoder, tmp_path / "parts", stop_after=9)
    parts = run(changes, data_root, tiny_encoder, tmp_path / "parts")
    assert whole is not None
    assert parts is not None
    first, second = (load_file(path) for path in sorted((tmp_path / "whole").glob("cycle-*.safetensors")))
    mean = load_file(whole / "network.safetensors")
    assert all(mean[name].allclose((first[name] + second[name]) / 2) for name in first)
    assert any(not first[name].allclose(second[name]) for name in first)
    assert all(value.equal(mean[name]) for name, value in load_file(parts / "network.safetensors").items())


def test_only_the_last_cycles_are_averaged(data_root: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    stages = [{"rows": 100}, {"rows": 100, "rate": 0.5}, {"rows": 100, "rate": 0.5}]
    folder = run({"stages": stages}, data_root, tiny_encoder, tmp_path / "run")
    assert folder is not None
    second, third = (load_file(path) for path in sorted((tmp_path / "run").glob("cycle-*.safetensors")))
    mean = load_file(folder / "network.safetensors")
    assert all(mean[name].allclose((second[name] + third[name]) / 2) for name in second)


def test_a_teacher_is_heard_beside_the_labels(
    data_root: Path, tiny_encoder: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    sha256 = load(tiny_weights).info.sha256
    teacher = {"weights": str(tiny_weights), "sha256": sha256[:16], "untaught": ["annotated"]}
    stages = {"stages": [{"rows": 60, "shares": {"annotated": 0.0}}]}
    assert run(stages | {"teacher": teacher}, data_root, tiny_encoder, tmp_path / "run") is not None
    terms = [json.loads(line)["teacher"] for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert all(term > 0 for term in terms)
    with pytest.raises(RecipeError, match="not the teacher that the recipe names"):
        run(stages | {"teacher": teacher | {"sha256": "0" * 16}}, data_root, tiny_encoder, tmp_path / "other")


def test_a_checkpoint_of_other_labels_is_refused(data_root: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    annotations = tmp_path / "annotations.csv"
    changes = SHORT | {"data": {"annotations": str(annotations)}}
    digest = text_digest("lovely shop number 1")
    annotations.write_text(f"text,mood,topics\n{digest},satisfied,\n")
    run(changes, data_root, tiny_encoder, tmp_path / "run", stop_after=2)
    annotations.write_text(f"text,mood,topics\n{digest},angry,\n")
    with pytest.raises(RecipeError, match="made by another recipe or other data"):
        run(changes, data_root, tiny_encoder, tmp_path / "run")
