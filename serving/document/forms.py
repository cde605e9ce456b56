"""In which form a document is written, and where it may be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Final, Literal

from model.errors import InputError
from serving.tables.source import PIPE

Form = Literal["html", "md", "json"]

FORMS: Final[dict[str, Form]] = {
    ".html": "html",
    ".htm": "html",
    ".md": "md",
    ".markdown": "md",
    ".json": "json",
}


def form_of(output: str, asked: Form | None) -> Form:
    """The form asked for, else the one that the output's name ends in.

    Raises:
        InputError: Neither says it.
    """
    form = asked or FORMS.get(PurePath(output).suffix.lower())
    if form is None:
        raise InputError(f"{output}: its name must end in .html, .md or .json, or --format must say which is meant.")
    return form


def check_output(output: str, inputs: Sequence[str]) -> None:
    """Raise InputError unless the output can be a file of its own."""
    if output == PIPE:
        return
    path = Path(output)
    if path.is_dir():
        raise InputError(f"{output} is a folder. Name a file in it.")
    if not path.parent.is_dir():
        raise InputError(f"{output}: the folder {path.parent} does not exist. Make it first.")
    for name in inputs:
        if name != PIPE and path.exists() and Path(name).exists() and path.samefile(name):
            raise InputError(f"{output} is also the input {name}. Give the output another name.")
