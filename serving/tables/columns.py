"""Which column holds the texts, which the ids, and whether several inputs agree."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from model.errors import InputError
from serving.tables.table import Chunk, Say, Table, names

_LOOKED_AT: Final = 200
_WORDS: Final = re.compile(r"[^\W\d_].*\s.*[^\W\d_]", re.DOTALL)
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]{4}")
_LETTER: Final = re.compile(r"[^\W\d_]")


def choose_text_column(table: Table, first: Chunk, asked: str | None, say: Say) -> str:
    """The column asked for, else `text`, else the only one that reads like text, said aloud.

    Raises:
        InputError: There is no such column, it is declared as something else than text, or it is not
            clear which one is meant.
    """
    name = asked if asked is not None else "text"
    if name in first.columns:
        check_is_text(table, name)
        return name
    if asked is not None:
        raise InputError(
            f"{table.name}: no column is named '{asked}' (--text-column). Its columns are: {names(first.columns)}."
        )
    return _only_text_column(table, first, say)


def choose_id_column(table: Table, first: Chunk, asked: str | None) -> str | None:
    """The column asked for, else `id`, else None: rows are then counted.

    Raises:
        InputError: There is no such column.
    """
    if asked is not None and asked not in first.columns:
        raise InputError(
            f"{table.name}: no column is named '{asked}' (--id-column). Its columns are: {names(first.columns)}."
        )
    return asked if asked is not None else "id" if "id" in first.columns else None


def check_is_text(table: Table, name: str) -> None:
    """Raise InputError if a column is declared as something else than text."""
    if name in table.not_text:
        raise InputError(
            f"{table.name}: column '{name}' is {table.not_text[name]}, not text. "
            f"Name the column of the texts with --text-column; there are: {names(table.columns)}."
        )


def check_distinct(name: str, columns: Sequence[str]) -> None:
    """Raise InputError if two columns have one name."""
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        raise InputError(f"{name}: several columns are named {names(twice)}. Give each its own name.")


def check_same(first: Table, other: Table) -> None:
    """Raise InputError with the first difference between two inputs' columns; their order may differ."""
    if first.open_ended or other.open_ended:
        return  # their rows are checked one by one as they are written
    for column in first.columns:
        if column not in other.columns:
            raise InputError(f"{other.name} has no column '{column}', which {first.name} has. {_SAME}")
    for column in other.columns:
        if column not in first.columns:
            raise InputError(f"{other.name} has a column '{column}', which {first.name} has not. {_SAME}")


_SAME: Final = "Inputs scored together need the same columns; score these apart."


def fixed_rows(chunk: Chunk, columns: tuple[str, ...]) -> Iterator[list[object]]:
    """Each row's values under an output's columns, None where it has none.

    Raises:
        InputError: A row has a column that the output, already begun, has not.
    """
    known = set(columns)
    check = not known.issuperset(chunk.columns)
    for index, row in enumerate(chunk.rows()):
        if check and not known.issuperset(row):
            unseen = next(column for column in row if column not in known)
            raise InputError(
                f"{chunk.where(index)}: the key '{unseen}' is not among the columns of the rows before. "
                "This output needs them from the start; write .jsonl, which takes any keys."
            )
        yield [row.get(column) for column in columns]


def _only_text_column(table: Table, first: Chunk, say: Say) -> str:
    kinds = {name: _kind(first.column(name)) for name in first.columns if name not in table.not_text}
    for wanted in ("sentences", "words"):
        found = [name for name, kind in kinds.items() if kind == wanted]
        if len(found) == 1:
            say(f"{table.name}: the texts are read from column '{found[0]}', the only one that reads like text.")
            return found[0]
        if found:
            raise InputError(
                f"{table.name}: several columns could hold the texts: {names(found)}. Name one with --text-column."
            )
    raise InputError(
        f"{table.name}: no column is named 'text' and none reads like text. "
        f"Name one with --text-column; there are: {names(first.columns)}."
    )


def reads_like_sentences(values: Iterable[str]) -> bool:
    """Whether at least half of the first values have several words."""
    seen = list(islice(values, _LOOKED_AT))
    return sum(1 for value in seen if _WORDS.search(value) or _UNSPACED.search(value)) >= max(1, len(seen) / 2)


def _kind(values: list[object]) -> str:
    filled = [value for value in values if isinstance(value, str) and value.strip()][:_LOOKED_AT]
    half = len(filled) / 2
    if not filled:
        return "other"
    if reads_like_sentences(filled):
        return "sentences"
    if sum(1 for value in filled if _LETTER.search(value)) >= half:
        return "words"
    return "other"
