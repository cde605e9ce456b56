"""From a file's name to its reader or writer. Heavy libraries are imported only for the formats in use."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, BinaryIO, Final, Literal, cast

from model.errors import InputError
from serving.tables.added import ADDED
from serving.tables.atomic import replaced
from serving.tables.csv_file import COMMA, TAB, CsvWriter, open_csv
from serving.tables.jsonl_file import JsonlWriter, open_jsonl
from serving.tables.source import COMPRESSIONS, PIPE, Compression
from serving.tables.table import Say, Table, Writer

Kind = Literal["csv", "tsv", "jsonl", "parquet", "xlsx"]

KINDS: Final[dict[str, Kind]] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
}
_HINTS: Final = {
    ".json": " One JSON object a line is JSONL: name it .jsonl.",
    ".ndjson": " This is JSONL under another name: name it .jsonl.",
    ".xls": " Save it as .xlsx.",
    ".txt": " If its cells are separated by commas name it .csv, if by tabs .tsv.",
}


@dataclass(frozen=True, slots=True)
class Format:
    """What a file's name says about it."""

    kind: Kind
    compression: Compression | None


def format_of(name: str) -> Format:
    """The format that a name ends in; `-` is JSONL. Raises InputError for any other name."""
    if name == PIPE:
        return Format("jsonl", None)
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes]
    compression = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    suffix = (suffixes[:-1] if compression else suffixes)[-1:]
    kind = KINDS.get(suffix[0]) if suffix else None
    if kind is None:
        hint = _HINTS.get(suffix[0], "") if suffix else ""
        raise InputError(
            f"{name}: its name must end in .csv, .tsv, .jsonl, .parquet or .xlsx; the first three also "
            f"with .gz, and inputs with .bz2, .xz or .zst. For JSONL on a pipe write -.{hint}"
        )
    if compression and kind in ("parquet", "xlsx"):
        raise InputError(
            f"{name}: a .{kind} file is compressed inside and read from its end, so it cannot be compressed again. "
            f"Use plain .{kind}."
        )
    return Format(kind, compression)


def check_writable(name: str) -> None:
    """Raise InputError unless the name of an output ends in a format that is written."""
    compression = format_of(name).compression
    if compression not in (None, "gzip"):
        raise InputError(f"{name}: of compressed files only .gz is written. Give the output another name.")


def check_own_file(output: str, inputs: Sequence[str]) -> None:
    """Raise InputError unless an output can be a file of its own."""
    if output == PIPE:
        return
    path = Path(output)
    if path.is_dir():
        raise InputError(f"{output} is a folder. Name a file in it.")
    if not path.parent.is_dir():
        raise InputError(f"{output}: the folder {path.parent} does not exist. Make it first.")
    for name in inputs:
        if name != PIPE and path.exists() and Path(name).exists() and path.samefile(name):
            raise InputError(f"{output} is also the input {name}. Give the output another name.")


def open_table(name: str, *, encoding: str | None, delimiter: str | None, say: Say) -> AbstractContextManager[Table]:
    """Open an input. Raises InputError when entered, and later while its chunks are taken."""
    form = format_of(name)
    if form.kind == "jsonl":
        return open_jsonl(name, compression=form.compression, encoding=encoding, say=say)
    if form.kind == "parquet":
        from serving.tables.parquet_file import open_parquet

        return open_parquet(name)
    if form.kind == "xlsx":
        from serving.tables.xlsx_file import open_xlsx

        return open_xlsx(name, say=say)
    return open_csv(
        name,
        compression=form.compression,
        encoding=encoding,
        delimiter=TAB if delimiter is None and form.kind == "tsv" else delimiter,
        say=say,
    )


@contextmanager
def create_table(name: str, *, say: Say, alone: bool = False, added: Sequence[str] = ADDED) -> Iterator[Writer]:
    """Write an output; it takes its name when the block ends well and leaves nothing otherwise.

    `alone`: see `replaced`. `added` are the columns that come after a chunk's own: those of scoring, or none.

    Raises:
        InputError: It cannot be written.
    """
    form = format_of(name)
    with ExitStack() as stack:
        with writing(name):
            stream = sys.stdout.buffer if name == PIPE else stack.enter_context(replaced(Path(name), alone=alone))
        if form.compression:
            stream = cast(BinaryIO, stack.enter_context(_packed(stream)))
        writer = _writer(form.kind, stream, say, added)
        try:
            yield writer
        except BaseException:
            writer.abandon()
            raise
        with writing(name):
            writer.finish()
            stack.close()


@contextmanager
def rehearsed(name: str) -> Iterator[Writer]:
    """A writer of the same format to nowhere: it refuses what the output would refuse, and leaves nothing."""
    writer = _writer(format_of(name).kind, cast(BinaryIO, _Nowhere()), lambda message: None, ADDED, rehearsal=True)
    try:
        yield writer
    finally:
        writer.abandon()


class _Nowhere(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        return memoryview(data).nbytes


@contextmanager
def _packed(stream: BinaryIO) -> Iterator[gzip.GzipFile]:
    # No time stamp and no name inside, so that the same rows give the same bytes.
    packed = gzip.GzipFile(filename="", fileobj=stream, mode="wb", compresslevel=6, mtime=0)
    try:
        yield packed
        packed.close()
    except BaseException:
        with suppress(OSError):  # on a full disk closing fails again, and must not hide why
            packed.close()
        raise


@contextmanager
def writing(name: str) -> Iterator[None]:
    """Turn a full disk or a missing right into InputError; a pipe that was closed stays BrokenPipeError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(f"{name} cannot be written: {error.strerror or error}.") from error


def _writer(kind: Kind, stream: BinaryIO, say: Say, added: Sequence[str], *, rehearsal: bool = False) -> Writer:
    if kind == "jsonl":
        return JsonlWriter(stream)
    if kind == "parquet":
        from serving.tables.parquet_writer import ParquetWriter

        return ParquetWriter(stream, added)
    if kind == "xlsx":
        from serving.tables.xlsx_writer import XlsxRehearsal, XlsxWriter

        return (XlsxRehearsal if rehearsal else XlsxWriter)(stream, say, added)
    return CsvWriter(stream, COMMA if kind == "csv" else TAB, added)
