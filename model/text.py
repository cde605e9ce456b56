"""One text made ready to be read: what training and scoring both do before cutting it into pieces."""

from __future__ import annotations

import re
import unicodedata

from model.emoji import NEAREST_KNOWN
from model.errors import TextError

# Category Cs are halves of a broken pair, which no encoder accepts. Cf marks steer how text is laid
# out and say nothing; the two joiners stay, since Persian spelling and emoji sequences need them.
_DROPPED_CATEGORIES = frozenset({"Cs", "Cf"})
_JOINERS = frozenset("\u200c\u200d")
_TATWEEL = "\u0640"  # stretches a letter for looks
# Arabic short vowels, written in scripture and schoolbooks: with them a plain word is cut into pieces nobody has seen.
_SHORT_VOWELS = frozenset(map(chr, (*range(0x064B, 0x0653), 0x0670)))
_LINK = re.compile(r"https?://\S+|www\.\S+")
_ELONGATED = re.compile(r"([^\W\d]|[^\w\s])\1{3,}")
_WHITESPACE = re.compile(r"\s+")
_SEPARATOR = re.compile(r"([\x00-\x1f\x7f-\x9f])")


def normalise(text: object, *, max_characters: int) -> tuple[str, bool]:
    """Cleans a text and says whether it was longer than `max_characters` and cut there.

    Control characters become spaces, layout marks, broken surrogates, tatweel and Arabic short vowels go, links become
    `http`, a letter or mark repeated four times or more stays three times (`soooooo` says no more than
    `sooo`; digits are left alone), emoji that the encoder does not know become the nearest known one, runs of
    whitespace become one space.

    Raises:
        TextError: `not_text` where it is no string, `empty_text` where nothing legible is left.
    """
    if not isinstance(text, str):
        raise TextError("not_text", f"expected a text, found {type(text).__name__}; give a string")
    text = text.strip()
    cut = len(text) > max_characters
    cleaned = _SEPARATOR.sub(" ", text[:max_characters])
    if not cleaned.isascii():
        cleaned = "".join(filter(_legible, cleaned)).translate(NEAREST_KNOWN)
    cleaned = _LINK.sub("http", cleaned)
    cleaned = _ELONGATED.sub(r"\1\1\1", cleaned)
    cleaned = _WHITESPACE.sub(" ", cleaned).strip()
    if not cleaned.strip("\u200c\u200d "):
        raise TextError("empty_text", "the text has no legible character; nothing can be said about it")
    return cleaned, cut


def _legible(character: str) -> bool:
    if character in _JOINERS:
        return True
    if character in _SHORT_VOWELS or character == _TATWEEL:
        return False
    return unicodedata.category(character) not in _DROPPED_CATEGORIES
