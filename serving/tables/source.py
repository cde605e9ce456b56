"""Opening an input: what must be true of any file, compression, and what damaged files say."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePath
from typing import BinaryIO, Final, Literal, cast

from model.errors import InputError

PIPE: Final = "-"
HEAD: Final = 256 * 2**10
"""Bytes looked at to find out encoding and delimiter."""

Compression = Literal["gzip", "bzip2", "xz", "zstd"]

COMPRESSIONS: Final[dict[str, Compression]] = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}

_MAGIC: Final = {
    b"\x1f\x8b": "compressed with gzip: add .gz to its name",
    b"BZh": "compressed with bzip2: add .bz2 to its name",
    b"\xfd7zXZ\x00": "compressed with xz: add .xz to its name",
    b"\x28\xb5\x2f\xfd": "compressed with zstd: add .zst to its name",
    b"PK\x03\x04": "a zip archive (an XLSX workbook?): give it its right name or unpack it",
    b"\xd0\xcf\x11\xe0": "an old Office file: save it as .xlsx or .csv",
    b"PAR1": "a Parquet file: name it .parquet",
}


def _kind(name: str) -> str:
    return COMPRESSIONS.get(PurePath(name).suffix.lower(), "compressed")


def shown(name: str) -> str:
    """An input's name in messages."""
    return "standard input" if name == PIPE else name


def check_file(name: str) -> None:
    """Raise InputError unless `name` is a file that has something in it."""
    path = Path(name)
    with reading(name):
        if path.is_dir():
            raise InputError(f"{name} is a folder. Name the files in it, such as {name.rstrip('/')}/*.csv.")
        if not path.exists():
            raise InputError(f"{name} does not exist. Check the path; it is read from {Path.cwd()}.")
        if not path.is_file():
            raise InputError(f"{name} is not a plain file. To read a pipe, name the input - and send JSONL.")
        if path.stat().st_size == 0:
            raise InputError(f"{name} is empty (0 bytes). Was it exported completely?")
        path.open("rb").close()


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what a missing right, a bad disk or a damaged gzip file raises into InputError."""
    try:
        yield
    except EOFError as error:
        raise InputError(f"{name} is cut short: its compressed data end early. Copy or export it again.") from error
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise InputError(f"{name} is not a sound {_kind(name)} file ({error}). Copy or export it again.") from error
    except OSError as error:
        if error.errno is None:  # so bz2 and pyarrow say that data are damaged or cut short
            raise InputError(f"{name} is not a sound {_kind(name)} file ({error}). Copy or export it again.") from error
        raise InputError(f"{name} cannot be read: {error.strerror or error}.") from error


@contextmanager
def opened(name: str, *, compression: Compression | None) -> Iterator[tuple[BinaryIO, Callable[[], float | None]]]:
    """The input's bytes, unpacked, and the share of the file read so far (None for a pipe)."""
    if name == PIPE:
        yield sys.stdin.buffer, lambda: None
        return
    with ExitStack() as stack:
        with reading(name):
            raw = stack.enter_context(Path(name).open("rb"))
        size = max(os.fstat(raw.fileno()).st_size, 1)
        # Compressed or not, the position in the stored bytes is the honest measure of what is left.
        with reading(name):
            stream = stack.enter_context(_unpacked(raw, compression))
        yield stream, lambda: min(raw.tell() / size, 1.0)


def _unpacked(raw: BinaryIO, compression: Compression | None) -> BinaryIO:
    if compression == "gzip":
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw, mode="rb"))
    if compression == "bzip2":
        return cast(BinaryIO, bz2.BZ2File(raw))
    if compression == "xz":
        return cast(BinaryIO, lzma.LZMAFile(raw))
    if compression == "zstd":
        import pyarrow as pa  # heavy, and needed for this alone

        return cast(BinaryIO, pa.CompressedInputStream(cast(io.IOBase, raw), "zstd"))
    return raw


def head(name: str, *, compression: Compression | None) -> bytes:
    """The first bytes, unpacked. Raises InputError if they belong to another kind of file or are none."""
    with opened(name, compression=compression) as (stream, _), reading(name):
        start = stream.read(HEAD)
    if not start:
        raise InputError(f"{name} is empty once unpacked. Was it exported completely?")
    for magic, meaning in _MAGIC.items():
        if start.startswith(magic):
            raise InputError(f"{name} is {meaning}.")
    return start
