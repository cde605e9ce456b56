"""Markdown with GitHub's tables. Whatever comes from the data stands in code spans, where nothing is markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from serving.document.marks import MARKED

_TICKS: Final = re.compile("`+")


def as_document(lines: Iterable[str]) -> str:
    """Lines put together, marked values in code spans."""
    return "\n".join(_spanned(line) for line in lines) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table whose first column holds words and whose others hold numbers."""
    yield f"| {' | '.join(header)} |"
    yield f"|---|{'--:|' * (len(header) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _spanned(line: str) -> str:
    return MARKED.sub(lambda found: _code(found[1], in_table=line.startswith("|")), line)


def _code(value: str, *, in_table: bool) -> str:
    """A code span; its fence is longer than any run of ticks inside, and a table's | is kept from ending the cell."""
    fence = "`" * (1 + max((len(ticks) for ticks in _TICKS.findall(value)), default=0))
    inner = value.replace("|", "\\|") if in_table else value
    return f"{fence} {inner} {fence}" if inner[:1] == "`" or inner[-1:] == "`" else f"{fence}{inner}{fence}"
