"""Files of labelled texts, in any format that is scored, as rows to learn from or to measure on."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Final, cast, get_args

from data.rows import FeedbackRow, Sentiment, Split
from model.errors import InputError
from serving.tables.added import ADDED
from serving.tables.columns import check_distinct, choose_id_column, choose_text_column
from serving.tables.files import Kind, format_of, open_table
from serving.tables.inputs import expanded
from serving.tables.source import PIPE, check_file
from serving.tables.table import Chunk, Say, Table, names
from serving.teaching.label_map import STARS, UNHAPPY, LabelMap, read_label_map
from serving.teaching.unknown_labels import UnknownLabels

_SPLITS: Final = get_args(Split)
_LANGUAGE_COLUMNS: Final = ("language", "lang")
_STARS_COLUMNS: Final = ("stars", "rating")
_COVERED: Final = "topics_covered"
_WHOLE_NUMBER: Final = re.compile(r"^(\d+)\.0+$")
_MOODS: Final[dict[str, tuple[Sentiment, bool | None]]] = {
    "satisfied": ("satisfied", False),
    "neutral": ("neutral", False),
    "dissatisfied": ("dissatisfied", False),
    "angry": ("dissatisfied", True),
    UNHAPPY: ("dissatisfied", None),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The columns that the user named; None: `text`, `mood`, `topics`, `id`, `language` or `lang`, `split`, if any."""

    text: str | None = None
    mood: str | None = None
    stars: str | None = None
    topics: str | None = None
    id: str | None = None
    language: str | None = None
    split: str | None = None
    labels: LabelMap = field(default_factory=LabelMap)
    encoding: str | None = None
    delimiter: str | None = None
    moods: bool = True
    """Whether moods are read at all; a column of them may hold anything where they are not."""


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Rows in the order of their files, and the place of each in its file, for messages.

    Of a row without the mood column, without a value in it, or of stars, `sentiment` and `angry` say what is known. A
    file with a topics column labels every topic that it names anywhere: `topics_covered` are those, or of a row with a
    `topics_covered` of its own, as corrections have, those of them that stand there. `lang` is "" where no column says
    it, `split` is None in `splits` where none does (`FeedbackRow.split` is then "train").
    """

    rows: list[FeedbackRow]
    places: list[str]
    splits: list[Split | None]
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Columns:
    text: str
    id: str | None
    mood: str | None
    topics: str | None
    language: str | None
    split: str | None
    labels: LabelMap
    stars: bool
    typed: bool


def asked_columns(args: argparse.Namespace) -> Asked:
    """What the flags of `label_flags.add_column_flags` say.

    Raises:
        InputError: The file of labels cannot be used.
    """
    return Asked(
        text=args.text_column,
        mood=getattr(args, "mood_column", None),
        stars=getattr(args, "stars_column", None),
        topics=args.topics_column,
        id=args.id_column,
        language=args.language_column,
        split=getattr(args, "split_column", None),
        labels=LabelMap() if args.labels is None else read_label_map(args.labels),
        encoding=args.encoding,
        delimiter=args.delimiter,
        moods=hasattr(args, "mood_column"),
    )


def read_labelled(files: Sequence[str], asked: Asked, say: Say, *, keep_unlabelled: bool = False) -> LabelledRows:
    """Reads files of labelled texts.

    Rows without a text or without any label are left out, and so are lines that are no rows; `say` tells how many and
    where the first is. With `keep_unlabelled` texts without a label stay, files may have no labels at all, and what
    `rida score` wrote is not taken for labels unless its column is named.

    Raises:
        InputError: A file cannot be read, a column is missing, or a label is none: with its place, how often it stands
            there, and what may be meant.
    """
    reader = _Reader(say, keep_unlabelled=keep_unlabelled)
    for name in expanded(files, PIPE, say):
        if name != PIPE:
            check_file(name)
        with open_table(name, encoding=asked.encoding, delimiter=asked.delimiter, say=say) as table:
            reader.read(table, asked, format_of(name).kind)
    return reader.finish()


class _Reader:
    def __init__(self, say: Say, *, keep_unlabelled: bool) -> None:
        self._say = say
        self._keep_unlabelled = keep_unlabelled
        self._rows: list[FeedbackRow] = []
        self._places: list[str] = []
        self._splits: list[Split | None] = []
        self._left_out: dict[str, list[str]] = {}
        self._unknown = UnknownLabels()

    def read(self, table: Table, asked: Asked, kind: Kind) -> None:
        check_distinct(table.name, table.columns)
        columns: _Columns | None = None
        for chunk in table.chunks:
            columns = columns or self._choose(table, chunk, asked, kind)
            for at, record in enumerate(chunk.rows()):
                self._add(chunk, at, record, columns)

    def finish(self) -> LabelledRows:
        if message := self._unknown.message():
            raise InputError(message)
        for reason, places in self._left_out.items():
            said = f"{len(places):,} rows are" if len(places) > 1 else "1 row is"
            self._say(f"{said} left out: {reason} (first: {places[0]}).")
        topics = tuple(sorted({topic for row in self._rows for topic in row.topics or ()}))
        rows = [
            row if row.topics is None else replace(row, topics_covered=_looked_for(row, topics)) for row in self._rows
        ]
        return LabelledRows(rows, self._places, self._splits, topics)

    def _choose(self, table: Table, first: Chunk, asked: Asked, kind: Kind) -> _Columns:
        def named(flag: str, name: str | None, *defaults: str) -> str | None:
            if name is not None and name not in first.columns:
                raise InputError(
                    f"{table.name}: no column is named '{name}' ({flag}). Its columns are: {names(first.columns)}."
                )
            return name if name is not None else next((each for each in defaults if each in first.columns), None)

        # Else a model's own answers would be what two models are measured by.
        scored = self._keep_unlabelled and set(ADDED) <= set(first.columns)
        labels = () if scored else ("mood", "topics")
        if scored and not (asked.mood or asked.stars or asked.topics):
            self._say(
                f"{table.name}: its moods and topics were written by rida score and do not count as labels. If people "
                "have corrected them, name them with --mood-column mood or --topics-column topics."
            )
        stars = named("--stars-column", asked.stars)
        mood = named("--mood-column", asked.mood, *labels[:1]) if asked.moods else None
        if asked.stars is not None and asked.mood is not None:
            raise InputError("give --mood-column or --stars-column, not both")
        columns = _Columns(
            text=choose_text_column(table, first, asked.text, self._say),
            id=choose_id_column(table, first, asked.id),
            mood=stars or mood,
            topics=named("--topics-column", asked.topics, *labels[1:]),
            language=named("--language-column", asked.language, *_LANGUAGE_COLUMNS),
            split=named("--split-column", asked.split, "split"),
            labels=replace(asked.labels, mood={**STARS.mood, **asked.labels.mood}) if stars else asked.labels,
            stars=stars is not None,
            typed=kind in ("jsonl", "parquet"),
        )
        if columns.mood is None and columns.topics is None and not self._keep_unlabelled:
            hint = next((f" Are '{each}' stars? Then --stars-column {each}." for each in _STARS_COLUMNS
                         if each in first.columns), "")  # fmt: skip
            raise InputError(
                f"{table.name}: no column of labels is named 'mood' or 'topics'. Name one with --mood-column, "
                f"--stars-column or --topics-column; there are: {names(first.columns)}.{hint}"
            )
        return columns

    def _add(self, chunk: Chunk, at: int, record: dict[str, object], columns: _Columns) -> None:
        place = chunk.where(at)
        text = record.get(columns.text)
        if at in chunk.faults:
            self._leave_out("they are broken", f"{chunk.name}, {chunk.faults[at].message.rstrip('.')}")
        elif not isinstance(text, str) or not text.strip():
            self._leave_out("they have no text", place)
        else:
            self._label(chunk, record, place, text, columns)

    def _label(self, chunk: Chunk, record: dict[str, object], place: str, text: str, columns: _Columns) -> None:
        mood = self._mood(record.get(columns.mood), columns, place) if columns.mood else None
        topics = self._topics(record.get(columns.topics), columns, place) if columns.topics else None
        # An empty cell says "none of the topics" only where nothing but topics is asked of a row.
        says_none = topics == () and columns.mood is None
        if mood is None and not topics and not says_none:
            if not self._keep_unlabelled:
                self._leave_out("they have no label", place)
                return
            topics = None
        sentiment, angry = _MOODS[mood] if mood else (None, None)
        named = _label_of(record.get(columns.id)) if columns.id else ""
        split = self._split(record.get(columns.split), place) if columns.split else None
        language = record.get(columns.language) if columns.language else None
        self._rows.append(
            FeedbackRow(
                id=named or str(len(self._rows)),
                text=text,
                lang=language.strip() if isinstance(language, str) else "",
                source=PurePath(chunk.name).name,
                split=split or "train",
                sentiment=sentiment,
                angry=angry,
                topics=topics,
                topics_covered=None if topics is None else self._covered(record.get(_COVERED), columns, place),
            )
        )
        self._places.append(place)
        self._splits.append(split)

    def _mood(self, value: object, columns: _Columns, place: str) -> str | None:
        label = _label_of(value)
        if not label:
            return None
        meanings = columns.labels.mood
        # Data frames write 5 as 5.0 where other cells of the column are empty.
        meaning = meanings.get(label) or meanings.get(_WHOLE_NUMBER.sub(r"\1", label))
        if meaning is None and not columns.stars and label.lower() in _MOODS:
            meaning = label.lower()
        if meaning is None:
            self._unknown.add(label, place, stars=columns.stars)
        return meaning

    def _topics(self, value: object, columns: _Columns, place: str, what: str = "topics") -> tuple[str, ...] | None:
        """None where a typed file says null: not annotated; an empty cell of any other file says that there is none."""
        if value is None:
            return None if columns.typed else ()
        if isinstance(value, dict):
            raise InputError(f"{place}: the {what} are an object; write a list of names, or one text joined with ;.")
        parts = value if isinstance(value, (list, tuple)) else _label_of(value).split(";")
        labels = [_label_of(part) for part in parts]
        meant = (columns.labels.topics.get(label, label) for label in labels if label)
        return tuple(dict.fromkeys(topic for topic in meant if topic))

    def _covered(self, value: object, columns: _Columns, place: str) -> tuple[str, ...] | None:
        """The topics that somebody looked for in a row's text; None, all, where there is no list of them."""
        listed = value is not None and (isinstance(value, (list, tuple)) or _label_of(value))
        return self._topics(value, columns, place, _COVERED) if listed else None

    def _split(self, value: object, place: str) -> Split | None:
        label = _label_of(value)
        if not label:
            return None
        if label not in _SPLITS:
            raise InputError(f"{place}: the split is {label!r}; use one of {', '.join(_SPLITS)}, or leave it empty.")
        return cast(Split, label)

    def _leave_out(self, reason: str, place: str) -> None:
        self._left_out.setdefault(reason, []).append(place)


def _looked_for(row: FeedbackRow, named: tuple[str, ...]) -> tuple[str, ...]:
    """The topics that a row's labels say something of, out of all that are named anywhere."""
    if row.topics_covered is None:
        return named
    looked_for = {*row.topics_covered, *(row.topics or ())}
    return tuple(topic for topic in named if topic in looked_for)


def _label_of(value: object) -> str:
    """A cell as a label; whole numbers as they are written, whatever type the file gave them."""
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
