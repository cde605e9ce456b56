"""The texts that are sent: real ones, of mixed lengths, in the same order to every contestant."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path

PROBE_TEXT = "Fast and friendly service, thank you!"
"""What a light request asks for, to see how long an idle server takes."""


def read_texts(path: Path) -> list[str]:
    """All texts of a CSV or JSONL file (.gz too) with a column `text`.

    Raises:
        ValueError: there is no such file, or it has no texts.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    lines = io.StringIO((gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig"), newline="")
    try:
        if ".jsonl" in path.name:
            texts = [json.loads(line)["text"] for line in lines if line.strip()]
        else:
            texts = [row["text"] for row in csv.DictReader(lines)]
    except (KeyError, json.JSONDecodeError):
        raise ValueError(f"{path}: not every row is readable and has a text") from None
    texts = [text for text in texts if text and text.strip()]
    if not texts:
        raise ValueError(f"{path}: has no texts")
    return texts


def order(count: int, seed: int) -> Iterator[int]:
    """Positions of texts, shuffled and then round and round; the same for the same seed."""
    positions = list(range(count))
    random.Random(seed).shuffle(positions)
    return itertools.cycle(positions)


def body(name: str, text: str) -> bytes:
    """A request with one text under an id of its own; all contestants take this shape."""
    return json.dumps({"texts": [{"id": name, "text": text}]}).encode()


def results(content: bytes) -> list[dict[str, object]]:
    """The results in an answer.

    BentoML splits a batch's list among its askers, so its answer is the bare list; the others have it under `results`.
    """
    answer = json.loads(content)
    found: list[dict[str, object]] = answer if isinstance(answer, list) else answer["results"]
    return found
