"""Flags that measuring commands have in common."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_texts(parser: argparse.ArgumentParser) -> None:
    """The flag that all measuring commands share."""
    parser.add_argument(
        "--texts",
        type=Path,
        default=Path("data/samples/feedback.csv"),
        help="CSV or JSONL (.gz too) with a column `text` (default: data/samples/feedback.csv)",
    )


def add_rida_python(parser: argparse.ArgumentParser) -> None:
    """The flag of those commands that run Rida's server."""
    parser.add_argument(
        "--rida-python",
        default=sys.executable,
        metavar="PYTHON",
        help="interpreter to run `rida serve` with, of an environment without the other servers (default: this one)",
    )
