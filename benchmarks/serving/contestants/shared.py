"""What the contestants other than Rida have in common: their settings, and how they score."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any, Final

from model.classifier import Classifier, load

VARIABLE: Final = "SERVING_BENCHMARK_SETTINGS"
"""The environment variable through which a contestant's process gets its settings, as JSON."""


def settings() -> dict[str, Any]:
    """Those that the benchmark started this process with."""
    found: dict[str, Any] = json.loads(os.environ[VARIABLE])
    return found


def load_classifier() -> Classifier:
    """The shipped weights, with as many threads as the settings say."""
    return load(threads=settings()["threads"])


def score(classifier: Classifier, items: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
    """The results of one batch, as `/v1/classify` gives them."""
    found = classifier.classify([item["text"] for item in items], ids=[item["id"] for item in items])
    return [each.as_dict() for each in found]


def answer(classifier: Classifier, results: list[dict[str, Any]]) -> dict[str, Any]:
    """The whole answer of `/v1/classify`."""
    info = classifier.info
    return {"model": {"name": info.name, "version": info.version, "sha256": info.sha256}, "results": results}
