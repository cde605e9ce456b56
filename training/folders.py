"""Putting a finished folder in the place of another, so that a whole one is there whenever a process is killed.

What stands beside it meanwhile has a hidden name of our own, so that nobody's backup is taken for it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from model.classifier import SHIPPED_WEIGHTS
from model.errors import InputError
from model.manifest import MANIFEST


def check_output(output: Path) -> None:
    """Whether a weights folder may be written there; takes back one that a killed process left between two names.

    Raises:
        InputError: something else stands there, or it is the folder that belongs to the package.
    """
    if output.resolve() == SHIPPED_WEIGHTS.resolve():
        raise InputError(f"{output} holds the weights that belong to rida; name another folder")
    recover_folder(output)
    if output.exists() and not (output.is_dir() and ((output / MANIFEST).exists() or not any(output.iterdir()))):
        raise InputError(f"{output}: is there already and is no weights folder; name another one, or remove it")


def fresh_folder(folder: Path) -> Path:
    """Where the new content of `folder` is put together; nothing is there yet."""
    fresh = _beside(folder, "new")
    shutil.rmtree(fresh, ignore_errors=True)
    return fresh


def replace_folder(folder: Path, fresh: Path) -> None:
    """Gives `fresh` the name of `folder`; the one that has it meanwhile stands hidden beside it."""
    folder, old = folder.resolve(), _beside(folder, "old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def recover_folder(folder: Path) -> None:
    """Takes back the old folder, where a process was killed between the two renames."""
    old = _beside(folder, "old")
    if not folder.exists() and old.exists():
        old.rename(folder.resolve())


def _beside(folder: Path, which: str) -> Path:
    # Resolved, so that a link stays one, and `.` has a name.
    folder = folder.resolve()
    return folder.with_name(f".{folder.name}.rida-{which}")


def legible_name(name: str) -> str:
    """The name of a file or folder as UTF-8 can hold it."""
    return name.encode(errors="replace").decode()
