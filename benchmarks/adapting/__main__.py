"""Adapts the shipped weights to each company and measures both, there and on the annotated texts.

    python -m benchmarks.adapting --data-root DATA --work FOLDER
    python -m benchmarks.adapting --data-root DATA --work FOLDER --rows 200 --only xed/vi --annotated 200

Each company's weights stay in the work folder, and a run that is stopped goes on with the same command. Writes
`benchmarks/results/adapting.json` and the page `docs/adapting-benchmark.md`; with `--only` it prints alone.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.adapting.companies import Company, chosen, own_rows
from benchmarks.adapting.page import RESULTS, show
from benchmarks.machine import machine, warning
from data.rows import FeedbackRow
from data.sources import read_source
from model.classifier import SHIPPED_WEIGHTS, load
from model.errors import RidaError
from model.labels import FIRST_CLASS_LANGUAGES
from training.adapt import Own, adapt
from training.adaptation_words import ADAPTATION, summary
from training.standing import stand

PAGE = Path(__file__).parents[2] / "docs" / "adapting-benchmark.md"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adapting", description=__doc__)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder for the weights")
    parser.add_argument("--rows", type=int, default=500, help="rows that a company labels (500)")
    parser.add_argument("--only", nargs="+", metavar="SOURCE/LANGUAGE", help="these companies alone")
    parser.add_argument("--annotated", type=int, help="at most so many annotated texts of a language; writes no page")
    args = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    args.work.mkdir(parents=True, exist_ok=True)
    found = machine()
    if said := warning(found):
        print(said, file=sys.stderr)
    try:
        annotated = annotated_rows(args.data_root, args.annotated)
        companies = [measured(company, args, annotated) for company in chosen(args.only)]
    except (RidaError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    results = {
        "machine": found,
        "weights": load(SHIPPED_WEIGHTS).info.identity(),
        "rows": args.rows,
        "annotated_texts": {lang: len(rows) for lang, rows in annotated.items()},
        "companies": companies,
    }
    page = show(results)
    print(page)
    if args.annotated is None:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(page + "\n", encoding="utf-8")
    return 0


def annotated_rows(data_root: Path, most: int | None) -> dict[str, list[FeedbackRow]]:
    """The annotated test rows of each first-class language, and of all others together as `others`."""
    by_lang: dict[str, list[FeedbackRow]] = {lang: [] for lang in (*FIRST_CLASS_LANGUAGES, "others")}
    for row in read_source(data_root / "annotated"):
        if row.split == "test":
            by_lang[row.lang if row.lang in FIRST_CLASS_LANGUAGES else "others"].append(row)
    return {lang: rows[:most] for lang, rows in by_lang.items()}


def measured(company: Company, args: argparse.Namespace, annotated: dict[str, list[FeedbackRow]]) -> dict[str, Any]:
    """The figures of one company; weights that are there from a run before are measured as they are."""
    output = args.work / f"{company.name.replace('/', '-')}-{args.rows}"
    timing = output.with_name(output.name + ".seconds.json")
    if not (output / ADAPTATION).exists():
        began = time.monotonic()
        rows, splits = own_rows(company, args.data_root, args.rows)
        adapt(SHIPPED_WEIGHTS, Own(rows, splits), output=output, name=output.name, version="1", say=print)
        timing.write_text(json.dumps(round(time.monotonic() - began)), encoding="utf-8")
    adaptation = json.loads((output / ADAPTATION).read_text(encoding="utf-8"))
    print("\n".join(summary(adaptation)))
    before, after = load(SHIPPED_WEIGHTS), load(output)
    return {
        "name": company.name,
        "labels": company.labels,
        "unseen": company.unseen,
        "seconds": json.loads(timing.read_text(encoding="utf-8")) if timing.exists() else None,
        "texts": adaptation["texts"],
        "there": adaptation["beside_base"],
        "elsewhere": {lang: stand(before, after, rows).as_dict() for lang, rows in annotated.items()},
    }


if __name__ == "__main__":
    sys.exit(main())
