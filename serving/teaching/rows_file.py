"""Files of rows that are our own, in any format that is written."""

from __future__ import annotations

from collections.abc import Sequence

from serving.tables.files import check_own_file, check_writable, create_table, format_of, writing
from serving.tables.table import Row, RowChunk, Say


def check_output(output: str, inputs: Sequence[str]) -> None:
    """Refuses an output that cannot be written, before anything is read.

    Raises:
        InputError: Its name or its folder is wrong, or it is one of the inputs.
    """
    check_writable(output)
    check_own_file(output, inputs)


def write_rows(output: str, columns: Sequence[str], rows: Sequence[Row], say: Say) -> None:
    """Writes rows under the columns named; lists stay lists in JSONL and are joined with ; elsewhere.

    Raises:
        InputError: The output cannot be written. What stood under its name before still does.
    """
    joined = format_of(output).kind != "jsonl"
    records = [{name: _value(row.get(name), joined=joined) for name in columns} for row in rows]
    chunk = RowChunk(output, tuple(columns), records, list(range(1, len(records) + 1)), "row", {})
    with create_table(output, say=say, added=()) as writer, writing(output):
        writer.write(chunk, [{} for _ in records])


def _value(value: object, *, joined: bool) -> object:
    return ";".join(map(str, value)) if joined and isinstance(value, list) else value
