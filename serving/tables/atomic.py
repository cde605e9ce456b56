"""A file that is there completely or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """Write beside `path`, and take its place when all is on disk; any exception leaves no trace.

    Raises:
        OSError: The folder is missing or cannot be written, or the disk is full.
    """
    target = path.resolve()  # a link stays a link; what it points to is replaced
    temporary = target.with_name(f".rida-{secrets.token_hex(8)}.part")
    stream = temporary.open("xb")
    try:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())
        stream.close()
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):  # on a full disk closing fails again, and must not hide why
            stream.close()
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    # The new name itself lives in the folder. Not every system lets a folder be opened; there the
    # file's content is still safe.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
