"""`rida topics fit`: own topics from a handful of labelled texts."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from serving.output import say, write
from serving.settings import add_flags, read_settings
from serving.teaching.label_flags import add_column_flags

if TYPE_CHECKING:
    from training.fitted_topics import FittedTopics


def add_topics(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `rida topics`."""
    parser = subparsers.add_parser(
        "topics", help="topics of your own, from a handful of labelled texts", description="Topics of your own.",
        allow_abbrev=False,
    )  # fmt: skip
    what = parser.add_subparsers(metavar="WHAT", required=True)
    fit = what.add_parser(
        "fit",
        help="add topics to a weights folder",
        description="Learn topics from labelled texts and add them to a weights folder, which every command then takes "
        "with --weights. EXAMPLES are .csv .tsv .jsonl .parquet .xlsx with a column of texts and one of topics, "
        "several joined with ; and none where a text has none: 8 to 50 texts a topic, and texts without any.",
        allow_abbrev=False,
    )
    fit.add_argument("examples", nargs="+", metavar="EXAMPLES", help="file of labelled texts")
    fit.add_argument("-o", "--output", required=True, type=Path, metavar="FOLDER", help="weights folder to write")
    fit.add_argument("--name", metavar="NAME", help="name of the new weights (default: that of the folder)")
    fit.add_argument(
        "--version", metavar="VERSION",
        help="version of the new weights (default: 1, or one more where --weights have the same name)",
    )  # fmt: skip
    fit.add_argument("--json", action="store_true", help="what was learned as JSON")
    _add_columns(fit)
    add_flags(fit, ("weights", "threads"))
    fit.set_defaults(run=_fit)


def _add_columns(parser: argparse.ArgumentParser) -> None:
    add_column_flags(parser, mood=False)


def _fit(args: argparse.Namespace) -> int:
    from model.classifier import SHIPPED_WEIGHTS
    from serving.teaching.labelled import asked_columns, read_labelled
    from training.own_topics import fit_own_topics

    settings = read_settings(vars(args), os.environ, ("weights", "threads"))
    read = read_labelled(args.examples, asked_columns(args), lambda message: say(f"rida: {message}"))
    rows = [row for row, split in zip(read.rows, read.splits, strict=True) if split in (None, "train")]
    if len(rows) < len(read.rows):
        say(f"rida: {len(read.rows) - len(rows):,} rows of the splits validation and test are not learned")
    fitted = fit_own_topics(
        rows,
        weights=SHIPPED_WEIGHTS if settings.weights is None else Path(settings.weights),
        output=args.output,
        name=args.name,
        version=args.version,
        threads=settings.threads,
    )
    write(json.dumps(fitted.as_dict(), indent=2, ensure_ascii=False) if args.json else _describe(fitted, args.output))
    return 0


def _describe(fitted: FittedTopics, output: Path) -> str:
    lines = [*fitted.table(), ""]
    lines += fitted.advice()
    lines += ["", f"Written to {output}. Use it with --weights {output}."]
    return "\n".join(lines)
