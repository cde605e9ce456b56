"""Real texts of mixed languages and lengths, and windows of one length made of them."""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Final

from benchmarks.batch.rows import distinct
from model.classifier import Classifier, ReadText

SOURCES: Final = (
    "annotated", "fa_digikala", "vi_uit_vsfc", "semeval16_ar_hotels_sent", "hellofresh_trustpilot_fr", "vi_bank_apps",
)  # fmt: skip
"""The annotated texts, of 22 languages, and a few sources whose texts are longer or shorter than those."""


def add_flags(parser: argparse.ArgumentParser, *, rows: int) -> None:
    """Where texts come from, and how many."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data-root", type=Path, help="folder of sources, whose test rows are drawn from")
    source.add_argument("--texts", type=Path, help="in its place: CSV or JSONL (.gz too) with a column `text`")
    parser.add_argument("--rows", type=int, default=rows, help=f"texts that are drawn (default: {rows})")
    parser.add_argument("--rounds", type=int, default=5, help="times that all are measured (default: 5)")
    parser.add_argument("--seed", type=int, default=1, help="which texts are drawn (default: 1)")


def drawn_texts(arguments: argparse.Namespace) -> list[str]:
    """The texts that the flags ask for.

    Raises:
        SourceError: a source cannot be read.
        ValueError: there are not so many texts.
    """
    if arguments.data_root:
        return mixed_texts(arguments.data_root, arguments.rows, seed=arguments.seed)
    from benchmarks.serving.texts import read_texts

    return distinct(Counter(read_texts(arguments.texts)), arguments.rows, arguments.seed)


def mixed_texts(data_root: Path, count: int, *, seed: int = 1) -> list[str]:
    """Distinct texts of test rows, the first half from `annotated`, the rest from the others alike, in any order.

    Raises:
        SourceError: a source cannot be read.
        ValueError: there are not so many texts.
    """
    from data.sources import read_source

    chance = random.Random(seed)
    drawn: list[str] = []
    for place, name in enumerate(SOURCES):
        rows = read_source(data_root / name)
        texts = sorted({row.text for row in rows if row.split == "test" and row.text.strip()} - set(drawn))
        left = len(SOURCES) - place
        # What is left is shared evenly, so that a small source leaves its part to those after it.
        wanted = -(-count // 2) if place == 0 else -(-(count - len(drawn)) // left)
        drawn += chance.sample(texts, min(wanted, len(texts)))
    if len(drawn) < count:
        raise ValueError(f"{data_root}: only {len(drawn)} texts in the test rows of {', '.join(SOURCES)}; ask for less")
    chance.shuffle(drawn)
    return drawn


def readable(classifier: Classifier, texts: Sequence[str]) -> list[str]:
    """The texts that can be scored."""
    reads = zip(texts, classifier.read(texts), strict=True)
    return [text for text, read in reads if isinstance(read, ReadText)]


def windows_of(classifier: Classifier, texts: Sequence[str]) -> list[list[list[int]]]:
    """Each text's windows, of the texts that can be scored."""
    return [read.windows for read in classifier.read(texts) if isinstance(read, ReadText)]


def windows_of_length(windows: Sequence[Sequence[int]], length: int, count: int) -> list[list[int]]:
    """So many windows of just that length, cut from the pieces of real ones, which begin again when they are used up.

    Which pieces these are is no matter for products, but it is for the rows of the embedding table that are read.
    """
    begin, end = windows[0][0], windows[0][-1]
    pieces = list(chain.from_iterable(window[1:-1] for window in windows))
    room = length - 2
    starts = [number * room % max(1, len(pieces) - room) for number in range(count)]
    found = [[begin, *pieces[start : start + room], end] for start in starts]
    if any(len(window) != length for window in found):
        raise ValueError(f"the texts have only {len(pieces)} pieces in all; give more of them")
    return found
