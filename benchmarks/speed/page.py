"""The page on speed, from results: python -m benchmarks.speed.page

Writes `docs/speed-benchmark.md`, and `docs/speed.svg` where the results of `benchmarks.speed.curve` are there. A part
whose results are not there is left out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.batch.goals import Spread
from benchmarks.speed.goals import Goal, curve_goals, peer_goals, start_goals
from benchmarks.speed.kernel_engines import RIDA
from benchmarks.speed.loading import BY_HAND
from benchmarks.speed.operators import FUSED
from benchmarks.speed.peer import FULL
from benchmarks.speed.plot import speed_plot
from benchmarks.speed.rounds import RESULTS, Results, names_in, ratios, spread
from benchmarks.speed.sessions import AS_SHIPPED
from benchmarks.speed.stages import SESSION
from benchmarks.speed.starts import COMMAND

PAGE: Final = Path(__file__).parents[2] / "docs" / "speed-benchmark.md"
PLOT: Final = "speed.svg"
_OPERATORS: Final = 12
"""How many of them are shown, those that take longest."""

_FIGURES: Final = {"topics micro-F1": "topic_micro_f1", "angry recall at 5 % false alarms": "angry_recall_at_5"}


def page(waste: Results | None, kernels: Results | None, peers: Results | None, curve: Results | None) -> str:
    """All parts whose results are there."""
    parts = [
        "# Speed, start and memory",
        "Shown is the median of some rounds, with the lowest and the highest; in each round all were measured in turn, "
        "and ratios are taken within a round. How to run it: [benchmarks/speed](../benchmarks/speed/README.md).",
    ]
    goals = [
        *(curve_goals(curve) if curve else []), *(peer_goals(peers) if peers else []),
        *(start_goals(waste) if waste else []),
    ]  # fmt: skip
    if goals:
        parts += ["## Goals", _goals(goals)]
    if curve:
        parts += _curve(curve)
    if peers:
        parts += _peers(peers)
    if kernels:
        parts += _kernels(kernels)
    if waste:
        parts += _waste(waste)
    return "\n\n".join(parts) + "\n"


def plot(results: Results) -> str:
    """Accuracy against speed as SVG."""
    curve = results["curve"]
    series = {"mood macro-F1": [100 * _mean_f1(each) for each in curve]}
    series |= {name: [100 * each[key] for each in curve] for name, key in _FIGURES.items()}
    return speed_plot({each["name"]: each["texts_per_second_ratio"] for each in curve}, series)


def _mean_f1(entry: Mapping[str, Any]) -> float:
    return float(statistics.mean(entry["mood_macro_f1"].values()))


def _goals(goals: Iterable[Goal]) -> str:
    lines = [
        [goal.what, f"{'at most' if goal.at_most else 'at least'} {goal.aim:g} {goal.unit}", _short(goal.measured),
         "yes" if goal.holds else "no"]
        for goal in goals
    ]  # fmt: skip
    return _table(["", "Goal", "Measured", "Reached"], lines)


def _curve(results: Results) -> Iterator[str]:
    curve = results["curve"]
    yield "## Accuracy against speed"
    yield (
        f"`python -m benchmarks.speed.curve --data-root DATA`. {_machine(results)}. Quality is that of "
        f"{results['rows']:,} validation rows of the annotated source in the first-class languages, on which margins "
        "were chosen, too: where texts are passed on to the full graph, as few as keep each of these languages within "
        "0.7 points. The speed of heads after some layers that pass texts on is computed from that of the layers; all "
        "others are measured."
    )
    yield f"![Accuracy against speed]({PLOT})"
    languages = list(curve[0]["mood_macro_f1"])
    lines = [
        [each["name"], f"{each['texts_per_second_ratio']:.2f}", f"{100 * _mean_f1(each):.1f}",
         *(f"{100 * each['mood_macro_f1'][lang]:.1f}" for lang in languages),
         *(f"{100 * each[key]:.1f}" for key in _FIGURES.values())]
        for each in curve
    ]  # fmt: skip
    heads = ["", "Texts a second, times `full`", "Mood macro-F1, mean", *languages, *_FIGURES]
    yield _table(heads, lines)


def _peers(peers: Results) -> Iterator[str]:
    yield "## Beside networks that others use"
    tries = "; ".join(f"{shape}: {each['chosen']}" for shape, each in peers["settings"].items())
    yield (
        f"`python -m benchmarks.speed.peers --data-root DATA`. {_machine(peers)}; {_versions(peers)}; "
        f"{_count(len(peers['rounds']), 'round')}, {peers['threads']} threads each. "
        f"{peers['texts']['count']:,} real texts of {peers['texts']['mean_tokens']:.0f} tokens on "
        "average, of which who is slow gets a part with the same mixture of lengths. "
        "The others have random weights of their shape and cut texts with Rida's tokenizer. "
        f"Best settings are the fastest found of sizes of batches and types, with texts sorted by length ({tries}). "
        "The start is that of a process, until the first text is scored, its files in the page cache; the memory "
        "is the most that the process took."
    )
    lines = []
    for name in names_in(peers["rounds"]):
        times = "" if name == FULL else _short(ratios(peers["rounds"], FULL, name))
        starts = [each[name]["seconds"] for each in peers["starts"] if name in each]
        one = Spread.of([1000 * each[name] for each in peers["one"]])
        lines.append([
            name, _short(spread(peers["rounds"], name)), times, _short(one),
            _short(Spread.of(starts)) if starts else "", f"{peers['peak_mb'][name]:.0f}",
        ])  # fmt: skip
    heads = ["", "Texts a second", "Rida, full, times as fast", "One text, median, ms", "Start, s", "Memory, MB"]
    yield _table(heads, lines)


def _kernels(kernels: Results) -> Iterator[str]:
    yield "## Other engines for the same network"
    yield (
        "`python -m benchmarks.speed.kernels --data-root DATA --openvino-python OV/bin/python`. "
        f"{_machine(kernels)}; {_versions(kernels)}; {_count(kernels['threads'], 'thread')} each. Moods are held "
        f"against torch in float32 on {kernels['texts']:,} validation texts of `annotated`. Milliseconds of one run, "
        "and how many times as fast Rida's graph is."
    )
    yield _table(
        ["", "Moods unchanged, %", "Largest change of a probability"],
        [[name, f"{100 * each['unchanged']:.1f}", f"{each['largest_change']:.2f}"]
         for name, each in kernels["moods"].items()],
    )  # fmt: skip
    sets = list(kernels["speed"])
    for what in (sets[0::2], sets[1::2]):
        lines = []
        for name in kernels["moods"]:
            cells = []
            for each in what:
                rounds = kernels["speed"][each]["rounds"]
                milliseconds = _short(Spread.of([1000 * found[name] for found in rounds]))
                cells.append(milliseconds + ("" if name == RIDA else f"; {ratios(rounds, name, RIDA).median:.2f}"))
            lines.append([name, *cells])
        yield _table(["", *what], lines)


def _waste(waste: Results) -> Iterator[str]:
    yield "## Where the time goes"
    yield (
        f"`python -m benchmarks.speed.waste --data-root DATA`. {_machine(waste)}; {_versions(waste)}; "
        f"{_count(waste['rounds'], 'round')}. CPU time of one thread, in milliseconds a text; the share "
        "is of all steps."
    )
    for what, found in waste.get("stages", {}).items():
        yield _stages(what, found)
    if "operators" in waste:
        yield from _operators(waste["operators"])
    if "sessions" in waste:
        yield "## Settings of the session"
        yield "Milliseconds a text by the clock, and how many times those of the first; the same of CPU time."
        for what, found in waste["sessions"].items():
            yield _beside_first(what, found)
    if "starts" in waste:
        yield from _starts(waste["starts"]["rounds"])


def _stages(what: str, found: Results) -> str:
    rounds, texts = found["rounds"], found["texts"]
    steps = [each["steps"] for each in rounds]
    lines = []
    for name in names_in(steps):
        share = Spread.of([100 * each[name] / sum(each.values()) for each in steps])
        lines.append([name, _short(Spread.of([1000 * each[name] / texts for each in steps])), _short(share)])
    beside = {
        "`classify`, all of it": [each["classify"] for each in rounds],
        "`rida score`, without its start": [each["command"]["all"] - each["command"]["start"] for each in rounds],
    }
    for name, seconds in beside.items():
        network = Spread.of([100 * each[SESSION] / whole for each, whole in zip(steps, seconds, strict=True)])
        milliseconds = Spread.of([1000 * each / texts for each in seconds])
        lines.append([name, _short(milliseconds), f"the network's part: {_short(network)}"])
    said = f"{what.capitalize()} ({texts:,}): {100 * found['padded_share']:.1f} % of the tokens are padding."
    return f"{said}\n\n{_table(['', 'ms a text', 'Share, %'], lines)}"


def _operators(found: Results) -> Iterator[str]:
    rounds: list[dict[str, dict[str, float]]] = found["rounds"]
    yield (
        "The network by operator, from the profile that onnxruntime makes of real texts in batches, in milliseconds a "
        "text; beside it the same numbers in operators that onnxruntime has fused, most of which graphs had before."
    )
    of = (AS_SHIPPED, FUSED)
    by_median = {
        name: statistics.median(sum(each[graph].get(name, 0) for graph in of) for each in rounds)
        for name in dict.fromkeys(name for graph in of for name in rounds[0][graph])
    }
    lines = [["all of them", *(_milliseconds([sum(each[graph].values()) for each in rounds], found) for graph in of)]]
    for name in sorted(by_median, key=lambda name: by_median[name], reverse=True)[:_OPERATORS]:
        taken = [[each[graph].get(name, 0.0) for each in rounds] for graph in of]
        lines.append([f"`{name}`", *(_milliseconds(each, found) if any(each) else "" for each in taken)])
    yield _table(["", *of], lines)


def _milliseconds(seconds: Sequence[float], found: Results) -> str:
    return _short(Spread.of([1000 * each / found["texts"] for each in seconds]))


def _beside_first(what: str, found: Results) -> str:
    rounds, cpu = found["rounds"], found["cpu_rounds"]
    first = next(iter(rounds[0]))
    lines = [
        [name, _short(Spread.of([1000 * each[name] / found["texts"] for each in rounds])),
         *("" if name == first else ratios(each, name, first).shown(".3f") for each in (rounds, cpu))]
        for name in names_in(rounds)
    ]  # fmt: skip
    return _table([what.capitalize(), "ms a text", "Times the first", "CPU time, times the first"], lines)


def _starts(rounds: Sequence[Results]) -> Iterator[str]:
    yield "## Start and memory"
    yield (
        "Each in a fresh process, from nothing to the first text, its files in the page cache. Resident memory is that "
        "after the first text; what is anonymous cannot be dropped and read again."
    )
    lines = []
    for name in names_in(rounds):
        found = [each[name] for each in rounds if name in each]
        seconds = [{other: each[other]["seconds"] for other in (name, BY_HAND)} for each in rounds if name in each]
        cells = [name, Spread.of([each["seconds"] for each in found]).shown(".2f")]
        cells.append("" if name == BY_HAND else ratios(seconds, name, BY_HAND).shown(".2f"))
        for key in ("peak_mb", "resident_mb", "anonymous_mb", "more_texts_mb"):
            values = [each[key] for each in found if key in each]
            cells.append(_short(Spread.of(values)) if values else "")
        lines.append(cells)
    heads = ["", "Seconds", f"Times `{BY_HAND}`", "Most, MB", "Resident, MB", "Anonymous, MB", "After 128 texts, MB"]
    yield _table(heads, lines)
    steps: dict[str, list[Results]] = {}
    for each in rounds:
        for step in each[BY_HAND]["steps"]:
            steps.setdefault(step["step"], []).append(step)
    yield f"Step by step, {BY_HAND} (`{COMMAND.split(',', maxsplit=1)[0]}` adds what the command line needs):"
    yield _table(
        ["", "ms", "CPU time, ms", "Resident after it, MB"],
        [
            [name, *(_short(Spread.of([1000 * step[key] for step in found])) for key in ("seconds", "cpu_seconds")),
             f"{found[-1]['resident_mb']:.0f}"]
            for name, found in steps.items()
        ],
    )  # fmt: skip


def _machine(results: Results) -> str:
    machine = results["machine"]
    busy = f"; the machine was busy before the run, load {machine['load_before']}" if machine["busy_before"] else ""
    took = f", {machine['run_minutes']:.0f} minutes" if "run_minutes" in machine else ""
    return f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB{busy}{took}"


def _versions(results: Results) -> str:
    weights = results["versions"]["weights"]
    others = [f"{name} {value}" for name, value in results["versions"].items() if name != "weights" and value]
    return f"weights {weights['name']} {weights['version']}, {', '.join(others)}"


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _short(found: Spread) -> str:
    """With as many places as three figures need."""
    places = 0 if found.median >= 100 else 1 if found.median >= 10 else 2
    return found.shown(f".{places}f")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [list(heads), ["---", *["--:"] * (len(heads) - 1)], *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _read(name: str) -> Any:
    path = RESULTS / f"speed-{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def main() -> int:
    """Write the page, and the plot where there is a curve."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=PAGE, help="the page; the plot is put beside it")
    arguments = parser.parse_args()
    waste, kernels, peers, curve = (_read(name) for name in ("waste", "kernels", "peers", "curve"))
    if not (waste or kernels or peers or curve):
        print(f"{RESULTS}: has no results of speed; run python -m benchmarks.speed.waste first", file=sys.stderr)
        return 1
    arguments.output.write_text(page(waste, kernels, peers, curve), encoding="utf-8")
    if curve:
        arguments.output.with_name(PLOT).write_text(plot(curve), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
