"""Text files line by line: which encoding, and where in the file a reader stands."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from model.errors import InputError
from serving.tables.source import PIPE, Compression, head, opened, reading, shown
from serving.tables.table import MAX_CELL, Say

# Longest first: the UTF-32 mark begins with the UTF-16 one.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Where several fit equally well, the first is taken.
_USUAL: Final = (
    "cp1252",
    "cp1256",
    "cp1258",
    "cp1250",
    "cp1251",
    "cp1254",
    "cp1253",
    "cp1255",
    "cp1257",
    "cp874",
)
_TELLING_BYTES: Final = 2**16
_MEND: Final = "Give the file's encoding with --encoding, such as --encoding windows-1256"


class Lines:
    """The lines of a text file; `number` counts those given, `record` keeps those since `begin_record`."""

    def __init__(self, name: str, stream: io.TextIOWrapper, codec: str) -> None:
        self.name = name
        self.number = 0
        self.record: list[str] = []
        self._stream = stream
        self._codec = codec

    def begin_record(self) -> None:
        """Forget the lines of the record before."""
        self.record.clear()

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        try:
            with reading(self.name):
                line = self._stream.readline(MAX_CELL)
        except UnicodeDecodeError as error:
            raise self._not_decoded(error) from error
        except UnicodeError as error:  # a UTF-16 or UTF-32 codec that finds no byte order mark
            raise InputError(
                f"{self.name}: {error}. Give the order with --encoding, such as --encoding {self._codec}-le."
            ) from error
        if not line:
            raise StopIteration
        if self.number == 0:
            line = line.removeprefix("\ufeff")
        self.number += 1
        if len(line) >= MAX_CELL:
            raise InputError(
                f"{self.name}, line {self.number}: longer than {MAX_CELL:,} characters. "
                "Is this a text file with one row a line?"
            )
        self.record.append(line)
        return line

    def _not_decoded(self, error: UnicodeDecodeError) -> InputError:
        # All whole lines before the block that failed were given already, so the bad byte stands as
        # many lines further as the block has line ends before it.
        before = error.object[: error.start].decode(error.encoding, errors="replace")
        line = self.number + 1 + before.count("\n")
        byte = error.object[error.start]
        return InputError(f"{self.name}, line {line}: byte 0x{byte:02x} is not {self._codec}. {_MEND}.")


@contextmanager
def opened_lines(
    name: str, *, compression: Compression | None, newline: str, codec: str
) -> Iterator[tuple[Lines, Callable[[], float | None]]]:
    """The lines of a text file, and the share of it read so far (None for a pipe)."""
    with opened(name, compression=compression) as (stream, fraction):
        text = io.TextIOWrapper(stream, encoding=codec, newline=newline)
        try:
            yield Lines(shown(name), text, codec), fraction
        finally:
            text.detach()  # standard input stays open; files are closed by `opened`


def find_encoding(name: str, *, compression: Compression | None, encoding: str | None, say: Say) -> tuple[str, bytes]:
    """A text file's encoding, said aloud unless it is given or plain UTF-8, and its first bytes.

    Raises:
        InputError: The encoding is unknown or cannot be found out, or this is no text file.
    """
    if encoding is not None:
        _check_known(encoding)
    if name == PIPE:
        return encoding or "utf-8", b""  # JSON is UTF-8, and a pipe should not wait for a sample
    start = head(name, compression=compression)
    if encoding is not None:
        return encoding, start
    codec, why = _detected(name, start)
    if why is not None:
        say(f"{name}: read as {codec} ({why}).")
    return codec, start


def _detected(name: str, start: bytes) -> tuple[str, str | None]:
    for mark, codec in _MARKS:
        if start.startswith(mark):
            return codec, None if codec == "utf-8" else "its byte order mark says so"
    # UTF-16 without a mark is valid UTF-8 full of NULs where the text is mostly ASCII.
    if start.count(0) > len(start) // 4:
        little = start[1::2].count(0) > start[::2].count(0)
        return "utf-16-le" if little else "utf-16-be", "every other byte is zero"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return _guessed(name, start), "a guess; if the result looks wrong, give --encoding"
    return "utf-8", None


def _guessed(name: str, start: bytes) -> str:
    from charset_normalizer import from_bytes  # slow to import, rarely needed

    # Lines of plain ASCII tell nothing and would thin out those that do.
    telling = b"\n".join(line for line in start.splitlines() if not line.isascii())[:_TELLING_BYTES]
    # Asked about every encoding, it takes German for Chinese; the usual code pages are asked first.
    matches = [match for match in from_bytes(telling, cp_isolation=list(_USUAL)) if match.coherence > 0]
    matches = matches or list(from_bytes(telling))
    if not matches:
        raise InputError(f"{name} is in no encoding that can be found out. {_MEND}.")
    best = (matches[0].chaos, matches[0].coherence)
    as_good = {
        codec for match in matches if (match.chaos, match.coherence) == best for codec in match.could_be_from_charset
    }
    return next((codec for codec in _USUAL if codec in as_good), matches[0].encoding)


def _check_known(encoding: str) -> None:
    try:
        "".encode(encoding)  # also refuses codecs that are not for text, such as base64
    except (LookupError, ValueError) as error:
        raise InputError(
            f"--encoding {encoding}: no such encoding. Examples: utf-8, utf-16, windows-1256, windows-1258."
        ) from error
