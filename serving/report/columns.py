"""Which columns of a result a report reads beside those that scoring added."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from model.errors import InputError
from serving.report.dates import ReadDate, date_reader, find_date_column
from serving.tables.added import ADDED
from serving.tables.columns import choose_text_column
from serving.tables.table import Chunk, Say, Table, names

_LANGUAGE_NAMES: Final = ("language", "lang")


@dataclass(frozen=True, slots=True)
class Asked:
    """The columns named by the user; None and no groups: found out where that can be."""

    text: str | None = None
    date: str | None = None
    language: str | None = None
    groups: tuple[str, ...] = ()
    texts: bool = True
    """Whether texts may be shown."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns in use; None where there is none."""

    text: str | None
    date: str | None
    language: str | None
    groups: tuple[str, ...]
    read_date: ReadDate

    @property
    def named(self) -> tuple[str, ...]:
        """Those that every input must have."""
        return tuple(name for name in (self.text, self.date, self.language, *self.groups) if name is not None)


def choose_columns(table: Table, first: Chunk, asked: Asked, say: Say) -> Columns:
    """Choose by the first input; what is found out goes to `say`.

    Raises:
        InputError: A column asked for is not there or cannot be used, or it is not clear which holds the texts.
    """
    own = [name for name in first.columns if name not in ADDED]
    for option, column in (
        ("--date-column", asked.date),
        ("--language-column", asked.language),
        *(("--group-by", group) for group in asked.groups),
    ):
        if column is not None and column not in own:
            raise InputError(
                f"{table.name}: no column is named '{column}' ({option}). Its columns are: {names(own) or 'none'}."
            )
    text = _text_column(table, first, own, asked, say)
    language = asked.language or _language_column(table, own, asked, say)
    if text is not None and text in (language, *asked.groups):
        raise InputError(
            f"{table.name}: column '{text}' holds the texts, and hardly two are alike. "
            "Name a column with few values, such as a channel, with --group-by."
        )
    rest = [name for name in own if name not in (text, language, *asked.groups)]
    date = asked.date or find_date_column(table.name, first, rest, say)
    values = first.column(date) if date is not None else []
    return Columns(
        text=text if asked.texts else None,
        date=date,
        language=language,
        groups=tuple(name for name in dict.fromkeys(asked.groups) if name != language),
        read_date=date_reader(table.name, date or "", values, say),
    )


def check_columns(table: Table, first: Chunk, columns: Columns) -> None:
    """Raise InputError if a later input lacks a column that the first one has."""
    missing = [name for name in columns.named if name not in first.columns]
    if missing and not table.open_ended:
        raise InputError(
            f"{table.name} has no column {names(missing)}, which the inputs before have. Report on it apart."
        )


def _text_column(table: Table, first: Chunk, own: list[str], asked: Asked, say: Say) -> str | None:
    # The added columns would read like text too; they are set aside as if they were declared something else.
    added = dict.fromkeys(ADDED, "what scoring added")
    seen = replace(table, columns=tuple(own), not_text={**table.not_text, **added})
    if not asked.texts:
        # Which column it is still matters: it must not come in as a group.
        with suppress(InputError):
            return choose_text_column(seen, first, asked.text, lambda message: None)
        return None
    try:
        return choose_text_column(seen, first, asked.text, say)
    except InputError as error:
        raise InputError(f"{error} Or leave texts out with --no-texts.") from error


def _language_column(table: Table, own: Sequence[str], asked: Asked, say: Say) -> str | None:
    found = next((name for name in _LANGUAGE_NAMES if name in own and name != asked.date), None)
    if found is not None and found not in asked.groups:
        say(f"{table.name}: languages are read from column '{found}'.")
    return found
