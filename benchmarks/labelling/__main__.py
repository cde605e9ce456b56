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

from threadpoolctl import threadpool_limits

from benchmarks.labelling import chosen, planted, rows
from benchmarks.labelling.figures import percent
from benchmarks.machine import machine, warning
from model.classifier import SHIPPED_WEIGHTS
from model.labels import FIRST_CLASS_LANGUAGES
from training.embedding import Embedder

_FEW = 200  # rows, as many as a first round of labels
_RESULTS = Path(__file__).parents[1] / "results" / "labelling.json"


def main() -> int:
    """Measure, keep and show."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data-root", type=Path, required=True, help="folder with one folder a source")
    parser.add_argument("--weights", type=Path, default=SHIPPED_WEIGHTS, help="weights folder")
    parser.add_argument("--seeds", type=int, default=5, help="how often rows are drawn (default: 5)")
    parser.add_argument("--output", type=Path, default=_RESULTS, help="where the figures are kept")
    arguments = parser.parse_args()
    if arguments.seeds < 2:
        parser.error("--seeds must be 2 or more, for a spread")
    found = machine()
    if warning(found):
        print(warning(found), file=sys.stderr)
    began = time.monotonic()
    embedder = Embedder(arguments.weights)
    every = {rows.ANNOTATED: rows.annotated(arguments.data_root, embedder, FIRST_CLASS_LANGUAGES)}
    every |= {name: rows.company(arguments.data_root, embedder, name) for name in rows.COMPANIES}
    small = {f"{name}, a few": read.some(range(_FEW)) for name, read in every.items()}
    # Of so many runs of small matrices, each is quicker on one thread.
    with threadpool_limits(1):
        results: dict[str, Any] = {
            "machine": found,
            "languages_of_annotated": list(FIRST_CLASS_LANGUAGES),
            "seeds": arguments.seeds,
            "planted": {name: planted.measure(read, arguments.seeds) for name, read in {**every, **small}.items()},
            "chosen": {name: chosen.measure(read, arguments.seeds) for name, read in every.items()},
        }
    results["seconds"] = round(time.monotonic() - began)
    content = json.dumps(results, indent=1) + "\n"
    arguments.output.parent.mkdir(exist_ok=True)
    arguments.output.write_text(content, encoding="utf-8")
    print(content)
    print("\n".join([*errors_table(results["planted"]), "", *labels_table(results["chosen"])]), file=sys.stderr)
    return 0


def errors_table(measured: dict[str, Any]) -> list[str]:
    """Planted errors as Markdown."""
    lines = [
        "| rows | planted | doubted by | planted among as many, the most doubted | found among all doubted | doubted |",
        "|---|--:|---|--:|--:|--:|",
    ]
    for name, of_source in measured.items():
        for way, figures in of_source["ways"].items():
            right, every = percent(figures["precision_at_planted"]), percent(figures["found_among_all_doubted"])
            doubted = f"{figures['rows_doubted']['mean']:.0f}"
            lines.append(
                f"| {name} ({of_source['rows']}) | {of_source['planted']} | {way} | {right} | {every} | {doubted} |"
            )
    return lines


def labels_table(measured: dict[str, Any]) -> list[str]:
    """What labels teach as Markdown: macro-F1 by chance, and the gains over it."""
    budgets = [str(budget) for budget in chosen.BUDGETS]
    lines = [
        f"| rows | task, with all labels | chosen | {' | '.join(f'{budget} labels' for budget in budgets)} |",
        f"|---|---|---|{'--:|' * len(budgets)}",
    ]
    for name, of_source in measured.items():
        for task, figures in of_source["tasks"].items():
            for way, by_budget in figures["ways"].items():
                by_chance = way == chosen.CHANCE
                key = "macro_f1" if by_chance else "gain"
                cells = [percent(by_budget[budget][key], signed=not by_chance) for budget in budgets]
                of_all = percent(figures["all_of_the_pool"])
                lines.append(f"| {name} ({of_source['pool']}) | {task} {of_all} | {way} | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
