"""The versions that a result was measured with."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable
from typing import Any

from model.classifier import load


def versions(libraries: Iterable[str]) -> dict[str, Any]:
    """Python, the weights, and the libraries named."""
    return {
        "python": platform.python_version(),
        "weights": load(threads=1).info.identity(),
        **{name: importlib.metadata.version(name) for name in libraries},
    }
