"""The whole comparison.

    pip install -e ".[train]"
    python -m benchmarks.topics.compare --data-root DATA [--setfit-python VENV/bin/python]

Examples are drawn from train rows, figures are of test rows. SetFit needs an environment of its own (`pip install
setfit`) and minutes a draw, so `--setfit-sizes` says with how many examples it is run, on the first draw only. Writes
`benchmarks/results/own-topics.json` and the page.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn.metrics import average_precision_score, f1_score

from benchmarks.machine import machine, warning
from benchmarks.topics.contestants import Floats, Learned, embedded, export_encoder, gold_of, rida, set_fit, tf_idf
from benchmarks.topics.page import write_page
from benchmarks.topics.sets import SIZES, FewShotSet, Labelled, cross_lingual_sets, drawn, few_shot_sets

RESULTS: Final = Path(__file__).parents[1] / "results" / "own-topics.json"


def main() -> int:
    """Compare, keep and show."""
    arguments = _arguments()
    found = machine()
    if said := warning(found):
        print(said)
    with tempfile.TemporaryDirectory() as folder:
        encoder = Path(folder)
        if arguments.setfit_python:
            export_encoder(encoder)
        results = _begun(arguments, found)
        for kind, sets, beside in (
            ("cross_lingual", cross_lingual_sets, None),
            ("few_shot", few_shot_sets, encoder),
        ):
            done = {entry["set"] for entry in results[kind]}
            for each in sets(arguments.data_root):
                if each.name not in done:
                    results[kind] += _measure(each, arguments, beside)
                    _keep(results, arguments)
    return 0


def _begun(arguments: argparse.Namespace, found: dict[str, Any]) -> dict[str, Any]:
    """What a run that was stopped has left, set by set: SetFit takes long."""
    fresh: dict[str, Any] = {"machine": found, "draws": arguments.draws, "few_shot": [], "cross_lingual": []}
    if not arguments.go_on:
        return fresh
    before: dict[str, Any] = json.loads(arguments.output.read_text(encoding="utf-8"))
    if before["draws"] != arguments.draws:
        raise ValueError(f"{arguments.output}: has {before['draws']} draws; give --draws {before['draws']}")
    return before


def _keep(results: dict[str, Any], arguments: argparse.Namespace) -> None:
    arguments.output.parent.mkdir(exist_ok=True)
    arguments.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if arguments.page:
        write_page(arguments.page, results)


def _measure(found: FewShotSet, arguments: argparse.Namespace, encoder: Path | None) -> list[dict[str, Any]]:
    entries = []
    read = embedded(found.tests)
    for size in SIZES:
        draws: dict[str, list[dict[str, Any]]] = {}
        for seed in range(arguments.draws):
            train = drawn(found, size, seed)
            asked = (train, found.tests, found.labels)
            draws.setdefault("rida", []).append(_figures(found, rida(*asked, read)))
            draws.setdefault("tf_idf", []).append(_figures(found, tf_idf(*asked)))
            if encoder and arguments.setfit_python and size in arguments.setfit_sizes and seed == 0:
                learned = set_fit(*asked, python=arguments.setfit_python, encoder=encoder,
                                  one_of_many=found.one_of_many, seed=seed)  # fmt: skip
                draws["set_fit"] = [_figures(found, learned)]
        entry = {
            "set": found.name, "what": found.what, "labels": len(found.labels), "one_of_many": found.one_of_many,
            "examples": size, "tests": {name: len(rows) for name, rows in found.tests.items()}, "draws": draws,
        }  # fmt: skip
        print(f"{found.name} {size}: " + "; ".join(f"{who} {_said(each)}" for who, each in draws.items()), flush=True)
        entries.append(entry)
    return entries


def _figures(found: FewShotSet, learned: Learned) -> dict[str, Any]:
    tests = {}
    for name, rows in found.tests.items():
        scores, gold = learned.scores[name], gold_of(rows, found.labels)
        said = scores >= np.array(learned.thresholds)
        # What no text of this test has cannot be found there.
        there = gold.any(axis=0)
        found_scores, gold, said = scores[:, there], gold[:, there], said[:, there]
        tests[name] = {
            "macro_f1": _one(scores, rows, found) if found.one_of_many else _macro_f1(gold, said),
            "macro_f1_as_served": _macro_f1(gold, said),
            "average_precision": float(np.mean(average_precision_score(gold, found_scores, average=None))),
        }
    return {"seconds": learned.seconds, "tests": tests}


def _one(scores: Floats, rows: Sequence[Labelled], found: FewShotSet) -> float:
    gold = [found.labels.index(next(iter(each.labels))) for each in rows]
    return float(f1_score(gold, scores.argmax(axis=1), average="macro", zero_division=0))


def _macro_f1(gold: Any, said: Any) -> float:
    return float(f1_score(gold, said, average="macro", zero_division=0))


def _said(draws: list[dict[str, Any]]) -> str:
    tests = " ".join(
        f"{name} {100 * statistics.mean(each['tests'][name]['macro_f1'] for each in draws):.1f}"
        for name in draws[0]["tests"]
    )
    return f"{tests} in {statistics.mean(each['seconds'] for each in draws):.1f} s"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data-root", type=Path, required=True, help="folder of sources")
    parser.add_argument("--draws", type=int, default=5, help="draws of examples (default: 5)")
    parser.add_argument("--setfit-python", help="Python of an environment with setfit")
    parser.add_argument("--setfit-sizes", type=int, nargs="*", default=list(SIZES), help="examples a label for SetFit")
    parser.add_argument("--go-on", action="store_true", help="leave out the sets that the output has already")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the results are kept")
    parser.add_argument("--page", type=Path, help="Markdown page to write")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
