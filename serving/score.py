"""Batch scoring: the rows of one or more files to one output, in order, in flat memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final, Protocol

from model.errors import InputError
from model.labels import MOODS, Mood
from model.prediction import Prediction, Rejection
from serving.tables.added import added_values, refuse_added
from serving.tables.cells import as_cell_text
from serving.tables.columns import check_is_text, check_same, choose_id_column, choose_text_column
from serving.tables.files import create_table, format_of, open_table, writing
from serving.tables.progress import shown_progress
from serving.tables.source import PIPE, check_file
from serving.tables.table import Chunk, Say, Table

_FIRST_FEW: Final = 3


class Classifier(Protocol):
    """What scoring needs of a classifier; results stand in the order of the texts."""

    def classify(self, texts: Sequence[object], *, ids: Sequence[str] | None = None) -> list[Prediction | Rejection]:
        """A prediction for each text, or a rejection that says why there is none."""


@dataclass(slots=True)
class ScoreSummary:
    """What a run did. `rejections` are the first few of the `errors` rows that could not be scored."""

    rows: int = 0
    errors: int = 0
    tokens: int = 0
    seconds: float = 0.0
    moods: dict[Mood, int] = field(default_factory=lambda: dict.fromkeys(MOODS, 0))
    rejections: list[Rejection] = field(default_factory=list)

    def add(self, results: Sequence[Prediction | Rejection]) -> None:
        """Count one chunk's results."""
        self.rows += len(results)
        for result in results:
            if isinstance(result, Prediction):
                self.moods[result.mood] += 1
                self.tokens += result.tokens
            else:
                self.errors += 1
                if len(self.rejections) < _FIRST_FEW:
                    self.rejections.append(result)


def score(  # noqa: PLR0913  (one keyword for each option of the command)
    inputs: Sequence[str],
    output: str,
    *,
    classifier: Classifier,
    text_column: str | None = None,
    id_column: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    progress: bool = True,
    say: Say = lambda message: None,
) -> ScoreSummary:
    """Score every row of `inputs` and write it, with its prediction, to `output`.

    File names end in .csv, .tsv, .jsonl (each also with .gz), .parquet or .xlsx; `-` is JSONL on a
    pipe. `encoding` and `delimiter` hold for text files; by default they are found out. What is
    assumed about the inputs goes to `say`; `progress` shows on stderr where that is a terminal.

    Raises:
        InputError: An input, a column or an option cannot be used, or the output cannot be written.
            What stood under the output's name before still does.
    """
    began = time.perf_counter()
    _check_names(inputs, output)
    open_input = partial(open_table, encoding=encoding, delimiter=delimiter)
    summary = ScoreSummary()
    with (
        shown_progress(wanted=progress) as show,
        create_table(output, say=say) as writer,
        closing(_parts(inputs, open_input, text_column, id_column, say)) as parts,
    ):
        for part in parts:
            results = classifier.classify(part.texts(), ids=part.ids(summary.rows))
            added = [added_values(result) for result in results]
            with writing(output):
                writer.write(part.chunk, added)
            summary.add(results)
            show(summary.rows, part.fraction)
    summary.seconds = time.perf_counter() - began
    return summary


@dataclass(frozen=True, slots=True)
class _Part:
    """A chunk to score: where its texts and ids are, and the share of all inputs read with it."""

    chunk: Chunk
    text_column: str
    id_column: str | None
    fraction: float | None

    def texts(self) -> list[object]:
        """The texts; an empty cell is an empty text in every format."""
        return ["" if value is None else value for value in self.chunk.column(self.text_column)]

    def ids(self, rows_before: int) -> list[str]:
        """The ids, each row's number from 1 where it has none."""
        numbers = range(rows_before + 1, rows_before + 1 + len(self.chunk))
        if self.id_column is None:
            return [str(number) for number in numbers]
        given = self.chunk.column(self.id_column)
        return [as_cell_text(value) or str(number) for value, number in zip(given, numbers, strict=True)]


_OpenInput = Callable[..., AbstractContextManager[Table]]


def _parts(
    inputs: Sequence[str], open_input: _OpenInput, text_column: str | None, id_column: str | None, say: Say
) -> Generator[_Part]:
    text: str | None = None
    sizes = [0 if name == PIPE else Path(name).stat().st_size for name in inputs]
    for number, name in enumerate(inputs):
        with open_input(name, say=say) as table:
            first = next(table.chunks)
            if text is None:
                text = choose_text_column(table, first, text_column, say)
                id_column = choose_id_column(table, first, id_column)
                _check_others(table, text, inputs[1:], open_input)
            for chunk in chain([first], table.chunks):
                refuse_added(table, chunk)
                share = table.fraction()
                whole = None if share is None else (sum(sizes[:number]) + share * sizes[number]) / sum(sizes)
                yield _Part(chunk, text, id_column, whole)


def _check_others(first: Table, text: str, others: Sequence[str], open_input: _OpenInput) -> None:
    """Open the other inputs once, so that a difference is found before hours of scoring and not after."""
    for name in others:
        if name != PIPE:
            with open_input(name, say=lambda message: None) as other:
                check_same(first, other)
                check_is_text(other, text)


def _check_names(inputs: Sequence[str], output: str) -> None:
    if not inputs:
        raise InputError("No input is named. Name one or more files, or - for JSONL on a pipe.")
    if list(inputs).count(PIPE) > 1:
        raise InputError("Standard input (-) is named twice, and can be read only once.")
    for name in [*inputs, output]:
        format_of(name)
    for name in inputs:
        if name != PIPE:
            check_file(name)
    if output != PIPE:
        with writing(output):
            _check_output(inputs, output)


def _check_output(inputs: Sequence[str], output: str) -> None:
    path = Path(output)
    if path.is_dir():
        raise InputError(f"{output} is a folder. Name a file in it.")
    if not path.parent.is_dir():
        raise InputError(f"{output}: the folder {path.parent} does not exist. Make it first.")
    for name in inputs:
        if name != PIPE and path.exists() and path.samefile(name):
            raise InputError(f"{output} is also the input {name}. Give the output another name.")
