"""Rida beside networks that others use, on the same texts in one run.

    pip install -e ".[train,openvino]"
    python -m benchmarks.speed.peers --data-root DATA

Everyone in a process of its own, asked in turn, with the same threads. Writes `benchmarks/results/speed-peers.json`
after every round. `--rows 60 --seconds 0.5 --rounds 1 --shapes "DistilBERT multilingual"` sees that all works.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks.batch.machine import versions
from benchmarks.batch.rows import same_mix
from benchmarks.machine import machine, warning
from benchmarks.speed.asking import ROOT, Contestant, failed, json_file, rotated
from benchmarks.speed.peer import AS_IT_COMES, AT_ITS_BEST, FULL, INT8, OURS
from benchmarks.speed.rounds import RESULTS, Results, keep, said
from benchmarks.speed.texts import add_flags, drawn_texts
from model.classifier import SHIPPED_WEIGHTS, ReadText, load
from model.cores import usable_cores
from model.manifest import TOKENIZER

PEERS: Final = RESULTS / "speed-peers.json"
SHAPES: Final = ("XLM-R base", "mBERT base", "DistilBERT multilingual")
_TRIED: Final = 64
_ALONE: Final = 20
_BATCHES: Final = (8, 16, 32)

Given = dict[str, Any]


def main() -> int:
    """Measure round by round, keep and show."""
    try:
        _compare(_arguments())
    except (ValueError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _compare(arguments: argparse.Namespace) -> None:
    found = machine()
    if warning(found):
        print(warning(found))
    began = time.monotonic()
    texts = drawn_texts(arguments)
    lengths = [each.tokens if isinstance(each, ReadText) else 0 for each in load().read(texts)]
    results: Results = {
        "machine": found, "versions": versions(("onnxruntime", "tokenizers", "torch", "transformers")),
        "threads": arguments.threads,
        "texts": {"count": len(texts), "seed": arguments.seed, "mean_tokens": statistics.mean(lengths)},
        "settings": {}, "starts": [], "rounds": [], "one": [], "peak_mb": {},
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        tried = same_mix(lengths, _TRIED, 0.5)
        field = _Field(texts, tried, arguments.threads, Path(folder))
        for shape in arguments.shapes:
            try:
                results["settings"][shape] = field.add_shape(shape)
            except RuntimeError as error:
                print(failed(shape, error), flush=True)
                continue
            print(f"{shape}: fastest with {results['settings'][shape]['chosen']}", flush=True)
        for number in range(arguments.starts):
            results["starts"].append(field.starts(number))
        keep(arguments.output, results)
        contestants = {name: stack.enter_context(field.contestant(name)) for name in field.names}
        counts = {
            name: _count(len(tried) / each.ask("score", places=tried)["seconds"] * arguments.seconds, len(texts))
            for name, each in contestants.items()
        }
        results["samples"] = counts
        for number in range(arguments.rounds):
            _round(number, results, contestants, lengths, counts)
            results["machine"]["run_minutes"] = round((time.monotonic() - began) / 60, 1)
            keep(arguments.output, results)
    starts = [{name: start["seconds"] for name, start in each.items()} for each in results["starts"]]
    for what, rounds, unit in (("all texts", results["rounds"], "texts/s"), ("one text, median", results["one"], "s"),
                               ("start", starts, "s")):  # fmt: skip
        print(f"\n{what}\n{said(rounds, FULL, unit=unit)}")


class _Field:
    """Who takes part, and what each is given."""

    def __init__(self, texts: Sequence[str], tried: Sequence[int], threads: int, folder: Path) -> None:
        self._common = {"texts": list(texts), "first": [texts[0]], "threads": threads}
        self._tried, self._folder = list(tried), folder
        self._given: dict[str, tuple[str, Given]] = {name: (name, {}) for name in OURS}

    @property
    def names(self) -> list[str]:
        """Everyone, Rida first."""
        return list(self._given)

    def add_shape(self, shape: str) -> Results:
        """Writes a network of this shape, tries out the settings of its pipeline, and lets its three ways take part."""
        folder = self._folder / shape.replace(" ", "-")
        folder.mkdir()
        words = [sys.executable, "-m", "benchmarks.speed.peer_networks", shape, str(folder)]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{shape} cannot be written:\n{done.stderr[-3000:]}")
        files = {"torch": str(folder / "torch"), "int8": str(folder / "int8.onnx"),
                 "tokenizer": str(SHIPPED_WEIGHTS / TOKENIZER)}  # fmt: skip
        tried: dict[str, float] = {}
        chosen: Given = {}
        for settings in _settings():
            name = f"{settings['type']}, batches of {settings['batch']}"
            with self._start(AT_ITS_BEST, files | settings) as each:
                tried[name] = len(self._tried) / each.ask("score", places=self._tried)["seconds"]
            if tried[name] == max(tried.values()):
                chosen = settings
        self._given |= {
            f"{shape}, {AS_IT_COMES}": (AS_IT_COMES, files),
            f"{shape}, {AT_ITS_BEST}": (AT_ITS_BEST, files | chosen),
            f"{shape}, {INT8}": (INT8, files),
        }
        return {"chosen": max(tried, key=tried.__getitem__), "texts_per_second": tried}

    def contestant(self, name: str) -> Contestant:
        """Starts one."""
        return self._start(*self._given[name])

    def starts(self, number: int) -> dict[str, dict[str, float]]:
        """Starts each once: seconds to the first text, and memory then. Who cannot start takes no part any more."""
        found = {}
        for name in rotated(self.names, number):
            try:
                with self.contestant(name) as each:
                    found[name] = {"seconds": each.start_seconds, **each.ready}
            except RuntimeError as error:
                print(failed(name, error), flush=True)
                del self._given[name]
        return {name: found[name] for name in self.names}

    def _start(self, way: str, given: Given) -> Contestant:
        with json_file(self._common | given) as path:
            return Contestant("benchmarks.speed.peer", way, path)


def _settings() -> list[Given]:
    """What is tried for a pipeline; in bfloat16 only where the processor multiplies it, since it is slow elsewhere."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    types = ["float32", *(["bfloat16"] if "amx_bf16" in flags or "avx512_bf16" in flags else [])]
    return [{"type": kind, "batch": size} for kind in types for size in _BATCHES]


