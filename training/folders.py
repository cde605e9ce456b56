"""Putting a finished folder in the place of another, so that a whole one is there whenever a process is killed.

What stands beside it meanwhile has a hidden name of our own, so that nobody's backup is taken for it.
"""

from __future__ import annotations

import shutil
from pathlib import Path


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
