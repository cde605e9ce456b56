"""Rida: how a customer feels and what about, in many languages.

    import rida

    classifier = rida.load()
    for prediction in classifier.classify(["Great service!", "Where is my parcel?"]):
        print(prediction.mood, [topic.name for topic in prediction.topics])

Importing this module loads neither weights nor onnxruntime; `load` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.errors import InputError, RidaError, TextError, WeightsError
from model.prediction import Prediction, Rejection, TopicScore

if TYPE_CHECKING:
    from pathlib import Path

    from model.classifier import Classifier
    from model.config import Backend, Speed

__version__ = "0.1.0"

__all__ = [
    "Classifier",
    "InputError",
    "Prediction",
    "Rejection",
    "RidaError",
    "TextError",
    "TopicScore",
    "WeightsError",
    "__version__",
    "load",
]


def load(
    path: str | Path | None = None, *, threads: int | None = None, speed: Speed | None = None,
    backend: Backend | None = None,
) -> Classifier:  # fmt: skip
    """Load a weights folder and check its checksums; None loads the weights shipped with Rida.

    `threads` is how many cores to score with; None takes all of them. `speed` is "full", or "fast": a small network
    answers what it is sure of; None is what the weights say. `backend` is "onnxruntime", which None is, too, or
    "openvino", faster for many texts where the processor multiplies in bfloat16.

    Raises:
        WeightsError: the folder is missing, damaged or made for another version.
        InputError: `threads` is less than 1, or the weights cannot be had at that speed or with that backend.
    """
    from model.classifier import load as load_classifier

    return load_classifier(path, threads=threads, speed=speed, backend=backend)


def __getattr__(name: str) -> object:
    """Import `Classifier` on first use only, since it brings onnxruntime with it."""
    if name == "Classifier":
        from model.classifier import Classifier

        return Classifier
    raise AttributeError(f"module 'rida' has no attribute {name!r}")
