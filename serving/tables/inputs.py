"""Which files a command's inputs are: patterns and folders become the files that they stand for."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from model.errors import InputError
from serving.tables.source import PIPE, reading
from serving.tables.table import Say

_OWN: Final = re.compile(r"\.rida-.*\.part|.*\.rida-journal")
"""What runs write beside their outputs, and killed ones leave there."""


def expanded(names: Sequence[str], output: str, say: Say) -> tuple[str, ...]:
    """The files to read, in order; those of a pattern or a folder sorted as people count, `2` before `10`.

    A pattern is one only where no file has that name. `**` goes through folders. A folder stands for the Parquet files
    in it and in its folders. What a pattern or a folder brings is read once, by whichever names and links it is found;
    the output is never among it.

    Raises:
        InputError: A pattern or a folder has no files.
    """
    found = _Found(output, say)
    for name in names:
        path = Path(name)
        with reading(name):
            if name == PIPE or path.is_file():
                found.add_named(name)
            elif path.is_dir():
                found.add_all(_of_folder(path, name, say), name)
            elif glob.has_magic(name):
                found.add_all(sorted(filter(_is_file, glob.glob(name, recursive=True)), key=_counting), name)  # noqa: PTH207
            else:
                found.files.append(name)  # whose absence is told where files are checked
    return tuple(found.files)


class _Found:
    """The files found so far, each with who it is on its disk."""

    def __init__(self, output: str, say: Say) -> None:
        self.files: list[str] = []
        self._say = say
        self._output = output
        self._seen: set[tuple[int, int]] = set()
        self._matched: set[tuple[int, int]] = set()

    def add_named(self, name: str) -> None:
        """Add a file by its own name, which may be given twice, but not on top of a pattern that found it."""
        if name != PIPE:
            who = _identity(name)
            if who in self._matched:
                self._say(f"{name} is read once: a pattern or a folder before it stands for it too.")
                return
            self._seen.add(who)
        self.files.append(name)

    def add_all(self, files: Iterable[str], name: str) -> None:
        """Add the files of a pattern or a folder that are not there yet."""
        mine = [file for file in files if not _OWN.fullmatch(Path(file).name)]
        others = []
        output = _identity(self._output) if self._output != PIPE and Path(self._output).exists() else None
        for file in mine:
            if _identity(file) == output:
                self._say(f"{file} is left out of {name}: it is the output.")
            else:
                others.append(file)
        if not others:
            kind = "Parquet file in it" if Path(name).is_dir() else "file that it stands for"
            raise InputError(f"{name}: there is no {kind}. Check the path; it is read from {Path.cwd()}.")
        again = []
        for file in others:
            who = _identity(file)
            if who in self._seen:
                again.append(file)
                continue
            self._seen.add(who)
            self._matched.add(who)
            self.files.append(file)
        if again:
            rest = f" and {len(again) - 1:,} more" if len(again) > 1 else ""
            self._say(f"{again[0]}{rest} of {name} left out: found before, under this or another name.")


def _identity(name: str) -> tuple[int, int]:
    found = Path(name).stat()
    return found.st_dev, found.st_ino


def _of_folder(path: Path, name: str, say: Say) -> list[str]:
    inside = [file.relative_to(path) for file in path.rglob("*.parquet") if file.is_file()]
    # What begins with these is by custom no part of the data.
    visible = [file for file in inside if not any(part.startswith(("_", ".")) for part in file.parts)]
    if any("=" in part for file in visible for part in file.parent.parts):
        say(f"{name}: what its folders' names say, such as {visible[0].parent}, is not read as a column.")
    return sorted((str(path / file) for file in visible), key=_counting)


def _is_file(name: str) -> bool:
    return Path(name).is_file()


def _counting(name: str) -> list[tuple[int, int, str]]:
    """A key by which names are sorted with the numbers in them as numbers."""
    parts = re.split(r"([0-9]+)", name)
    return [(1, int(part), part) if part.isdecimal() else (0, 0, part) for part in parts]
