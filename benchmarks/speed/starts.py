"""Starts in fresh processes, in turn: the whole command, `rida.load`, and other ways to load."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.batch.command import run
from benchmarks.speed.asking import ROOT, json_file, rotated
from benchmarks.speed.loading import Given, prepare

COMMAND: Final = "rida classify, the whole command"
LIBRARY: Final = "rida.load() and classify"

Step = dict[str, Any]
Start = dict[str, Any]


def starts_in_rounds(
    text: str, texts: Sequence[str], rounds: int, folder: Path, say: Callable[[str], None]
) -> list[dict[str, Start]]:
    """Of each round, every way's seconds to the first text, memory then and at most, and its steps.

    A first round, which brings the files into the page cache, is not counted.
    """
    ways: dict[str, Given] = {LIBRARY: {"whole": True}, **prepare(folder, say)}
    names = [COMMAND, *ways]
    found = []
    for number in range(-1, rounds):
        starts = {}
        for name in rotated(names, max(0, number)):
            if name not in names:
                continue
            try:
                starts[name] = _command(text) if name == COMMAND else _once(ways[name], text, texts)
            except RuntimeError as error:
                say(f"{name}: left out, {str(error).strip().splitlines()[-1]}")
                names = [other for other in names if other != name]
        if number >= 0:
            found.append({name: starts[name] for name in names if name in starts})
            say(f"starts, round {number + 1} of {rounds}")
    return found


def _command(text: str) -> Start:
    taken = run("-m", "serving.cli", "classify", text)
    return {"seconds": taken["seconds"], "peak_mb": taken["peak_mb"], "steps": []}


def _once(given: Given, text: str, texts: Sequence[str]) -> Start:
    with json_file({**given, "text": text, "texts": list(texts)}) as path:
        words = [sys.executable, "-m", "benchmarks.speed.start_once", path, repr(time.monotonic())]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr or f"ended with {done.returncode}")
    steps: list[Step] = json.loads(done.stdout.splitlines()[-1])
    first = next(step for step in steps if step["step"] == "first text")
    upto = steps[: steps.index(first) + 1]
    return {
        "seconds": sum(step["seconds"] for step in upto),
        "peak_mb": first["peak_mb"],
        "resident_mb": first["resident_mb"],
        "anonymous_mb": first["anonymous_mb"],
        "more_texts_mb": steps[-1]["resident_mb"],
        "steps": steps,
    }
