"""Files of texts that nobody has labelled, read a chunk at a time; each different text comes once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from model.errors import InputError
from serving.tables.cells import as_cell_text
from serving.tables.columns import check_distinct, choose_id_column, choose_text_column
from serving.tables.files import open_table
from serving.tables.progress import Show
from serving.tables.source import PIPE, check_file
from serving.tables.table import Chunk, Say, Table, names
from serving.teaching.labelled import Asked
from training.near_duplicates import exact_key

_LANGUAGE_COLUMNS: Final = ("language", "lang")


@dataclass(frozen=True, slots=True)
class Texts:
    """Some texts, with their ids, their places for messages, and their languages where a column says them."""

    ids: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    languages: list[str | None] = field(default_factory=list)


class LeftOut:
    """How many rows are left out for which reason, and where the first of them is."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, str]] = {}

    def add(self, reason: str, place: str) -> None:
        """Counts one row."""
        count, first = self._found.get(reason, (0, place))
        self._found[reason] = count + 1, first

    def tell(self, say: Say) -> None:
        """Says what was left out."""
        for reason, (count, first) in self._found.items():
            rows = f"{count:,} rows are" if count > 1 else "1 row is"
            say(f"{rows} left out: {reason} (first: {first}).")


def read_unlabelled(
    files: Sequence[str], asked: Asked, labelled: Iterable[str], left_out: LeftOut, *, show: Show, say: Say
) -> Iterator[Texts]:
    """Yields the different texts of all files that are not among those `labelled`, one chunk's after the other's.

    Ids are those of the id column, else the rows' numbers from 1.

    Raises:
        InputError: A file cannot be read, or a column is missing.
    """
    done = {_digest(text) for text in labelled}
    seen: set[bytes] = set()
    rows = 0
    for number, name in enumerate(files):
        if name != PIPE:
            check_file(name)
        with open_table(name, encoding=asked.encoding, delimiter=asked.delimiter, say=say) as table:
            check_distinct(table.name, table.columns)
            first = next(table.chunks)
            columns = _columns(table, first, asked, say)
            for chunk in chain([first], table.chunks):
                yield _new_texts(chunk, columns, rows, done, seen, left_out)
                rows += len(chunk)
                share = table.fraction()
                show(rows, None if share is None else (number + share) / len(files))


def _columns(table: Table, first: Chunk, asked: Asked, say: Say) -> tuple[str, str | None, str | None]:
    if asked.language is not None and asked.language not in first.columns:
        raise InputError(
            f"{table.name}: no column is named '{asked.language}' (--language-column). "
            f"Its columns are: {names(first.columns)}."
        )
    text = choose_text_column(table, first, asked.text, say)
    language = asked.language or next((name for name in _LANGUAGE_COLUMNS if name in first.columns), None)
    return text, choose_id_column(table, first, asked.id), language


def _new_texts(
    chunk: Chunk,
    columns: tuple[str, str | None, str | None],
    before: int,
    done: set[bytes],
    seen: set[bytes],
    left_out: LeftOut,
) -> Texts:
    found = Texts()
    text_column, id_column, language_column = columns
    ids = chunk.column(id_column) if id_column else [None] * len(chunk)
    languages = chunk.column(language_column) if language_column else [None] * len(chunk)
    for at, text in enumerate(chunk.column(text_column)):
        reason = "they are no sound rows" if at in chunk.faults else None
        if reason is None and (not isinstance(text, str) or not text.strip()):
            reason = "they have no text"
        digest = b"" if reason else _digest(str(text))
        if reason is None and digest in done:
            reason = "they are labelled already"
        elif reason is None and digest in seen:
            reason = "they repeat a text before them"
        if reason is not None:
            left_out.add(reason, chunk.where(at))
            continue
        seen.add(digest)
        language = languages[at]
        found.ids.append(as_cell_text(ids[at]) or str(before + at + 1))
        found.texts.append(str(text))
        found.places.append(chunk.where(at))
        found.languages.append(language.strip() or None if isinstance(language, str) else None)
    return found


def _digest(text: str) -> bytes:
    # Sixteen bytes in place of the text, so that millions of texts fit.
    return hashlib.blake2b(exact_key(text).encode("utf-8", "surrogatepass"), digest_size=16).digest()
