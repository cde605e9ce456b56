"""Texts that are the same, or nearly: none of them is worth a second label, or may stand on both sides of a split."""

from __future__ import annotations

import heapq
import unicodedata
from collections.abc import Iterable
from typing import Final

from datasketch import MinHash, MinHashLSH

from data.cleaning import same_text_key
from data.unmarked import without_marks
from model.errors import TextError
from model.text import normalise

NEAR: Final = 0.8
"""Jaccard similarity of their shingles from which texts are near-duplicates, as in Lee et al. 2022
(https://arxiv.org/abs/2107.06499, section 4.2)."""

_SHINGLE: Final = 3  # characters: short enough for Chinese, where a character is a syllable
_READ: Final = 2_000  # characters by which texts are compared; beyond them most shingles of a language come up anyway
_COMPARED: Final = 16  # earlier texts, the likeliest by their sketches, that are compared letter by letter
_BANDS: Final = 16
_BAND_ROWS: Final = 6
# Of two texts at NEAR, 1 - (1 - NEAR^6)^16 = 99 % share a band and are compared; of two at 0.2, one in a thousand.

# What Arabic and Persian keyboards write differently.
_ONE_LETTER: Final = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک", "ة": "ه"})
_VARIATION: Final = "\ufe0e\ufe0f"  # whether an emoji is drawn in colour


def exact_key(text: str) -> str:
    """What two texts share that differ only in case, spacing, punctuation, layout marks and short vowels.

    Emoji and the vowel signs of Thai or Hindi count, unlike in `same_text_key`: they can be all that labels hang on.
    """
    cleaned = _cleaned(text)
    signs = (mark for mark in cleaned if unicodedata.category(mark) in ("Mn", "Mc", "So") and mark not in _VARIATION)
    return f"{same_text_key(cleaned)}\0{''.join(signs)}"


class NearDuplicates:
    """Finds, for one text after the other, an earlier one that it nearly repeats.

    Diacritics and the spellings of Arabic and Persian keyboards make no difference. A text that repeats an earlier one
    is not compared with later ones, and a text with a few that are likeliest by their sketches, so that thousands made
    of one template stay quick.
    """

    def __init__(self) -> None:
        self._index = MinHashLSH(num_perm=_BANDS * _BAND_ROWS, params=(_BANDS, _BAND_ROWS))
        self._empty = MinHash(num_perm=_BANDS * _BAND_ROWS)
        self._folded: dict[int, str] = {}
        self._sketches: dict[int, MinHash] = {}

    def earlier(self, number: int, text: str) -> int | None:
        """The number of the earlier text that is most like this one; None where none is, and it joins them."""
        folded = _folded(text)
        shingles = _shingles(folded)
        sketch = self._empty.copy()
        sketch.update_batch([shingle.encode("utf-8", "surrogatepass") for shingle in shingles])
        likely = heapq.nsmallest(
            _COMPARED, self._index.query(sketch), key=lambda other: (-sketch.jaccard(self._sketches[other]), abs(other))
        )
        alike = ((_jaccard(shingles, _shingles(self._folded[other])), -other) for other in likely)
        similarity, found = max(alike, default=(0.0, 0))
        if similarity >= NEAR:
            return -found
        self._index.insert(number, sketch)
        self._folded[number], self._sketches[number] = folded, sketch
        return None


def first_alike(texts: Iterable[str]) -> list[int]:
    """For each text the position of the first one that it repeats or nearly repeats; its own where there is none."""
    seen = NearDuplicates()
    first: list[int] = []
    by_key: dict[str, int] = {}
    for at, text in enumerate(texts):
        before = by_key.setdefault(exact_key(text), at)
        if before == at:
            found = seen.earlier(at, text)
            first.append(at if found is None else found)
        else:
            first.append(first[before])
    return first


def _cleaned(text: str) -> str:
    composed = unicodedata.normalize("NFKC", text)
    try:
        return normalise(composed, max_characters=len(composed) + 1)[0]
    except TextError:
        return composed.strip()


def _folded(text: str) -> str:
    plain = without_marks(_cleaned(text[: 2 * _READ]).casefold()).translate(_ONE_LETTER)
    said = "".join(letter if unicodedata.category(letter)[0] in "LMNS" else " " for letter in plain)
    return " ".join(said.split())[:_READ] or text.strip()[:_READ]


def _shingles(folded: str) -> set[str]:
    return {folded[at : at + _SHINGLE] for at in range(max(1, len(folded) - _SHINGLE + 1))}


def _jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)
