"""Where time and memory go when the shipped weights score, and what other settings would give.

    pip install -e ".[train]"
    python -m benchmarks.speed.waste --data-root DATA

Each set is kept in `benchmarks/results/speed-waste.json` as soon as it is done: CPU time by step, time by operator,
settings of the session, threads, and starts in fresh processes. `--rows 40 --rounds 1` sees that all works.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.batch.command import score
from benchmarks.batch.compare import write_csv
from benchmarks.batch.machine import versions
from benchmarks.machine import machine, warning
from benchmarks.speed import operators, sessions
from benchmarks.speed.loading import BY_HAND
from benchmarks.speed.rounds import RESULTS, Results, keep, said
from benchmarks.speed.stages import SESSION, Steps
from benchmarks.speed.starts import COMMAND, starts_in_rounds
from benchmarks.speed.texts import add_flags, drawn_texts, readable, windows_of, windows_of_length
from model.classifier import SHIPPED_WEIGHTS, Classifier, load
from model.manifest import GRAPH

WASTE: Final = RESULTS / "speed-waste.json"
_SHORT: Final = 32
_SINGLES: Final = 40
_BATCHED: Final = 200


def main() -> int:
    """Measure set by set, keep and show."""
    arguments = _arguments()
    found = machine()
    if warning(found):
        print(warning(found))
    try:
        texts = readable(load(threads=1), drawn_texts(arguments))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    began = time.monotonic()
    results: Results = {
        "machine": found, "versions": versions(("onnxruntime", "tokenizers")), "rounds": arguments.rounds,
        "texts": {"count": len(texts), "seed": arguments.seed, "short_tokens": _SHORT},
    }  # fmt: skip
    for name, measure in (
        ("stages", _stages),
        ("operators", _operators),
        ("sessions", _sessions),
        ("starts", _starts),
    ):
        results[name] = measure(texts, arguments.rounds)
        results["machine"]["run_minutes"] = round((time.monotonic() - began) / 60, 1)
        keep(arguments.output, results)
    return 0


def _stages(texts: Sequence[str], rounds: int) -> Results:
    """CPU seconds by step on texts of one length and on all, and of the whole command."""
    classifier = load(threads=1)
    steps = Steps(classifier)
    sets = {f"texts of about {_SHORT} tokens": about_short(classifier, texts), "real mixed texts": list(texts)}
    found: Results = {}
    for what, chosen in sets.items():
        if not chosen:
            print(f"{what}: there are none")
            continue
        steps.seconds(chosen[:16])
        measured = []
        for _ in range(rounds):
            seconds, counted = steps.seconds(chosen)
            measured.append({"steps": seconds, "classify": steps.whole(chosen), "command": _command_seconds(chosen)})
        found[what] = {"texts": len(chosen), **counted, "rounds": measured}
        _say_stages(what, found[what])
    return found


def about_short(classifier: Classifier, texts: Sequence[str]) -> list[str]:
    """The texts that are within an eighth of 32 tokens."""
    reads = zip(texts, classifier.read(texts), strict=True)
    return [text for text, read in reads if abs(getattr(read, "tokens", 0) + 2 - _SHORT) <= _SHORT / 8]


def _command_seconds(texts: Sequence[str]) -> dict[str, float]:
    """CPU seconds of `rida score` on these texts, and on one, which is the start."""
    with tempfile.TemporaryDirectory() as name:
        folder, taken = Path(name), {}
        for what, rows in (("start", texts[:1]), ("all", texts)):
            source, output = folder / f"{what}.csv", folder / f"{what}-scored.csv"
            write_csv(source, list(rows))
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            score(str(source), "--output", str(output))
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            taken[what] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return taken


def _say_stages(what: str, found: Results) -> None:
    print(f"\nCPU time by step, {what} ({found['texts']}; {100 * found['padded_share']:.1f} % of tokens are padding)")
    rounds = [each["steps"] for each in found["rounds"]]
    print(said(rounds, SESSION, unit="ms a text", scale=1000 / found["texts"]))
    whole = [
        {"network": each["steps"][SESSION], "classify": each["classify"],
         "rida score, without its start": each["command"]["all"] - each["command"]["start"]}
        for each in found["rounds"]
    ]  # fmt: skip
    print(said(whole, "network", unit="ms a text", scale=1000 / found["texts"]), flush=True)


def _operators(texts: Sequence[str], rounds: int) -> Results:
    """Seconds by operator on real texts in batches."""
    classifier = load(threads=1)
    chosen = texts[:_BATCHED]
    windows = [window for each in windows_of(classifier, chosen) for window in each]
    feeds = sessions.batched(windows, classifier.info.config.limits.tokens_per_batch)
    measured = operators.in_rounds(SHIPPED_WEIGHTS / GRAPH, feeds, rounds)
    for graph, taken in measured[-1].items():
        print(f"\ntime by operator, {graph}")
        for name, seconds in taken.items():
            print(f"  {name:30} {1000 * seconds / len(chosen):6.2f} ms a text", flush=True)
    return {"texts": len(chosen), "rounds": measured}


def _sessions(texts: Sequence[str], rounds: int) -> Results:
    """Wall-clock seconds a round by set of batches and by settings."""
    classifier = load(threads=1)
    chosen = texts[:_BATCHED]
    windows = [window for each in windows_of(classifier, chosen) for window in each]
    most = classifier.info.config.limits.tokens_per_batch
    singles = [sessions.padded([window]) for window in windows_of_length(windows, _SHORT, _SINGLES)]
    batches = sessions.batched(windows, most)
    graph = SHIPPED_WEIGHTS / GRAPH
    found: Results = {}
    for works in (
        sessions.settings_work(graph, singles, batches),
        {"tokens a batch, one thread": sessions.batch_sizes_work(graph, windows, most)},
        sessions.two_threads_work(graph, singles, batches),
    ):
        for what, work in works.items():
            found[what] = _in_rounds(what, work, rounds, len(singles) if f"{_SHORT} tokens" in what else len(chosen))
    return found


def _in_rounds(what: str, work: Mapping[str, sessions.Work], rounds: int, texts: int) -> Results:
    clock, cpu = sessions.in_rounds(work, rounds)
    for kind, measured in (("by the clock", clock), ("CPU time", cpu)):
        print(f"\n{what}, {kind}\n{said(measured, next(iter(work)), unit='ms a text', scale=1000 / texts)}", flush=True)
    return {"texts": texts, "rounds": clock, "cpu_rounds": cpu}


def _starts(texts: Sequence[str], rounds: int) -> Results:
    with tempfile.TemporaryDirectory() as folder:
        measured = starts_in_rounds(texts[0], texts[:128], rounds, Path(folder), lambda line: print(line, flush=True))
    seconds = [{name: start["seconds"] for name, start in each.items()} for each in measured]
    print(f"\nstart to the first text\n{said(seconds, BY_HAND, unit='s')}")
    for what in ("peak_mb", "resident_mb", "anonymous_mb"):
        memory = [{name: start[what] for name, start in each.items() if what in start} for each in measured]
        print(
            f"\nmemory when it is scored, {what}\n{said(memory, COMMAND if what == 'peak_mb' else BY_HAND, unit='MB')}"
        )
    print("\nsteps of a start")
    for step in measured[-1][BY_HAND]["steps"]:
        took = f"{step['seconds']:6.3f} s  {step['cpu_seconds']:6.3f} s CPU"
        print(f"  {step['step']:50} {took}  {step['resident_mb']:6.1f} MB resident after it")
    return {"rounds": measured}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_flags(parser, rows=1000)
    parser.add_argument("--output", type=Path, default=WASTE, help="where the results are kept")
    arguments = parser.parse_args()
    if arguments.rows < 40 or arguments.rounds < 1:
        parser.error("--rows must be at least 40, --rounds at least 1")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
