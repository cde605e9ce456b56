"""Scoring alone: each text by a call of `classify` in this process, as many as the server was asked one by one.

    python -m benchmarks.serving.direct TEXTS POSITIONS_FILE OUTPUT_FILE

Positions and milliseconds are JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks.serving.texts import read_texts
from model.classifier import load

_WARM_UP_TEXTS = 10


def main() -> None:
    """Time each text once."""
    source, positions, output = map(Path, sys.argv[1:])
    texts = read_texts(source)
    chosen: list[int] = json.loads(positions.read_text())
    classifier = load()
    for at in chosen[:_WARM_UP_TEXTS]:
        classifier.classify([texts[at]])
    taken = {}
    for at in chosen:
        started = time.perf_counter()
        classifier.classify([texts[at]])
        taken[at] = (time.perf_counter() - started) * 1000
    output.write_text(json.dumps(taken))


if __name__ == "__main__":
    main()
