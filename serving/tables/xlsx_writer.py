"""Writing XLSX so that a spreadsheet shows a customer's text and never runs it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ERROR_CODES
from openpyxl.writer.excel import ExcelWriter

from model.errors import InputError
from serving.tables.added import ADDED, added_cells
from serving.tables.cells import as_cell_text
from serving.tables.columns import fixed_rows
from serving.tables.table import Chunk, Row, Say

MAX_ROWS: Final = 1_048_576
MAX_COLUMNS: Final = 16_384
MAX_CHARACTERS: Final = 32_767
"""What the format holds; characters are counted as Excel does, in units of UTF-16."""

_NO_TIME: Final = datetime(1980, 1, 1)
_EXACT: Final = 10**15  # Excel keeps 15 digits of a number
_RUNNABLE: Final = ("=", "+", "-", "@", "\t")
# What XML cannot hold, beyond what openpyxl itself refuses.
_ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class XlsxWriter:
    """Writes one sheet; what the format cannot hold is said aloud at the end."""

    def __init__(self, stream: BinaryIO, say: Say, added: Sequence[str] = ADDED) -> None:
        self._stream = stream
        self._added = added
        self._say = say
        self._workbook = Workbook(write_only=True)
        self._sheet: Any = self._workbook.create_sheet("predictions" if added else "rows")
        self._columns: tuple[str, ...] | None = None
        self._rows = 0
        self._cut = 0

    def write(self, chunk: Chunk, added: Sequence[Row]) -> None:
        """Write the chunk's rows, each followed by its added columns."""
        if self._columns is None:
            self._columns = chunk.columns
            width = len(chunk.columns) + len(self._added)
            if width > MAX_COLUMNS:
                raise InputError(f"XLSX holds {MAX_COLUMNS:,} columns, and there are {width:,}. Write .csv.")
            self._append([*chunk.columns, *self._added])
        for values, extra in zip(fixed_rows(chunk, self._columns), added, strict=True):
            self._append([*values, *added_cells(extra).values()])

    def finish(self) -> None:
        """Write the workbook around the sheet."""
        properties = self._workbook.properties
        properties.created = properties.modified = _NO_TIME
        with _TimelessArchive(self._stream, "w", ZIP_DEFLATED) as archive:
            ExcelWriter(self._workbook, archive).write_data()
        if self._cut:
            self._say(f"{self._cut} cells were cut to {MAX_CHARACTERS:,} characters, the most XLSX holds.")

    def abandon(self) -> None:
        """Close openpyxl's own temporary file, which it removes when the program ends."""
        with suppress(Exception):  # it may be half-written, on a full disk
            self._sheet.close()

    def _append(self, values: Sequence[object]) -> None:
        if self._rows == MAX_ROWS:
            raise InputError(f"XLSX holds {MAX_ROWS:,} rows with the header, and there are more. Write .csv.")
        self._rows += 1
        self._put(values)

    def _put(self, values: Sequence[object]) -> None:
        self._sheet.append([self._cell(value) for value in values])

    def _cell(self, value: object) -> object:
        if value is None or isinstance(value, (bool, timedelta)):
            return value
        if isinstance(value, (int, float)) and abs(value) < _EXACT:  # not so for inf and nan
            return value
        if isinstance(value, (date, time)) and _has_serial_number(value):
            return value
        return self._text(as_cell_text(value))

    def _text(self, value: str) -> object:
        # XML readers make every line break "\\n"; written so, none is doubled or lost on the way.
        text = _ILLEGAL.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
        if len(text) > MAX_CHARACTERS // 2:
            text = self._short(text)
        if not text:
            return None
        if not text.startswith(_RUNNABLE) and text not in ERROR_CODES:
            return text
        cell = WriteOnlyCell(self._sheet, text)
        cell.data_type = "s"  # openpyxl made "=…" a formula
        cell.quotePrefix = True  # and so it stays text when someone edits the cell
        return cell

    def _short(self, text: str) -> str:
        units = text.encode("utf-16-le")
        if len(units) <= 2 * MAX_CHARACTERS:
            return text
        self._cut += 1
        return units[: 2 * MAX_CHARACTERS].decode("utf-16-le", errors="ignore")


class XlsxRehearsal(XlsxWriter):
    """Refuses what the writer would refuse, without the time that writing takes."""

    def _put(self, values: Sequence[object]) -> None:
        pass


class _TimelessArchive(ZipFile):
    """Puts no times into the archive, so that the same rows give the same bytes."""

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_: Any) -> None:
        with self.open(_entry(zinfo_or_arcname), "w") as target:
            target.write(data.encode() if isinstance(data, str) else data)

    def write(self, filename: Any, arcname: Any = None, *_: Any) -> None:
        with Path(filename).open("rb") as source, self.open(_entry(arcname), "w", force_zip64=True) as target:
            shutil.copyfileobj(source, target)


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name)  # whose time is the earliest that the format has
    entry.compress_type = ZIP_DEFLATED
    return entry


def _has_serial_number(value: date | time) -> bool:
    """Whether Excel can hold a time: its days begin with 1900 and it knows no zones."""
    if isinstance(value, (datetime, time)) and value.tzinfo is not None:
        return False
    return isinstance(value, time) or value.year > 1900
