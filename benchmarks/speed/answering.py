"""A contestant's process: it answers questions, one JSON object a line, until there are no more.

Who is asked stays loaded between rounds, so that rounds can go from one contestant to the next and back. Standard
library only, since it runs in other environments too.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Answer = dict[str, Any]


def answer_all(load: Callable[[], dict[str, Callable[..., Answer]]]) -> None:
    """Loads, says that it is ready, then answers questions by name until stdin ends."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What libraries print must not stand between the answers.
    os.dup2(2, 1)
    answers = load()
    _say(out, memory())
    for line in sys.stdin:
        asked = json.loads(line)
        _say(out, answers[asked.pop("do")](**asked) | memory())


def memory() -> dict[str, float]:
    """Resident memory in MB now, that of it which is no file, and the most there was.

    Of /proc/self/status and not of getrusage, whose peak begins with what the parent held.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    found = {
        name: float(value.split()[0]) / 1024 for name, value in (line.split(":", 1) for line in lines if "kB" in line)
    }
    return {"resident_mb": found["VmRSS"], "anonymous_mb": found["RssAnon"], "peak_mb": found["VmHWM"]}


def timed(work: Callable[[], object], seconds: float) -> Answer:
    """Mean seconds of one call, of as many calls as fit into `seconds`, at least one; one before is not counted."""
    work()
    began = time.perf_counter()
    calls = 0
    while not calls or time.perf_counter() - began < seconds:
        work()
        calls += 1
    return {"seconds": (time.perf_counter() - began) / calls, "calls": calls}


def _say(out: Any, answer: Answer) -> None:
    out.write(json.dumps(answer) + "\n")
    out.flush()
