"""Names of new topics that cannot be meant so: of a wrong form, or those of known ones in another spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from model.labels import own_topic_fault

_SHOWN = 60


def faults(new: Sequence[str], known: Sequence[str]) -> Iterator[str]:
    """What is wrong with the names `new`, in words; `known` are all names that there are, new ones among them."""
    for name in new:
        if fault := own_topic_fault(name):
            yield f"the topic {name[:_SHOWN]!r} {fault}; rename it, in the file or with --labels TOML"
    yield from _misnamed(new, known)


def _misnamed(new: Sequence[str], known: Sequence[str]) -> Iterator[str]:
    first: dict[str, str] = {}
    for other in known:
        first.setdefault(plain(other), other)
    for name in new:
        # Of two new ones the second is told.
        if (meant := first.get(plain(name), name)) != name:
            yield f"the topic {name!r} is not {meant!r}: write it so, or say so in [topics] of --labels TOML"
        elif "," in name and any(plain(part) in first for part in name.split(",")):
            yield f"the topic {name!r} looks like several: join topics with ; in place of the comma"


def plain(name: str) -> str:
    """A name without what spellings of it differ in: case, punctuation, width; of marks alone the marks."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\W_]+", " ", folded).strip() or folded
