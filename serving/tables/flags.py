"""Flags of the commands that read files of rows."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def add_text_column(parser: argparse.ArgumentParser) -> None:
    """Adds `--text-column`."""
    parser.add_argument(
        "--text-column", metavar="NAME", help="column of texts (default: text, else the only one with texts)"
    )


def add_id_column(parser: argparse.ArgumentParser) -> None:
    """Adds `--id-column`."""
    parser.add_argument("--id-column", metavar="NAME", help="column of ids (default: id, else the row's number)")


def add_text_format(parser: argparse.ArgumentParser) -> None:
    """Adds `--encoding` and `--delimiter`, which only formats of plain text have."""
    parser.add_argument("--encoding", metavar="NAME", help="encoding of CSV, TSV and JSONL (default: found out)")
    parser.add_argument(
        "--delimiter", metavar="CHARACTER", help=r"what separates columns, \t for a tab (default: found out)"
    )


def whole_number(most: int) -> Callable[[str], int]:
    """The type of a flag that takes a whole number from 1 to `most`."""

    def read(raw: str) -> int:
        if not raw.isdecimal() or not 1 <= int(raw) <= most:
            raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {most}")
        return int(raw)

    return read
