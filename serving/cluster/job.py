"""What a job in an output folder was begun with, and which of its files are done.

`_rida_job.json` in the folder holds fingerprints of the inputs, the weights, the options and the versions that scores
depend on. A file is done when its output stands under its name: it gets that name only when it is complete.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from model.errors import InputError
from rida import __version__
from serving.cluster.inputs import Input
from serving.tables.atomic import replaced
from serving.tables.files import writing
from serving.tables.parquet_file import damaged
from serving.tables.table import names

JOB: Final = "_rida_job.json"
PARTS: Final = "_rida_parts"

_FORMAT: Final = 1
_SCORED_BY: Final = ("onnxruntime", "tokenizers", "numpy")
_TAIL: Final = 8  # the footer's length in four bytes, and the magic number


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A Parquet file's size, rows, and the SHA-256 of its footer, which has places and statistics of all columns."""

    bytes: int
    rows: int
    footer_sha256: str


def fingerprint(path: Path) -> Fingerprint:
    """Without reading the rows. Raises InputError for a damaged file."""
    with damaged(str(path)), path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        rows = pq.ParquetFile(file).metadata.num_rows
        file.seek(size - _TAIL)
        length = int.from_bytes(file.read(4), "little")
        file.seek(size - _TAIL - length)
        return Fingerprint(size, rows, hashlib.sha256(file.read(length)).hexdigest())


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make the folder and keep other runs out of it until the block ends, or the process does.

    Raises:
        InputError: It cannot be made, or a run is at work in it.
    """
    import fcntl  # not on Windows, where Ray has no cluster either

    with writing(str(folder)):
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder} is a file. With --engine ray the output is a folder.")
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{folder}: another run is writing there. Wait for it, or stop it.") from None
        yield
    finally:
        os.close(descriptor)


def begin(folder: Path, inputs: Sequence[Input], *, weights: str, text_column: str, restart: bool) -> list[Input]:
    """Begin a job or go on with it; gives the inputs that are not done. `weights` is their SHA-256.

    Raises:
        InputError: The folder's job was begun with something else, or other files stand where outputs should.
    """
    job: dict[str, Any] = {
        "format": _FORMAT,
        "weights": weights,
        "options": {"text_column": text_column},
        "versions": {"rida": __version__} | {name: importlib.metadata.version(name) for name in _SCORED_BY},
        "inputs": {one.name: asdict(fingerprint(one.path)) for one in inputs},
    }
    _clear_leftovers(folder)
    before = _read(folder)
    if restart:
        _remove_outputs(folder, [*job["inputs"], *(before or {}).get("inputs", [])])
    elif before is not None:
        _refuse_other(folder, before, job)
    else:
        _refuse_strangers(folder, inputs)
    with writing(str(folder / JOB)), replaced(folder / JOB) as file:
        file.write((json.dumps(job, indent=1, ensure_ascii=False) + "\n").encode())
    return [one for one in inputs if not (folder / one.name).exists()]


def _read(folder: Path) -> dict[str, Any] | None:
    path = folder / JOB
    if not path.exists():
        return None
    try:
        job: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if job["format"] != _FORMAT or not isinstance(job["inputs"], dict):
            raise ValueError(f"format {job['format']}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} cannot be read ({error}). Name another output folder, or begin anew there."
        ) from error
    return job


def _refuse_other(folder: Path, before: dict[str, Any], job: dict[str, Any]) -> None:
    differences = []
    if before.get("weights") != job["weights"]:
        differences.append(f"weights were {str(before.get('weights'))[:12]} and are {job['weights'][:12]}")
    for kind in ("options", "versions"):
        for name, value in job[kind].items():
            if before.get(kind, {}).get(name) != value:
                differences.append(f"{name} was {before.get(kind, {}).get(name)} and is {value}")
    changed = [name for name, found in job["inputs"].items() if before["inputs"].get(name, found) != found]
    gone = [name for name in before["inputs"] if name not in job["inputs"]]
    if changed:
        differences.append(f"changed since: {names(changed, limit=5)}")
    if gone:
        differences.append(f"no longer an input: {names(gone, limit=5)}")
    if differences:
        raise InputError(
            f"{folder} holds a job that was begun otherwise: {'; '.join(differences)}. Name another folder for the "
            "output, or begin anew with --restart, which removes what was scored there."
        )


def _refuse_strangers(folder: Path, inputs: Sequence[Input]) -> None:
    taken = [one.name for one in inputs if (folder / one.name).exists()]
    if taken:
        raise InputError(
            f"{folder} already holds {names(taken, limit=5)}, which no job there has written. Name another folder for "
            "the output, or replace them with --restart."
        )


def _remove_outputs(folder: Path, outputs: Sequence[str]) -> None:
    with writing(str(folder)):
        for name in dict.fromkeys(outputs):
            (folder / name).unlink(missing_ok=True)
        (folder / JOB).unlink(missing_ok=True)


def _clear_leftovers(folder: Path) -> None:
    """What a killed run could not take away itself."""
    with writing(str(folder)):
        shutil.rmtree(folder / PARTS, ignore_errors=True)
        for path in folder.rglob(".rida-*.part"):
            path.unlink(missing_ok=True)
