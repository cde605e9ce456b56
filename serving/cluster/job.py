"""What a job in an output folder was begun with, and which of its files are done.

`_rida_job.json` in the folder holds fingerprints of the inputs and of finished outputs, the weights, the options and
the versions that scores depend on. A file is done when its output stands under its name: its fingerprint is kept first,
then the complete output gets its name, so that a file which no job wrote is never taken for one that is done.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from model.errors import InputError
from serving.cluster.inputs import Input
from serving.cluster.scorer import Identity
from serving.tables.atomic import replaced, sync_folder
from serving.tables.files import writing
from serving.tables.parquet_file import damaged
from serving.tables.table import names

JOB: Final = "_rida_job.json"
PARTS: Final = "_rida_parts"
"""How names of folders for what is not finished begin."""

_FORMAT: Final = 1
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


@contextmanager
def parts_folder(folder: Path) -> Iterator[Path]:
    """A new folder for what is not finished, removed at the end of the block.

    No two runs have the same one: a lock may hold on one machine only. By the machine's name in it the next run there
    knows that it is left over.
    """
    parts = folder / f"{PARTS}-{secrets.token_hex(4)}-{platform.node()}"
    with writing(str(parts)):
        parts.mkdir()
    try:
        yield parts
    finally:
        shutil.rmtree(parts, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Job:
    """A job that was begun: what its file holds, and the inputs that are not done, as they were at the beginning."""

    folder: Path
    content: dict[str, Any]
    pending: list[tuple[Input, Fingerprint]]

    def finish(self, outputs: Mapping[str, Fingerprint], staged: Path) -> None:
        """Give complete outputs, by their names in the folder `staged`, their names in the job's.

        Raises:
            InputError: The folder cannot be written.
        """
        self.content["outputs"] |= {name: asdict(known) for name, known in outputs.items()}
        self.write()
        with writing(str(self.folder)):
            for name in outputs:
                target = self.folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                (staged / name).replace(target)
            for parent in {(self.folder / name).parent for name in outputs}:
                sync_folder(parent)

    def write(self) -> None:
        """Keep what is known of the job."""
        path = self.folder / JOB
        with writing(str(path)), replaced(path) as file:
            file.write((json.dumps(self.content, indent=1, ensure_ascii=False) + "\n").encode())


def begin(folder: Path, inputs: Sequence[Input], *, scored_by: Identity, text_column: str, restart: bool) -> Job:
    """Begin a job or go on with it.

    Raises:
        InputError: What is done in the folder was begun with something else, or other files stand where outputs should.
    """
    found = {one.name: fingerprint(one.path) for one in inputs}
    content: dict[str, Any] = {
        "format": _FORMAT,
        "weights": scored_by.weights,
        "options": {"text_column": text_column},
        "versions": scored_by.versions,
        "inputs": {name: asdict(known) for name, known in found.items()},
        "outputs": {},
    }
    _clear_leftovers(folder)
    before = _read(folder)
    if restart:
        _remove_outputs(folder, [*found, *(before or {}).get("inputs", [])])
    elif before is not None:
        content["outputs"] = {name: known for name, known in before["outputs"].items() if (folder / name).exists()}
        _refuse_other(folder, before, content)
    _refuse_strangers(folder, inputs, content["outputs"])
    job = Job(folder, content, [(one, found[one.name]) for one in inputs if one.name not in content["outputs"]])
    job.write()
    return job


def _read(folder: Path) -> dict[str, Any] | None:
    path = folder / JOB
    if not path.exists():
        return None
    try:
        job: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if job["format"] != _FORMAT or not all(isinstance(job[name], dict) for name in ("inputs", "outputs")):
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
    # What is not done may change or go: nothing was made of it yet.
    gone = [name for name in job["outputs"] if name not in job["inputs"]]
    changed = [
        name for name in job["outputs"] if name not in gone and before["inputs"].get(name) != job["inputs"][name]
    ]
    if changed:
        differences.append(f"changed since: {names(changed, limit=5)}")
    if gone:
        differences.append(f"no longer an input: {names(gone, limit=5)}")
    if differences:
        raise InputError(
            f"{folder} holds a job that was begun otherwise: {'; '.join(differences)}. Name another folder for the "
            "output, or begin anew with --restart, which removes what was scored there."
        )


def _refuse_strangers(folder: Path, inputs: Sequence[Input], outputs: Mapping[str, object]) -> None:
    for name, known in outputs.items():
        if asdict(fingerprint(folder / name)) != known:
            raise InputError(f"{folder / name} was changed since it was scored. Remove it, and run this again.")
    taken = [one.name for one in inputs if one.name not in outputs and (folder / one.name).exists()]
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
    """What a killed run on this machine could not take away itself; one on another may still be at work."""
    for path in folder.glob(f"{PARTS}-*"):
        if path.name.split("-", 2)[-1] == platform.node():
            shutil.rmtree(path, ignore_errors=True)
