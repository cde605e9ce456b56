"""Putting a finished folder in the place of another, so that a whole one is there whenever a process is killed."""

from __future__ import annotations

import shutil
from pathlib import Path


def replace_folder(folder: Path, fresh: Path) -> None:
    """Gives `fresh` the name of `folder`; the one that has it meanwhile stands beside it as `.old`."""
    old = _old(folder)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def recover_folder(folder: Path) -> None:
    """Takes back the old folder, where a process was killed between the two renames."""
    if not folder.exists() and _old(folder).exists():
        _old(folder).rename(folder)


def _old(folder: Path) -> Path:
    return folder.with_name(folder.name + ".old")