def _count(wanted: float, most: int) -> int:
    return min(most, max(_TRIED // 2, round(wanted)))


def _round(
    number: int,
    results: Results,
    contestants: Mapping[str, Contestant],
    lengths: Sequence[int],
    counts: Mapping[str, int],
) -> None:
    """Each scores a sample, and then some texts alone, the same for all."""
    offset = random.Random(number).random()
    alone = same_mix(lengths, _ALONE, offset)
    rates, seconds = {}, {}
    for name in rotated(list(contestants), number):
        places = same_mix(lengths, counts[name], offset)
        scored = contestants[name].ask("score", places=places)
        rates[name] = len(places) / scored["seconds"]
        one = contestants[name].ask("one", places=alone)
        seconds[name] = statistics.median(one["seconds"])
        results["peak_mb"][name] = one["peak_mb"]
        print(f"round {number + 1}: {name:55} {rates[name]:8.1f} texts/s", flush=True)
    results["rounds"].append({name: rates[name] for name in contestants})
    results["one"].append({name: seconds[name] for name in contestants})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_flags(parser, rows=3000)
    parser.add_argument("--shapes", nargs="*", choices=SHAPES, default=list(SHAPES), help="which (default: all)")
    parser.add_argument("--threads", type=int, default=usable_cores(), help="threads of each (default: all cores)")
    parser.add_argument("--starts", type=int, default=3, help="times that all are started (default: 3)")
    parser.add_argument("--seconds", type=float, default=4, help="about what each gets a round (default: 4)")
    parser.add_argument("--output", type=Path, default=PEERS, help="where the results are kept")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
