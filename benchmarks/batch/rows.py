"""The rows that are scored: real texts of all sources, in three mixtures, and fair samples for who is slow."""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Where rows come from, and how many."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data-root", type=Path, help="folder of sources; all their rows are drawn from")
    source.add_argument("--texts", type=Path, help="in its place: CSV or JSONL (.gz too) with a column `text`")
    parser.add_argument("--rows", type=int, default=20_000, help="rows of a file (default: 20000)")
    parser.add_argument("--repeats", type=int, default=3, help="times that all are run (default: 3)")
    parser.add_argument("--seed", type=int, default=1, help="which rows are drawn (default: 1)")


def read_counts(arguments: argparse.Namespace) -> Counter[str]:
    """Every text of what the flags name, and how many rows have it.

    Raises:
        SourceError: a source cannot be read.
        ValueError: there are no texts.
    """
    if arguments.data_root:
        return count_texts(arguments.data_root)
    from benchmarks.serving.texts import read_texts

    return Counter(read_texts(arguments.texts))


def count_texts(data_root: Path) -> Counter[str]:
    """Every text of all sources under a data root, and how many rows have it.

    Raises:
        SourceError: a source cannot be read.
        ValueError: there is no source.
    """
    from data.sources import read_source

    counts: Counter[str] = Counter()
    for folder in sorted(path for path in data_root.iterdir() if any(path.glob("*.jsonl*"))):
        counts.update(row.text for row in read_source(folder) if row.text.strip())
    if not counts:
        raise ValueError(f"{data_root}: holds no sources with texts")
    return counts


def share_repeated(counts: Counter[str]) -> float:
    """The share of rows whose text an earlier row has already."""
    return 1 - len(counts) / counts.total()


def distinct(counts: Counter[str], rows: int, seed: int) -> list[str]:
    """Texts that all differ, each as likely as any other.

    Raises:
        ValueError: there are not so many.
    """
    if rows > len(counts):
        raise ValueError(f"only {len(counts)} texts differ; ask for at most as many rows")
    return random.Random(seed).sample(sorted(counts), rows)


def as_in_sources(counts: Counter[str], rows: int, seed: int) -> list[str]:
    """Texts with all their copies, so that as many repeat as in the sources; thinning rows would thin out repeats."""
    chosen: list[str] = []
    for text in distinct(counts, min(rows, len(counts)), seed):
        chosen += [text] * counts[text]
        if len(chosen) >= rows:
            break
    return _shuffled(chosen[:rows], seed)


def repeated(counts: Counter[str], rows: int, times: int, seed: int) -> list[str]:
    """Texts that all stand there so many times, in any order."""
    return _shuffled(distinct(counts, -(-rows // times), seed) * times, seed)[:rows]


def same_mix(lengths: Sequence[int], count: int, offset: float) -> list[int]:
    """Positions of a sample with the same mixture of lengths: every k-th by length, from `offset` (0 to 1) on.

    Systematic sampling; a plain random sample of a few hundred texts would differ by some per cent in mean length.
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    count = min(count, len(order))
    step = len(order) / count
    return sorted(order[int((number + offset) * step)] for number in range(count))


def _shuffled(texts: list[str], seed: int) -> list[str]:
    random.Random(seed).shuffle(texts)
    return texts
