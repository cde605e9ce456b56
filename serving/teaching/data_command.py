"""The arguments of `rida data`: what to label next, and what is wrong with labels."""

from __future__ import annotations

import argparse
from typing import Final

from serving.settings import add_flags
from serving.tables.flags import add_id_column, add_text_column, add_text_format, whole_number
from serving.teaching.label_flags import add_column_flags

_MOST_SUGGESTED: Final = 10_000  # more than anybody labels before training again; clustering for more takes minutes


def add_data(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `rida data suggest` and `rida data check`."""
    parser = subparsers.add_parser(
        "data",
        help="what to label next, and what is wrong with labels",
        description="What to label next, and what is wrong with labels.",
        allow_abbrev=False,
    )
    what = parser.add_subparsers(metavar="WHAT", required=True)
    _add_suggest(what)
    _add_check(what)


def _add_suggest(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "suggest",
        help="pick the texts whose labels would help most",
        description="Pick the texts whose labels would help most: those that the weights are in doubt about, no two "
        "alike, of every language some. IN and OUT are .csv .tsv .jsonl .parquet .xlsx, also .gz. OUT has columns to "
        "fill, mood and topics, and what the weights would say; rida train --data reads it back.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "inputs", nargs="+", metavar="IN", help="file of texts, pattern in quotes, or folder of Parquet"
    )
    parser.add_argument(
        "-n", "--count", type=whole_number(_MOST_SUGGESTED), default=200, metavar="N", help="how many (default: 200)"
    )
    parser.add_argument("--output", required=True, metavar="OUT", help="file to write")
    parser.add_argument(
        "--labelled", action="append", default=[], metavar="FILE",
        help="texts that are labelled already, and left out; may be given again",
    )  # fmt: skip
    add_text_column(parser)
    add_id_column(parser)
    parser.add_argument(
        "--language-column", metavar="NAME", help="column of languages (default: language, else lang, else found out)"
    )
    add_text_format(parser)
    add_flags(parser, ("weights", "threads"))
    parser.set_defaults(run=_suggest)


def _add_check(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "check",
        help="find labels and texts that are probably wrong",
        description="Find what is probably wrong with labelled texts, the worst first: the same text in several splits "
        "or with different labels, labels that are probably wrong, labels with hardly any row, broken texts. Ends with "
        "1 if something was found.",
        allow_abbrev=False,
    )
    parser.add_argument("inputs", nargs="+", metavar="FILE", help="labelled texts: .csv .tsv .jsonl .parquet .xlsx")
    parser.add_argument("--output", metavar="OUT", help="file to write, one row a finding")
    parser.add_argument("--json", action="store_true", help="all findings as JSON")
    parser.add_argument("--no-texts", action="store_true", help="show and write no customer's text")
    add_column_flags(parser)
    parser.add_argument(
        "--split-column", metavar="NAME", help="column of splits: train, validation, test (default: split)"
    )
    add_flags(parser, ("weights", "threads"))
    parser.set_defaults(run=_check)


def _suggest(args: argparse.Namespace) -> int:
    # Its libraries are an extra.
    from serving.teaching.suggest_command import run

    return run(args)


def _check(args: argparse.Namespace) -> int:
    from serving.teaching.check_command import run

    return run(args)
