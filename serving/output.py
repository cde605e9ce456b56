"""What the command line writes: answers to stdout, everything said about them to stderr."""

from __future__ import annotations

import io
import sys
import unicodedata
from typing import Final

_JOINERS: Final = "\u200c\u200d"
_FIRST_STRONG_ISOLATE: Final = "\u2068"
_POP_ISOLATE: Final = "\u2069"


def prepare_streams() -> None:
    """Let every text be written: UTF-8 into files and pipes; a terminal shows `?` for what it cannot show."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            if not stream.isatty():
                stream.reconfigure(encoding="utf-8")
            stream.reconfigure(errors="replace")


def write(line: str) -> None:
    """One line of the answer."""
    sys.stdout.write(f"{line}\n")


def say(line: str) -> None:
    """One line about the work, on stderr."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def one_line(text: str, columns: int) -> str:
    """`text` on one line of at most `columns` terminal cells, safe to show beside other things.

    Control characters could drive the terminal and direction marks could reorder what stands beside;
    both go, except the joiners that Persian and emoji are written with. A text with right-to-left
    letters is isolated, so that it reads right and its neighbours stay in place.
    """
    shortened = shorten(plain(text[: columns * 8]), columns)
    if any(unicodedata.bidirectional(character) in ("R", "AL") for character in shortened):
        return f"{_FIRST_STRONG_ISOLATE}{shortened}{_POP_ISOLATE}"
    return shortened


def plain(text: str) -> str:
    """`text` on one line without anything that acts on what stands beside it; the rest of it unchanged."""
    return " ".join("".join(_plain(character) for character in text).split())


def cells(text: str) -> int:
    """Terminal cells that a text takes: none for marks, two for wide characters."""
    return sum(map(_cells, text))


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if character.isspace() or category == "Cc":
        return " "
    if category == "Cs":
        return "\ufffd"
    return "" if category == "Cf" and character not in _JOINERS else character


def shorten(text: str, columns: int) -> str:
    """`text` cut to at most `columns` terminal cells."""
    if cells(text) <= columns:
        return text
    kept, room = [], columns - 1
    for character in text:
        room -= _cells(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
