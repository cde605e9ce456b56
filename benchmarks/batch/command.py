"""Runs commands and contestants, with their seconds and the memory they take at most."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]

# Started from a small process: a child's peak is never below what its parent held when it was started.
_WATCHED: Final = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
done = subprocess.run(sys.argv[2:], capture_output=True, text=True)
seconds = time.perf_counter() - began
if done.returncode not in map(int, sys.argv[1].split(",")):
    sys.exit(f"{sys.argv[2:]} ended with {done.returncode}: {done.stderr[-2000:]}")
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "peak_mb": peak, "said": done.stdout}))
"""


def run(*words: str) -> dict[str, Any]:
    """Seconds, peak memory in MB and stdout of a Python command; a run of `rida score` with row errors is one too.

    Raises:
        RuntimeError: it failed.
    """
    called = [sys.executable, "-c", _WATCHED, "0,1", sys.executable, *words]
    done = subprocess.run(called, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def score(*words: str) -> dict[str, Any]:
    """A whole `rida score`: start, reading, scoring, writing."""
    return run("-m", "serving.cli", "score", *words)


def contestant(name: str, texts: list[str], folder: Path) -> dict[str, Any]:
    """Another way to score these texts, in a process of its own."""
    path = folder / "texts.json"
    path.write_text(json.dumps(texts), encoding="utf-8")
    found: dict[str, Any] = json.loads(
        run("-m", "benchmarks.batch.contestants", name, str(path))["said"].splitlines()[-1]
    )
    return found
