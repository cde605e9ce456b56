"""`rida report`: scored files to one page, Markdown or JSON, in memory that does not grow with them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain
from pathlib import Path, PurePath
from typing import Any, Final

from model.errors import InputError
from serving.document.file import document_file, libraries_of_html
from serving.document.forms import Form, form_of
from serving.output import plain
from serving.report.columns import Asked, Columns, check_columns, check_no_texts, choose_columns
from serving.report.content import Report
from serving.report.counts import EVERY_MOOD, Totals, Values
from serving.report.dates import is_missing
from serving.report.day_order import DaysInEitherOrder
from serving.report.rows import ScoredRows, check_scored, read_rows
from serving.report.sample import Sample
from serving.report.slots import Slots
from serving.report.summary import summarise
from serving.tables.cells import as_cell_text
from serving.tables.files import check_own_file, format_of, open_table
from serving.tables.progress import Show
from serving.tables.source import PIPE, check_file
from serving.tables.table import Chunk, Say, names

_LONGEST_VALUE: Final = 200  # characters of a group's name by which it is told from others


def write_report(
    inputs: Sequence[str],
    output: str,
    *,
    asked: Asked,
    form: Form | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    show: Show = lambda rows, fraction: None,
    say: Say = lambda message: None,
) -> Report:
    """Read outputs of `rida score` and write a report on them to `output`, `-` for standard output.

    `form` None goes by the name of `output`. What is assumed about the inputs goes to `say`.

    Raises:
        InputError: An input, a column or an option cannot be used, or the output cannot be written.
            What stood under the output's name before still does.
    """
    render = _renderer(form_of(output, form))
    _check_names(inputs, output)
    with document_file(output) as write:
        report = read_report(inputs, asked, encoding=encoding, delimiter=delimiter, show=show, say=say)
        write(render(report))
    return report


def read_report(
    inputs: Sequence[str],
    asked: Asked,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    show: Show = lambda rows, fraction: None,
    say: Say = lambda message: None,
) -> Report:
    """Read and count scored files.

    Raises:
        InputError: An input or a column cannot be used.
    """
    open_input = partial(open_table, encoding=encoding, delimiter=delimiter, say=say)
    counting: _Counting | None = None
    for number, name in enumerate(inputs):
        with open_input(name) as table:
            first = next(table.chunks)
            check_scored(table, first)
            if counting is None:
                counting = _Counting(choose_columns(table, first, asked, say))
            else:
                check_columns(table, first, counting.columns)
            for chunk in chain([first], table.chunks):
                counting.add(chunk)
                share = table.fraction()
                show(counting.totals.rows, None if share is None else (number + share) / len(inputs))
    if counting is None or not counting.totals.rows:
        raise InputError(f"{inputs[0] if inputs else 'The input'} has no rows, so there is nothing to report.")
    columns, days, guessed = counting.columns, None, False
    if counting.days is not None:
        try:
            days, guessed = counting.days.settled(str(columns.date))
        except InputError as error:
            raise InputError(f"{names(inputs)}: {error}") from error
    if guessed:
        say(f"Dates like 3/4/2025 in column '{columns.date}' are read with the day first (a guess).")
    if not asked.texts:
        for column, values in counting.values.items():
            check_no_texts(names(inputs), column, values.numbers, int(values.table[:, EVERY_MOOD].sum()))
    sources = tuple("standard input" if name == PIPE else plain(PurePath(name).name) for name in inputs)
    return summarise(
        sources, columns, counting.totals, days, counting.values, counting.sample,
        slots=counting.slots.by_topic, guessed_order=guessed,
    )  # fmt: skip


class _Counting:
    """Everything that is counted and kept."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.slots = Slots()
        self.totals = Totals()
        self.days = DaysInEitherOrder() if columns.date is not None else None
        self.sample = Sample() if columns.text is not None else None
        by = [name for name in (columns.language, *columns.groups) if name is not None]
        self.values = {name: Values() for name in by}

    def add(self, chunk: Chunk) -> None:
        """Count a chunk."""
        rows = read_rows(chunk, self.slots)
        self.totals.add(rows)
        if self.days is not None:
            self.days.add(_of(chunk, str(self.columns.date), rows), rows)
        languages = None
        for name, values in self.values.items():
            found = [_value(value) for value in _of(chunk, str(name), rows)]
            values.add(found, rows)
            if name == self.columns.language:
                languages = found
        if self.sample is not None:
            self.sample.add(_of(chunk, str(self.columns.text), rows), languages, rows)


def _of(chunk: Chunk, column: str, rows: ScoredRows) -> list[object]:
    """The values of the scored rows."""
    values = chunk.column(column)
    return values if len(rows.scored) == len(values) else [values[index] for index in rows.scored]


def _value(value: object) -> str:
    return "" if is_missing(value) else as_cell_text(value)[:_LONGEST_VALUE].strip()


def _renderer(form: Form) -> Any:
    """The function that writes a report out; what it needs is imported now, and not after an hour of reading."""
    if form == "json":
        from serving.report.as_json import as_json

        return as_json
    if form == "md":
        from serving.report.markdown import as_markdown

        return as_markdown
    with libraries_of_html("a report"):
        from serving.report.page import as_page
    return as_page


def _check_names(inputs: Sequence[str], output: str) -> None:
    if list(inputs).count(PIPE) > 1:
        raise InputError("Standard input (-) is named twice, and can be read only once.")
    seen: dict[tuple[int, int], str] = {}
    for name in inputs:
        format_of(name)
        if name != PIPE:
            check_file(name)
            about = Path(name).stat()
            same = seen.get((about.st_dev, about.st_ino))
            if same is not None:
                raise InputError(f"{name} is the same file as {same}, and its rows would count twice. Name it once.")
            seen[about.st_dev, about.st_ino] = name
    check_own_file(output, inputs)
