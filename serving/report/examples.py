"""Choosing, of many texts, a few that stand for them: typical ones that do not say the same."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np

from model.labels import MOODS
from serving.report.rows import Floats
from serving.report.sample import Example, Sample

PER_TOPIC: Final = 4
_SHOWN: Final = 300
_DIMENSIONS: Final = 4096
_GRAM: Final = 3
_ALIKE: Final = 0.55  # letters in common from which two texts say the same with other names and numbers
_DIGIT: Final = re.compile(r"\d")


def choose_examples(sample: Sample, slot: int, mood_counts: Sequence[int], taken: set[str]) -> list[Example]:
    """Up to PER_TOPIC texts of a topic, moods in proportion to `mood_counts`; none is in `taken`, to which they go."""
    chosen: list[Example] = []
    for mood, many in enumerate(_apportioned(mood_counts)):
        pool = [example for example in sample.texts(mood, slot) if example.text not in taken]
        chosen += _representatives(pool, many, chosen)
    taken.update(example.text for example in chosen)
    return [_shortened(example) for example in chosen]


def _apportioned(counts: Sequence[int]) -> list[int]:
    """PER_TOPIC places, each mood's share of the texts rounded by largest remainders."""
    total = sum(counts)
    if not total:
        return [0] * len(MOODS)
    exact = [PER_TOPIC * count / total for count in counts]
    places = [int(share) for share in exact]
    by_remainder = sorted(range(len(counts)), key=lambda mood: places[mood] - exact[mood])
    for mood in by_remainder[: PER_TOPIC - sum(places)]:
        places[mood] += 1
    return places


def _representatives(pool: list[Example], many: int, before: list[Example]) -> list[Example]:
    """Texts near the middle of all and far from those already chosen.

    Maximal marginal relevance (Carbonell and Goldstein, "The use of MMR", 1998).
    """
    if not pool or not many:
        return []
    vectors = _vectors([example.text for example in (*pool, *before)])
    own, others = vectors[: len(pool)], vectors[len(pool) :]
    typical = own @ own.mean(axis=0)
    nearest = (own @ others.T).max(axis=1) if len(others) else np.zeros(len(pool))
    chosen: list[Example] = []
    for _ in range(many):
        gain = np.where(nearest < _ALIKE, typical - nearest, -np.inf)
        best = int(np.round(gain, 9).argmax())
        if gain[best] == -np.inf:
            break
        chosen.append(pool[best])
        nearest = np.maximum(nearest, own @ own[best])
    return chosen


def _vectors(texts: list[str]) -> Floats:
    """Unit vectors of the groups of letters in each text, the rarer the heavier; good for any script."""
    vectors = np.zeros((len(texts), _DIMENSIONS))
    for number, text in enumerate(texts):
        letters = f" {_DIGIT.sub('0', text.casefold())} "
        for start in range(len(letters) - _GRAM + 1):
            gram = letters[start : start + _GRAM].encode("utf-8", "replace")
            vectors[number, zlib.crc32(gram) % _DIMENSIONS] += 1
    weighted: Floats = np.log1p(vectors) * np.log((1 + len(texts)) / (0.5 + (vectors > 0).sum(axis=0)))
    unit: Floats = weighted / np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-9)
    return unit


def _shortened(example: Example) -> Example:
    if len(example.text) <= _SHOWN:
        return example
    start, _, _ = example.text[:_SHOWN].rpartition(" ")
    kept = start if len(start) > _SHOWN // 2 else example.text[:_SHOWN]
    return Example(f"{kept}…", example.mood, example.probability, example.language)
