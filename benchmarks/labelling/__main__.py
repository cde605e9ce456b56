"""Planted label errors, and suggested texts beside texts drawn by chance, in one run of a few minutes.

    pip install -e ".[train]"
    python -m benchmarks.labelling --data-root DATA

Prints a table on stderr and the figures as JSON on stdout, and keeps them in `benchmarks/results/labelling.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.labelling import chosen, planted, rows
from benchmarks.machine import machine, warning
from model.classifier import SHIPPED_WEIGHTS
from model.labels import FIRST_CLASS_LANGUAGES

_RESULTS = Path(__file__).parents[1] / "results" / "labelling.json"


def main() -> int:
    """Measure, keep and show."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data-root", type=Path, required=True, help="folder that holds the annotated source")
    parser.add_argument("--weights", type=Path, default=SHIPPED_WEIGHTS, help="weights folder")
    parser.add_argument("--seeds", type=int, default=10, help="how often texts are drawn (default: 10)")
    parser.add_argument("--output", type=Path, default=_RESULTS, help="where the figures are kept")
    arguments = parser.parse_args()
    if arguments.seeds < 2:
        parser.error("--seeds must be 2 or more, for a spread")
    found = machine()
    if warning(found):
        print(warning(found), file=sys.stderr)
    began = time.monotonic()
    read = rows.held_out(arguments.data_root, arguments.weights, FIRST_CLASS_LANGUAGES)
    results: dict[str, Any] = {
        "machine": found,
        "languages": list(FIRST_CLASS_LANGUAGES),
        "rows": len(read.rows),
        "seeds": arguments.seeds,
        "planted": planted.measure(read, arguments.seeds),
        "chosen": chosen.measure(read, arguments.seeds),
    }
    results["seconds"] = round(time.monotonic() - began)
    content = json.dumps(results, indent=1) + "\n"
    arguments.output.parent.mkdir(exist_ok=True)
    arguments.output.write_text(content, encoding="utf-8")
    print(content)
    print("\n".join(table(results)), file=sys.stderr)
    return 0


def table(results: dict[str, Any]) -> list[str]:
    """The figures as Markdown, in per cent with the deviation over draws."""
    errors, labels = results["planted"], results["chosen"]
    budgets = [str(budget) for budget in chosen.BUDGETS]
    return [
        f"{errors['planted']} of {errors['rows']} labels made wrong, {results['seeds']} times",
        "",
        "| doubted by | planted among as many, the most doubted | found among all that are doubted |",
        "|---|--:|--:|",
        *(
            f"| {name} | {_percent(way['precision_at_planted'])} | {_percent(way['found_among_all_doubted'])} |"
            for name, way in errors["ways"].items()
        ),
        "",
        f"mood macro-F1 on {labels['tested']} rows after so many labels of {labels['pool']}, {results['seeds']} draws",
        "",
        f"| labels | {' | '.join(budgets)} |",
        f"|---|{'--:|' * len(budgets)}",
        *(
            f"| {name} | {' | '.join(_percent(way[budget]) for budget in budgets)} |"
            for name, way in labels["ways"].items()
        ),
        *(
            f"| {name}: gain over chance | {' | '.join(_percent(way[budget]) for budget in budgets)} |"
            for name, way in labels["gain_over_chance"].items()
        ),
    ]


def _percent(figure: dict[str, float]) -> str:
    return f"{100 * figure['mean']:.1f} ± {100 * figure['deviation']:.1f}"


if __name__ == "__main__":
    sys.exit(main())
