"""The versions that a result was measured with, and what the host took meanwhile."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import subprocess
import sys
from collections.abc import Iterable
from typing import Any, Final

import psutil

from benchmarks.serving.processes import ROOT

_WEIGHTS: Final = ROOT / "model" / "weights"

# What scores must be the same wherever it runs; what answers need not be.
_SCORING: Final = ("numpy", "onnxruntime", "tokenizers")
_ANSWERING: Final = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools")
_PEERS: Final = ("bentoml", "litserve", "locust")


def stolen_seconds() -> float:
    """Seconds of all cores that the host gave to somebody else, since the machine began."""
    return float(getattr(psutil.cpu_times(), "steal", 0.0))


def versions(rida_python: str) -> dict[str, Any]:
    """Versions of this environment, and of the one that Rida's server runs in.

    Raises:
        ValueError: the two would not score alike.
    """
    here = _installed((*_SCORING, *_ANSWERING, *_PEERS))
    rida = _versions_of(rida_python)
    for name in _SCORING:
        if rida[name] != here[name]:
            raise ValueError(f"{name} is {here[name]} here but {rida[name]} where Rida runs; they must be the same")
    weights = json.loads((_WEIGHTS / "config.json").read_text(encoding="utf-8"))
    graph = hashlib.sha256((_WEIGHTS / "model.onnx").read_bytes()).hexdigest()
    return {
        "python": platform.python_version(),
        "weights": {"name": weights["name"], "version": weights["version"], "graph_sha256": graph},
        "rida": rida,
        "peers": here,
    }


def _versions_of(python: str) -> dict[str, str | None]:
    if python == sys.executable:
        return _installed((*_SCORING, *_ANSWERING))
    code = (
        "import importlib.metadata as m, json, sys; have = {d.metadata['Name']: d.version for d in m.distributions()}; "
        "print(json.dumps({name: have.get(name) for name in sys.argv[1:]}))"
    )
    try:
        answer = subprocess.run(
            [python, "-c", code, *_SCORING, *_ANSWERING], cwd=ROOT, check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise ValueError(f"{python} cannot tell what is installed ({error})") from None
    found: dict[str, str | None] = json.loads(answer.stdout)
    return found


def _installed(names: Iterable[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found
