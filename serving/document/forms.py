"""In which form a document is written."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final, Literal

from model.errors import InputError

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
