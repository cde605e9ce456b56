"""Names of new topics that are those of known ones in another spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence


def misnamed(new: Sequence[str], known: Sequence[str]) -> Iterator[str]:
    """What is wrong with the names `new`, in words; `known` are all names that there are, new ones among them."""
    first: dict[str, str] = {}
    for other in known:
        first.setdefault(_plain(other), other)
    for name in new:
        # Of two new ones the second is told.
        if (meant := first.get(_plain(name), name)) != name:
            yield f"the topic {name!r} is not {meant!r}: write it so, or say so in [topics] of --labels TOML"
        elif "," in name and any(_plain(part) in first for part in name.split(",")):
            yield f"the topic {name!r} looks like several: join topics with ; in place of the comma"


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", name).casefold()).strip()
