"""Reading the first sheet of an XLSX workbook row by row.

With openpyxl's read-only mode, not calamine: calamine is faster but holds the whole sheet in memory.
openpyxl holds the workbook's table of distinct strings; the format gives no other choice.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from openpyxl import Workbook, load_workbook

from model.errors import InputError
from serving.tables.cells import as_cell_text
from serving.tables.columns import check_distinct
from serving.tables.ragged import fitted
from serving.tables.table import CELL_WEIGHT, Record, Say, Table, in_chunks

_OFFICE_97: Final = b"\xd0\xcf\x11\xe0"
_FORMULA: Final = re.compile(rb"<(?:\w+:)?f[ />]")
_BLOCK_BYTES: Final = 2**20
_BLOCK_ROWS: Final = 256

_Read = TypeVar("_Read")


class _Cell(Protocol):
    """What is read of openpyxl's cells."""

    value: Any
    data_type: str


@contextmanager
def open_xlsx(name: str, *, say: Say) -> Iterator[Table]:
    """Open the first sheet of a workbook; its first row that is not blank names the columns.

    Raises:
        InputError: The file is no workbook, damaged or without rows; later also while its chunks are taken.
    """
    _check_archive(name)
    with closing(_loaded(name, data_only=True)) as workbook:
        if not workbook.worksheets:
            raise InputError(f"{name} has no sheet with cells.")
        sheet = workbook.worksheets[0]
        if len(workbook.sheetnames) > 1:
            say(f"{name}: {len(workbook.sheetnames)} sheets; only the first, '{sheet.title}', is read.")
        total = max(sheet.max_row or 1, 1)
        rows = _numbered(_cells(name, workbook))
        header_row, cells = next(rows, (0, []))
        if not cells:
            raise InputError(f"{name}: sheet '{sheet.title}' has no rows.")
        header = [as_cell_text(cell) for cell in cells]
        check_distinct(name, header)
        read = header_row

        def records() -> Iterator[Record]:
            nonlocal read
            for read, values in rows:
                yield _record(read, header, values)

        chunks = in_chunks(records(), name, tuple(header), unit="row")
        yield Table(name, tuple(header), chunks, lambda: min(read / total, 1.0))


def _record(number: int, header: list[str], values: list[object]) -> Record:
    weight = _weight(values)
    if len(values) > len(header):
        return Record(number, *fitted(header, values, ",", f"row {number}", weight))
    return Record(number, dict(zip(header, values + [None] * (len(header) - len(values)), strict=True)), weight)


def _weight(values: list[object]) -> int:
    return sum(len(value) for value in values if isinstance(value, str)) + CELL_WEIGHT * len(values)


def _numbered(rows: Iterator[list[object]]) -> Iterator[tuple[int, list[object]]]:
    """Rows with their number in the sheet, cut after the last filled cell; no blank ones at either end."""
    blank = 0
    begun = False
    for number, row in enumerate(rows, start=1):
        while row and row[-1] in (None, ""):
            row.pop()
        if not row:
            blank += 1
            continue
        if begun:
            for before in range(number - blank, number):
                yield before, []
        begun, blank = True, 0
        yield number, row


def _cells(name: str, workbook: Workbook) -> Iterator[list[object]]:
    """Each row's values; for a formula its last result, or its own text if it was never calculated."""
    values = _sheet_rows(name, workbook)
    if not _has_formulas(name):
        for row in values:
            yield [_value(cell) for cell in row]
        return
    with closing(_loaded(name, data_only=False)) as other:
        for row, formulas in zip(values, _sheet_rows(name, other), strict=True):
            yield [_result(cell, formula) for cell, formula in zip(row, formulas, strict=True)]


def _value(cell: _Cell) -> object:
    # The format's escape for a carriage return, which openpyxl leaves in the text.
    return cell.value.replace("_x000D_", "\r") if isinstance(cell.value, str) else cell.value


def _result(cell: _Cell, formula: _Cell) -> object:
    # Programs that export customers' texts often write "=…" as a formula without a result; the text
    # is then in the formula alone. A result of type "str" is there, and empty.
    if cell.value is None and formula.data_type == "f" and cell.data_type == "n":
        return str(getattr(formula.value, "text", formula.value))
    return _value(cell)


def _sheet_rows(name: str, workbook: Workbook) -> Iterator[tuple[_Cell, ...]]:
    sheet: Any = workbook.worksheets[0]
    sheet.reset_dimensions()  # some programs state too small an area, and cells outside would be lost
    rows = sheet.iter_rows()
    while block := _guarded(name, lambda: list(islice(rows, _BLOCK_ROWS))):
        yield from block


def _has_formulas(name: str) -> bool:
    def search() -> bool:
        with zipfile.ZipFile(name) as archive:
            for entry in archive.namelist():
                if not entry.startswith("xl/worksheets/"):
                    continue
                tail = b""
                with archive.open(entry) as stream:
                    while block := stream.read(_BLOCK_BYTES):
                        if _FORMULA.search(tail + block):
                            return True
                        tail = block[-64:]
        return False

    return _guarded(name, search)


def _loaded(name: str, *, data_only: bool) -> Workbook:
    return _guarded(name, lambda: load_workbook(name, read_only=True, data_only=data_only))


def _check_archive(name: str) -> None:
    with Path(name).open("rb") as stream:
        start = stream.read(len(_OFFICE_97))
    if start == _OFFICE_97:
        raise InputError(f"{name} is locked with a password or an old .xls. Save it as .xlsx without a password.")
    if not zipfile.is_zipfile(name):
        raise InputError(f"{name} is not an XLSX workbook (not a zip archive). Was it copied completely?")


def _guarded(name: str, read: Callable[[], _Read]) -> _Read:
    """Call into openpyxl, which warns of styles that do not matter here and fails on damage in any way."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read()
    except Exception as error:
        raise InputError(
            f"{name} is not a sound XLSX workbook ({type(error).__name__}: {error}). Save it again as .xlsx."
        ) from error
