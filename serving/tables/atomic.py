"""A file that is there completely or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replaced(path: Path, *, alone: bool = False) -> Iterator[BinaryIO]:
    """Write beside `path`, and take its place when all is on disk; any exception leaves no trace.

    Who knows that no other process writes this output is `alone`: the temporary name is then always the same,
    so that what a killed process left behind is written over.

    Raises:
        OSError: The folder is missing or cannot be written, or the disk is full.
    """
    target = path.resolve()  # a link stays a link; what it points to is replaced
    name = target.name if alone else secrets.token_hex(8)
    temporary = target.with_name(f".rida-{name}.part")
    stream: BinaryIO | None = None
    try:
        # Within: a signal may come between the file's being there and our knowing it.
        stream = temporary.open("wb" if alone else "xb")
        yield stream
        stream.flush()
        os.fsync(stream.fileno())
        stream.close()
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):  # on a full disk closing fails again, and must not hide why
            if stream is not None:
                stream.close()
        with suppress(OSError):  # nor if the folder cannot be written
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make new and removed names in a folder safe; where a system lets no folder be opened, only contents are."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
