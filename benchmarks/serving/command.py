"""What the measuring commands have in common: their flags, and how they keep results or say why there are none."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.serving.processes import ContestantError, exit_on_termination

Results = dict[str, Any]


def run(
    measure: Callable[[argparse.Namespace], Results],
    arguments: argparse.Namespace,
    show: Callable[[Results], None],
) -> int:
    """Measure, keep in `--output`, show; the exit code."""
    exit_on_termination()
    try:
        results = measure(arguments)
    except (ContestantError, ValueError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing was written", file=sys.stderr)
        return 130
    arguments.output.parent.mkdir(exist_ok=True)
    arguments.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    show(results)
    return 0


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
