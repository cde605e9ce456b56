import json
import shutil
from pathlib import Path

import pytest

from model.classifier import load
from model.errors import WeightsError
from model.manifest import write_manifest


@pytest.fixture
def copied(tiny_weights: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_weights, tmp_path / "weights"))


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such weights folder"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "config.json", "README.md"])
def test_a_changed_byte_is_refused_by_name(copied: Path, name: str) -> None:
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(content)
    with pytest.raises(WeightsError, match=rf"{name}: changed since it was exported"):
        load(copied)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "config.json", "manifest.json"])
def test_a_missing_file_is_refused_by_name(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(WeightsError, match=name):
        load(copied)


def test_a_manifest_that_leaves_a_file_out_is_refused(copied: Path) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    del manifest["sha256"]["model.onnx"]
    (copied / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(WeightsError, match=r"does not list model\.onnx"):
        load(copied)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"sha256": 3}'])
def test_a_broken_manifest_is_refused(copied: Path, content: str) -> None:
    (copied / "manifest.json").write_text(content)
    with pytest.raises(WeightsError, match="manifest"):
        load(copied)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "format 2 is not the format 1"),
        ({"moods": ["happy"]}, "moods and topics must begin with those"),
        ({"temperatures": {"satisfaction": 0}}, r"temperatures\.satisfaction"),
        ({"thresholds": {"angry": 2, "needs_review": 0.5, "topics": {}}}, "thresholds"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_config_of_another_version_is_refused_by_field(copied: Path, change: dict, said: str) -> None:
    config = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps(config | change))
    write_manifest(copied)
    with pytest.raises(WeightsError, match=said):
        load(copied)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_file_that_is_whole_but_not_what_it_should_be_is_refused(copied: Path, name: str) -> None:
    (copied / name).write_bytes(b"{}")
    write_manifest(copied)
    with pytest.raises(WeightsError, match=name):
        load(copied)
