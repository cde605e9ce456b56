"""The arguments of `rida compare`, and what it does with them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from serving.output import say
from serving.teaching.label_flags import add_column_flags


def add_compare(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "compare",
        help="two sets of weights on the same texts, before one takes the place of the other",
        description="Scores the same texts with two weights folders and tells what changes: moods, topics, alarms, "
        "languages. Of labelled texts also how good each is, and whether the second is better, worse, or "
        "there is not enough data to tell. FILE is .csv .tsv .jsonl .parquet .xlsx, also .gz.",
        allow_abbrev=False,
    )
    parser.add_argument("first", type=Path, metavar="WEIGHTS_A", help="weights folder in use")
    parser.add_argument("second", type=Path, metavar="WEIGHTS_B", help="weights folder that may take its place")
    parser.add_argument("--data", nargs="+", required=True, metavar="FILE", help="files of texts, labelled or not")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="file to write; - is stdout")
    parser.add_argument(
        "--format", choices=("html", "md", "json"), help="what to write (default: as OUT's name ends, .html .md .json)"
    )
    parser.add_argument("--no-texts", action="store_true", help="show no customer's text")
    parser.add_argument(
        "--data-root", type=Path, metavar="FOLDER",
        help="read --data as names of sources in this folder, as rida evaluate does, and take their test rows",
    )  # fmt: skip
    add_column_flags(parser)
    parser.set_defaults(run=_compare)


def _compare(args: argparse.Namespace) -> int:
    from serving.commands import sigterm_as_interrupt
    from serving.tables.progress import shown_progress
    from serving.teaching.comparison.compare import Data, write_comparison
    from serving.teaching.labelled import asked_columns

    with sigterm_as_interrupt(), shown_progress("comparing", wanted=sys.stderr.isatty()) as show:
        comparison = write_comparison(
            (args.first, args.second),
            Data(args.data, asked_columns(args), args.data_root),
            args.output,
            form=args.format,
            texts=not args.no_texts,
            show=show,
            say=say,
        )
    for sentence in comparison.headline:
        say(sentence)
    return 0
