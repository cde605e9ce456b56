"""How measuring commands keep their results, or say why there are none."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

Results = dict[str, Any]


def run(
    measure: Callable[[argparse.Namespace], Results],
    arguments: argparse.Namespace,
    show: Callable[[Results], None],
) -> int:
    """Measure, keep in `--output`, show; the exit code."""
    _exit_on_termination()
    try:
        results = measure(arguments)
    except (ValueError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing was written", file=sys.stderr)
        return 130
    arguments.output.parent.mkdir(exist_ok=True)
    arguments.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    show(results)
    return 0


def read(path: Path) -> Results | None:
    """Results as JSON, None where there are none yet."""
    if not path.exists():
        return None
    found: Results = json.loads(path.read_text(encoding="utf-8"))
    return found


def _exit_on_termination() -> None:
    """Make SIGTERM end this process as Ctrl-C does, so that all that it started is stopped."""

    def leave(number: int, frame: types.FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
