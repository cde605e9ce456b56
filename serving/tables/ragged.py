"""Rows with more or fewer cells than their table has columns: nothing of them is lost, and nothing guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from serving.tables.cells import as_cell_text
from serving.tables.table import Fault, Row


def fitted(
    header: Sequence[str], cells: Sequence[object], delimiter: str, place: str, weight: int
) -> tuple[Row, int, Fault]:
    """A ragged row under its table's columns, its weight, and what is wrong with it.

    Cells that are missing are empty. Those that are too many stand in the last column together with its own, as they
    would stand in a CSV file.
    """
    width = len(header)
    message = f"{place}: {len(cells)} cells, but there are {width} columns"
    kept = list(cells)
    if len(kept) > width:
        rest = [as_cell_text(cell) for cell in kept[width - 1 :]]
        kept[width - 1 :] = [joined(rest, delimiter, special(delimiter))]
        message += "; the last holds all cells from its own on"
    else:
        kept += [""] * (width - len(kept))
    return dict(zip(header, kept, strict=True)), weight, Fault(message)


def special(delimiter: str) -> re.Pattern[str]:
    """The characters for which a CSV cell is quoted."""
    return re.compile(f'[{re.escape(delimiter)}"\r\n]')


def joined(cells: Sequence[str], delimiter: str, quoted: re.Pattern[str]) -> str:
    """One line of CSV, without its end; `quoted` is `special` of the delimiter.

    By hand: before Python 3.13 csv.writer leaves a lone carriage return unquoted, which its own reader then takes
    for a line end.
    """
    return delimiter.join('"' + cell.replace('"', '""') + '"' if quoted.search(cell) else cell for cell in cells)
