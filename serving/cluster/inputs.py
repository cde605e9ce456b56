"""Which Parquet files a job scores, and what each one's output is called."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import has_magic
from pathlib import Path, PurePath

from model.errors import InputError
from serving.tables.source import check_file

_CONVERT = "--engine ray reads Parquet, a part at a time. Score this without --engine, or make it Parquet first."


@dataclass(frozen=True, slots=True)
class Input:
    """A file to score; `name` is its path under the folder or glob it was found by, and its output's in the output."""

    path: Path
    name: str


def find_inputs(asked: Sequence[str], output: Path) -> list[Input]:
    """The files behind files, folders and globs, in the order asked for and by name within a folder.

    A folder is searched with all folders in it, without what begins with `.` or `_`, as Ray and Spark do.

    Raises:
        InputError: There is no such file, one is not Parquet, two would have the same output, or an output would
            stand among the inputs.
    """
    for word in asked:
        if Path(word).is_dir() and output.resolve().is_relative_to(Path(word).resolve()):
            raise InputError(
                f"{output} is inside the input {word} and would become an input itself. Give it another place."
            )
    found: dict[str, Input] = {}
    for one in [each for word in asked for each in _expanded(word)]:
        if one.path.suffix.lower() != ".parquet":
            raise InputError(f"{one.path}: {_CONVERT}")
        check_file(str(one.path))
        if "?" in str(one.path):
            raise InputError(f"{one.path}: Ray takes what follows a ? for a query. Rename it.")
        other = found.setdefault(one.name, one)
        if other is not one:
            raise InputError(
                f"{one.path} and {other.path} would both be written as {output / one.name}. "
                "Name the folder that holds both, or score them apart."
            )
        if (output / one.name).exists() and (output / one.name).samefile(one.path):
            raise InputError(f"{output / one.name} is also an input. Give the output another folder.")
    if not found:
        raise InputError("No input is named. Name Parquet files, or folders or globs of them.")
    _refuse_outputs_found(asked, [output / name for name in found])
    return list(found.values())


def _refuse_outputs_found(asked: Sequence[str], outputs: Sequence[Path]) -> None:
    for pattern in filter(None, map(_pattern, asked)):
        if taken := next(filter(pattern.finds, outputs), None):
            raise InputError(
                f"{pattern.word} also finds the output {taken}, which would become an input. Give the output another "
                "folder."
            )


def _expanded(word: str) -> Iterator[Input]:
    path = Path(os.path.abspath(word))  # noqa: PTH100  (Path.resolve would follow links to files of another name)
    if path.is_dir():
        yield from _under(path, path.rglob("*.parquet"), word)
    elif (pattern := _pattern(word)) is not None:
        yield from _under(pattern.start, pattern.start.glob(str(Path(*pattern.parts))), word)
    else:
        yield Input(path, path.name)


@dataclass(frozen=True, slots=True)
class _Pattern:
    word: str
    start: Path
    parts: tuple[str, ...]

    def finds(self, path: Path) -> bool:
        start, path = self.start.resolve(), path.resolve()
        return path.is_relative_to(start) and _fits(path.relative_to(start).parts, self.parts)


def _pattern(word: str) -> _Pattern | None:
    path = Path(os.path.abspath(word))  # noqa: PTH100  (as above)
    if path.exists() or not has_magic(word):
        return None
    first = next(at for at, part in enumerate(path.parts) if has_magic(part))
    return _Pattern(word, Path(*path.parts[:first]), path.parts[first:])


def _fits(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Whether a path fits a pattern, part by part; `**` stands for any number of folders that are not hidden."""
    if not pattern or any(_is_hidden(part) for part in parts):
        return not pattern and not parts
    if pattern[0] == "**":
        return any(_fits(parts[skipped:], pattern[1:]) for skipped in range(len(parts)))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])


def _is_hidden(part: str) -> bool:
    return part[0] in "._"


def _under(folder: Path, files: Iterator[Path], word: str) -> Iterator[Input]:
    names = sorted(path.relative_to(folder).as_posix() for path in files if path.is_file())
    kept = [name for name in names if not any(map(_is_hidden, PurePath(name).parts))]
    if not kept:
        raise InputError(f"{word}: there is no Parquet file there. {_CONVERT}")
    yield from (Input(folder / name, name) for name in kept)
