"""Where a document is written, and what HTML needs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from model.errors import InputError
from serving.tables.atomic import replaced
from serving.tables.cells import encoded
from serving.tables.files import writing
from serving.tables.source import PIPE

_LIBRARIES: Final = ("jinja2", "markupsafe", "vl_convert")
"""What the extra `report` brings."""


@contextmanager
def document_file(output: str) -> Iterator[Callable[[str], None]]:
    """Opens an output, `-` for standard output, before the work for it begins; gives what writes the document.

    Raises:
        InputError: The output cannot be written. What stood under its name before still does.
    """
    with ExitStack() as stack:
        with writing(output):
            stream: BinaryIO = sys.stdout.buffer if output == PIPE else stack.enter_context(replaced(Path(output)))

        def write(document: str) -> None:
            content = encoded(document)
            with writing(output):
                stream.write(content)
                stream.flush()
                stack.close()

        yield write


@contextmanager
def libraries_of_html(document: str) -> Iterator[None]:
    """Around imports: says what to install for a document, "a report" as it may be, where a library of HTML is missing.

    Raises:
        InputError: It is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in _LIBRARIES:
            raise
        raise InputError(
            f'{document} as HTML needs {error.name}: pip install "rida[report]". --format md and json do without.'
        ) from error
