"""What a scoring job is: its inputs, its output, how the inputs are read, and how all that is recognised again."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from model.errors import InputError
from rida import __version__
from serving.tables.source import PIPE, reading

_LIBRARIES: Final = ("onnxruntime", "tokenizers")


@dataclass(frozen=True, slots=True)
class Job:
    """Which rows are scored, and where they go. Options are None where they are to be found out."""

    inputs: tuple[str, ...]
    output: str
    text_column: str | None = None
    id_column: str | None = None
    encoding: str | None = None
    delimiter: str | None = None

    @property
    def resumable(self) -> bool:
        """Whether all inputs can be read again and the output is a file."""
        return PIPE not in (*self.inputs, self.output)


class ChangedInputError(InputError):
    """An input was changed while it was scored."""


@dataclass(slots=True)
class _Input:
    name: str
    stat: tuple[int, ...]
    digest: str

    def refresh(self, *, thoroughly: bool) -> None:
        now = _stat(self.name)
        if now == self.stat and not thoroughly:
            return
        if _digest(self.name) != self.digest:
            raise ChangedInputError(
                f"{self.name} was changed while it was scored, so that the scores no longer fit its rows. "
                "Leave the inputs alone and run the command again with --restart."
            )
        self.stat = now  # touched, or copied over itself


class Inputs:
    """The inputs as they were when the job began."""

    def __init__(self, job: Job) -> None:
        self._inputs = [_Input(name, _stat(name), _digest(name)) for name in job.inputs]

    def check(self, *, thoroughly: bool = False) -> None:
        """Raise ChangedInputError if one is not as it was; reads them all again only where `thoroughly`."""
        for each in self._inputs:
            each.refresh(thoroughly=thoroughly)

    def fingerprints(self) -> list[dict[str, Any]]:
        """Name, size in bytes and digest of each."""
        return [{"name": Path(each.name).name, "bytes": each.stat[0], "blake2b": each.digest} for each in self._inputs]


def fingerprint(job: Job, inputs: Inputs, *, text_column: str, weights: str) -> dict[str, Any]:
    """All that decides what the output will be, as JSON; two jobs with equal fingerprints have equal outputs."""
    return {
        "inputs": inputs.fingerprints(),
        "weights": weights,
        "options": {"--text-column": text_column, "--encoding": job.encoding, "--delimiter": job.delimiter},
        "versions": {
            "rida": __version__,
            **library_versions(),
            # Which characters are legible is Python's to say.
            "python": ".".join(platform.python_version_tuple()[:2]),
        },
    }


@cache
def library_versions() -> dict[str, str]:
    """The versions of the libraries that scores may depend on."""
    return {name: _version(name) for name in _LIBRARIES}


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two fingerprints, in words."""
    found = _inputs_differ(then["inputs"], now["inputs"])
    if then["weights"] != now["weights"]:
        found.append("the weights are others")
    for group in ("options", "versions"):
        for name in {**then[group], **now[group]}:
            before, after = then[group].get(name), now[group].get(name)
            if before != after:
                found.append(f"{name} was {_shown(before)} and is {_shown(after)}")
    return found


def _inputs_differ(then: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[str]:
    if len(then) != len(now):
        return [f"there were {len(then)} inputs and are {len(now)}"]
    found = []
    for before, after in zip(then, now, strict=True):
        if before["name"] != after["name"]:
            found.append(f"{after['name']} stands where {before['name']} was")
        elif before["blake2b"] != after["blake2b"]:
            sizes = "" if before["bytes"] == after["bytes"] else f" ({before['bytes']:,} bytes, now {after['bytes']:,})"
            found.append(f"{after['name']} has changed{sizes}")
    return found


def _shown(value: object) -> str:
    return "not given" if value is None else str(value)


def _stat(name: str) -> tuple[int, ...]:
    with reading(name):
        found = os.stat(name)  # noqa: PTH116  (called for every input after every chunk)
    return found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev


def _digest(name: str) -> str:
    with reading(name), Path(name).open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "of another name"  # onnxruntime has builds under other names for other hardware
