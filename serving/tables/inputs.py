"""Which files a command's inputs are: patterns and folders become the files that they stand for."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from model.errors import InputError
from serving.tables.source import PIPE, reading
from serving.tables.table import Say


def expanded(names: Sequence[str], output: str, say: Say) -> tuple[str, ...]:
    """The files to read, in order; those of a pattern or a folder sorted as people count, `2` before `10`.

    A pattern is one only where no file has that name. `**` goes through folders. A folder stands for the Parquet files
    in it and in its folders. The output is never among the files of a pattern or a folder.

    Raises:
        InputError: A pattern or a folder has no files.
    """
    found: list[str] = []
    for name in names:
        path = Path(name)
        with reading(name):
            if name == PIPE or path.is_file():
                found.append(name)
            elif path.is_dir():
                found += _without(output, _of_folder(path, name, say), name, say)
            elif glob.has_magic(name):
                files = sorted(filter(_is_file, glob.glob(name, recursive=True)), key=_counting)  # noqa: PTH207
                found += _without(output, files, name, say)
            else:
                found.append(name)  # whose absence is told where files are checked
    return tuple(found)


def _of_folder(path: Path, name: str, say: Say) -> list[str]:
    inside = [file.relative_to(path) for file in path.rglob("*.parquet") if file.is_file()]
    # What begins with these is by custom no part of the data.
    visible = [file for file in inside if not any(part.startswith(("_", ".")) for part in file.parts)]
    if any("=" in part for file in visible for part in file.parent.parts):
        say(f"{name}: what its folders' names say, such as {visible[0].parent}, is not read as a column.")
    return sorted((str(path / file) for file in visible), key=_counting)


def _without(output: str, files: Iterable[str], name: str, say: Say) -> list[str]:
    kept = []
    target = Path(output)
    for file in files:
        if output != PIPE and target.exists() and target.samefile(file):
            say(f"{file} is left out of {name}: it is the output.")
        else:
            kept.append(file)
    if not kept:
        kind = "Parquet file in it" if Path(name).is_dir() else "file that it stands for"
        raise InputError(f"{name}: there is no {kind}. Check the path; it is read from {Path.cwd()}.")
    return kept


def _is_file(name: str) -> bool:
    return Path(name).is_file()


def _counting(name: str) -> list[tuple[int, int, str]]:
    """A key by which names are sorted with the numbers in them as numbers."""
    parts = re.split(r"([0-9]+)", name)
    return [(1, int(part), part) if part.isdecimal() else (0, 0, part) for part in parts]
