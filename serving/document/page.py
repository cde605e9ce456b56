"""One HTML page that needs nothing else: no script, no link to anything outside."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from rida import __version__
from serving.document.marks import MARKED

_FOLDER: Final = Path(__file__).parent
_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")

STYLE: Final = _FOLDER / "style.css"


def render(folder: Path, **values: Any) -> str:
    """The `page.html` of a folder, which extends `base.html`. Everything but our own style is escaped where it is put
    in, unless it is `Markup`.
    """
    style = STYLE.read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader([folder, _FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"isolated": _isolated, "language_tag": _language_tag}
    environment.globals |= {
        "version": __version__,
        "style": Markup(style),
        "style_hash": base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii"),
    }
    return environment.get_template("page.html").render(**values)


def _isolated(sentence: str) -> Markup:
    """A sentence with each value of the data in an element that keeps its direction of writing to itself."""
    return Markup(MARKED.sub(r"<bdi>\1</bdi>", str(escape(sentence))))


def _language_tag(language: str | None) -> str | None:
    """A value of the language column if it can be a `lang` attribute."""
    return language if language and _LANGUAGE_TAG.fullmatch(language) else None
