"""The flags that name the columns of labelled files; apart, since every start of `rida` makes them."""

from __future__ import annotations

import argparse
from pathlib import Path

from serving.tables.flags import add_id_column, add_text_column, add_text_format


def add_column_flags(parser: argparse.ArgumentParser, *, mood: bool = True) -> None:
    """Adds the flags that `asked_columns` reads; without `mood` those of topics alone."""
    add_text_column(parser)
    if mood:
        parser.add_argument("--mood-column", metavar="NAME", help="column of moods (default: mood)")
        parser.add_argument(
            "--stars-column", metavar="NAME", help="column of one to five stars, in place of moods (default: none)"
        )
    parser.add_argument(
        "--topics-column", metavar="NAME", help="column of topics, several joined with ; (default: topics)"
    )
    add_id_column(parser)
    parser.add_argument("--language-column", metavar="NAME", help="column of languages (default: language, else lang)")
    parser.add_argument(
        "--labels", type=Path, metavar="TOML", help="what the file's labels mean, in sections [mood] and [topics]"
    )
    add_text_format(parser)
