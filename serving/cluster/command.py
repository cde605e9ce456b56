"""The flags of `rida score --engine ray`, and what it says when it is done."""

from __future__ import annotations

import argparse
import os
from typing import Final

from model.errors import InputError
from serving.settings import read_settings
from serving.tables.flags import whole_number

# What the other engine does not do with these, by the names argparse gives them.
_ONLY_RAY: Final = ("address", "workers")
_ONLY_LOCAL: Final = ("id_column", "encoding", "delimiter", "triage")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Give `rida score` its flags for Ray."""
    group = parser.add_argument_group(
        "beyond one machine", "IN are Parquet files, folders or globs of them, OUT a folder; what was killed goes on."
    )
    group.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help='what to run on (default: local; ray needs "rida[ray]")',
    )
    group.add_argument("--address", metavar="ADDRESS", help="a Ray cluster's address (default: Ray on this machine)")
    group.add_argument(
        "--workers",
        type=whole_number(100_000),
        metavar="N",
        help="workers, each with --threads cores (default: 1 core each, all cores)",
    )


def check_flags(args: argparse.Namespace) -> None:
    """Raise InputError for a flag that the engine asked for knows nothing of."""
    other, advice = (_ONLY_LOCAL, "works without") if args.engine == "ray" else (_ONLY_RAY, "needs")
    for name in other:
        if getattr(args, name) not in (None, False):
            raise InputError(f"--{name.replace('_', '-')} {advice} --engine ray (see rida score --help)")


def score_on_ray(args: argparse.Namespace) -> int:
    """Score files on Ray; 1 if some rows have errors."""
    from serving.cluster.ray_engine import Workers, score
    from serving.describe import describe_run
    from serving.output import say

    settings = read_settings(vars(args), os.environ, ("weights", "threads", "speed", "backend"))
    done = score(
        args.inputs,
        args.output,
        workers=Workers(args.address, args.workers, settings.threads or 1, settings.speed, settings.backend),
        weights=settings.weights,
        text_column=args.text_column,
        restart=args.restart,
        say=say,
    )
    say(describe_run(done.scored))
    if done.errors_before:
        say(f"rows with errors in the files that were done before: {done.errors_before:,}")
    return 1 if done.scored.errors or done.errors_before else 0
