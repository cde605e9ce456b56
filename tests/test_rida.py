"""The Python API: what `import rida` gives, and how little it loads."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import rida
from model.classifier import Classifier
from model.prediction import Prediction, Rejection

ROOT = Path(__file__).parents[1]


def test_texts_are_answered_with_typed_predictions_in_their_order(tiny_weights):
    answers = rida.load(tiny_weights).classify(["great parcel thanks", "", "the parcel was late"])
    assert [type(answer) for answer in answers] == [Prediction, Rejection, Prediction]
    assert [answer.id for answer in answers] == ["0", "1", "2"]


def test_unusable_weights_are_an_error_of_ours(tmp_path):
    with pytest.raises(rida.RidaError, match="nowhere"):
        rida.load(tmp_path / "nowhere")


def test_every_public_name_is_there():
    assert rida.Classifier is Classifier
    assert all(getattr(rida, name) is not None for name in rida.__all__)
    with pytest.raises(AttributeError, match="nothing_such"):
        rida.nothing_such  # noqa: B018


def test_the_version_is_that_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert rida.__version__ == project["version"]


def test_importing_loads_nothing_heavy():
    code = (
        "import sys, rida; "
        "heavy = {'onnxruntime', 'numpy', 'tokenizers', 'pydantic', 'torch', 'transformers'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
