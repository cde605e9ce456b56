"""Labels of a file that mean nothing to us, each with where it stands first, for one message about all of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Final

from model.labels import MOODS
from serving.output import shorten
from serving.teaching.label_map import UNHAPPY

_LISTED: Final = 5


class UnknownLabels:
    """Labels found in a column of moods or of stars that are neither, in the order found."""

    def __init__(self) -> None:
        self._moods: dict[str, list[str]] = {}
        self._stars: dict[str, list[str]] = {}

    def add(self, label: str, place: str, *, stars: bool) -> None:
        """Takes note of one."""
        (self._stars if stars else self._moods).setdefault(label, []).append(place)

    def message(self) -> str | None:
        """What is wrong and how to mend it; None where nothing is."""
        return "; ".join((*_about_moods(self._moods), *_about_stars(self._stars))) or None


def _about_moods(unknown: dict[str, list[str]]) -> Iterator[str]:
    if unknown:
        for label, rows in _most_frequent(unknown):
            near = difflib.get_close_matches(label.lower(), (*MOODS, UNHAPPY), n=1)
            meant = f"; is {near[0]!r} meant?" if near else ""
            yield f"{unknown[label][0]}: {_shown(label)} is no mood ({rows}){meant}"
        yield f"{_and_more(unknown)}use {', '.join(MOODS)}, or say what the labels mean with --labels TOML"


def _about_stars(unknown: dict[str, list[str]]) -> Iterator[str]:
    if unknown:
        for label, rows in _most_frequent(unknown):
            yield f"{unknown[label][0]}: {_shown(label)} is no number of stars ({rows})"
        yield f"{_and_more(unknown)}stars are 1, 2, 3, 4 or 5; say what other labels mean in [mood] of --labels TOML"


def _most_frequent(unknown: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    for label in sorted(unknown, key=lambda label: -len(unknown[label]))[:_LISTED]:
        count = len(unknown[label])
        yield label, f"{count:,} rows" if count > 1 else "1 row"


def _and_more(unknown: dict[str, list[str]]) -> str:
    rest = len(unknown) - _LISTED
    return f"and {rest:,} more labels; " if rest > 0 else ""


def _shown(label: str) -> str:
    """A label in quotes, and not the whole of it where a column of texts was named by mistake."""
    return repr(shorten(label, 40))
