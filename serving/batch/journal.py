"""The journal of an unfinished run: what was scored so far, safe on disk, in a file beside the output.

It begins with a line that names its format, and a record that says whose results these are; a record for each
scored chunk follows. A record is its length, the number of rows it stands for and a checksum, then its content. Each
is on disk before the next is begun, so that a process or a machine that stops loses at most the chunk in hand, and
leaves at most one torn record, at the end, which the next run cuts off.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from model.errors import InputError
from serving.tables.atomic import sync_folder

SUFFIX: Final = ".rida-journal"
_MAGIC: Final = b"rida journal 1\n"
_HEAD: Final = struct.Struct("<III")

Differ = Callable[[Mapping[str, Any], Mapping[str, Any]], list[str]]


def journal_of(output: str) -> Path:
    """Where the journal of this output is: beside the file that will be replaced."""
    path = Path(output).resolve()
    return path.with_name(path.name + SUFFIX)


class Journal:
    """An open and locked journal; it holds the results of `rows` rows, in `chunks` records.

    It is `ours` once it is known not to hold what another job scored.
    """

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self.path = path
        self.rows = 0
        self.chunks = 0
        self.ours = False
        self._stream = stream
        self._begin = 0

    def load(self, owner: Mapping[str, Any], differ: Differ) -> None:
        """Find what is there; a torn end is cut off, a journal without a whole first record begun anew.

        Raises:
            InputError: This is no journal, or one of a job that differs.
            OSError: It cannot be read or written.
        """
        self._refuse_foreign()
        self._stream.seek(len(_MAGIC))
        first = self._next()
        if first is None:
            self._start(owner)
            return
        found = differ(json.loads(first[1]), owner)
        if found:
            raise InputError(
                f"{self.path} holds the results of an unfinished run that this one cannot go on with: "
                f"{'; '.join(found)}. Put that back to go on, or give --restart to score everything anew."
            )
        self.ours = True
        self._begin = end = self._stream.tell()
        while record := self._next():
            self.rows += record[0]
            self.chunks += 1
            end = self._stream.tell()
        self._stream.truncate(end)
        self._stream.seek(end)

    def append(self, rows: int, content: bytes) -> None:
        """Add the results of a chunk; on disk when this returns."""
        self._write(rows, content)
        self.rows += rows  # even if what follows is interrupted: the record is there
        self.chunks += 1
        os.fsync(self._stream.fileno())

    def records(self) -> Generator[bytes]:
        """The contents of the records of results that there are now, in order; more may be appended meanwhile."""
        with self.path.open("rb") as stream, closing(Journal(self.path, stream)) as reader:
            stream.seek(self._begin)
            for _ in range(self.chunks):
                record = reader._next()
                if record is None:
                    raise InputError(f"{self.path} was changed while it was in use. Start again with --restart.")
                yield record[1]

    def restart(self) -> None:
        """Throw away what is there."""
        self.ours = True
        self._stream.truncate(0)

    def remove(self) -> None:
        """Take the journal away, once the output stands."""
        try:
            self.path.unlink(missing_ok=True)
        except PermissionError:  # Windows removes no file that is open
            self.close()
            self.path.unlink(missing_ok=True)
        sync_folder(self.path.parent)

    def close(self) -> None:
        """Close the file and let go of its lock."""
        self._stream.close()

    def _start(self, owner: Mapping[str, Any]) -> None:
        self.ours = True
        self._stream.truncate(0)
        self._stream.seek(0)
        self._stream.write(_MAGIC)
        self._write(0, json.dumps(owner).encode())
        os.fsync(self._stream.fileno())
        self._begin = self._stream.tell()
        sync_folder(self.path.parent)

    def _refuse_foreign(self) -> None:
        self._stream.seek(0)
        # After a power cut a file may be as long as it was to be, and hold zeros.
        start = self._stream.read(len(_MAGIC)).rstrip(b"\0")
        if start != _MAGIC[: len(start)]:
            raise InputError(
                f"{self.path} is no journal that this version of Rida can read. Move it away, or give --restart "
                "to throw it away and score everything anew."
            )

    def _next(self) -> tuple[int, bytes] | None:
        """Rows and content of the record that begins here; None where no whole one does."""
        head = self._stream.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return None
        length, rows, checksum = _HEAD.unpack(head)
        if length > os.fstat(self._stream.fileno()).st_size:
            return None  # a torn head must not ask for gigabytes
        content = self._stream.read(length)
        if len(content) < length or zlib.crc32(struct.pack("<II", length, rows) + content) != checksum:
            return None
        return rows, content

    def _write(self, rows: int, content: bytes) -> None:
        checked = struct.pack("<II", len(content), rows)
        self._stream.write(_HEAD.pack(len(content), rows, zlib.crc32(checked + content)) + content)
        self._stream.flush()


@contextmanager
def opened_journal(path: Path, *, restart: bool = False) -> Generator[Journal]:
    """Open and lock a journal, which need not exist; one of ours without results goes when the block fails.

    Raises:
        InputError: Another process has it open.
        OSError: It cannot be opened.
    """
    with closing(Journal(path, _locked(path))) as journal:
        try:
            if restart:
                journal.restart()
            yield journal
        except BaseException:
            if journal.ours and journal.rows == 0:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
            raise


def _locked(path: Path) -> BinaryIO:
    while True:
        # Neither "a", which writes only at the end, nor "r+", which needs the file.
        stream = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b")
        try:
            _lock(stream)
        except BlockingIOError:
            stream.close()
            raise InputError(
                f"Another run is writing this output (its journal {path} is in use). "
                "Wait until it ends, or give the output another name."
            ) from None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(stream.fileno()), path.stat()):
                return stream
        stream.close()  # the run before ended, and took its journal away, between the two calls


def _lock(stream: BinaryIO) -> None:
    try:
        import fcntl
    except ImportError:  # not on Windows, where two runs on one output are the user's to avoid
        return
    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
