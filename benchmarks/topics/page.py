"""The page on own topics, from results: python -m benchmarks.topics.page --output docs/own-topics-benchmark.md"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

_WHO: Final = {"rida": "rida topics fit", "set_fit": "SetFit", "tf_idf": "TF-IDF, logistic regression"}
_RESULTS: Final = Path(__file__).parents[1] / "results" / "own-topics.json"


def write_page(path: Path, results: dict[str, Any]) -> None:
    """Writes the page."""
    path.write_text("\n".join(_lines(results)) + "\n", encoding="utf-8")


def _lines(results: dict[str, Any]) -> Iterator[str]:
    found = results["machine"]
    sizes = sorted({entry["examples"] for entry in results["few_shot"] if "set_fit" in entry["draws"]})
    set_fit = bool(sizes)
    option = f" --setfit-python VENV/bin/python --setfit-sizes {' '.join(map(str, sizes))}" if set_fit else ""
    yield "# Own topics from a few examples"
    yield ""
    yield f"`python -m benchmarks.topics.compare --data-root DATA --draws {results['draws']}{option} --page "
    yield "docs/own-topics-benchmark.md` made this page. Examples are drawn from train rows of sources whose own labels"
    yield "the shipped weights were not taught (their texts were among those learned from, under the eight shipped"
    yield f"topics); figures are of test rows, means of {results['draws']} draws with their range."
    if set_fit:
        yield "SetFit, on the first draw alone, trains the shipped encoder itself, by its own library, with the"
        yield "settings of its paper (20 iterations, one epoch)."
    busy = ", busy before the run" if found["busy_before"] else ""
    yield f"Machine: {found['processor']}, {found['cores']} cores{busy}."
    yield ""
    yield "## Macro-F1 on unseen texts, and the time to learn"
    yield ""
    yield "Where a text has exactly one label, the likeliest counts, for all; `as served` is what Rida answers, which"
    yield "gives a text every topic over its threshold, and so may give none or several."
    yield ""
    who = [name for key, name in _WHO.items() if key != "set_fit" or set_fit]
    beside = " Rida less SetFit, same draw | times as fast |" if set_fit else ""
    yield f"| set | labels | examples a label | {' | '.join(who)} | as served |{beside}"
    yield "|---|--:|--:|" + "--:|" * (len(who) + (3 if set_fit else 1))
    for entry in results["few_shot"]:
        yield _row(entry, set_fit=set_fit)
    yield ""
    yield "## English examples, other languages' texts"
    yield ""
    yield "Average precision, and macro-F1 as served, with examples in English alone. `mabsa` is translated by machine"
    yield "from English, so it tells a direction; `annotated` is real feedback, but of topics that the encoder knows."
    yield ""
    for name in dict.fromkeys(entry["set"] for entry in results["cross_lingual"]):
        entries = [entry for entry in results["cross_lingual"] if entry["set"] == name]
        tests = entries[0]["tests"]
        yield f"### {name}: {entries[0]['what']}"
        yield ""
        yield (
            "| examples a label | who | "
            + " | ".join(f"{lang} ({texts} texts)" for lang, texts in tests.items())
            + " |"
        )
        yield "|--:|---|" + "--:|" * len(tests)
        for entry in entries:
            for who, draws in entry["draws"].items():
                cells = [
                    f"{_mean(draws, lang, 'average_precision')} / {_mean(draws, lang, 'macro_f1')}" for lang in tests
                ]
                yield f"| {entry['examples']} | {_WHO[who]} | " + " | ".join(cells) + " |"
        yield ""


def _row(entry: dict[str, Any], *, set_fit: bool) -> str:
    draws = entry["draws"]
    cells = [f"{entry['set']} ({entry['what']})", str(entry["labels"]), str(entry["examples"])]
    for who in _WHO:
        if who != "set_fit" or set_fit:
            cells.append(_cell(draws[who]) if who in draws else "")
    cells.append(_mean(draws["rida"], "", "macro_f1_as_served"))
    if set_fit and "set_fit" in draws:
        ours, theirs = draws["rida"][0], draws["set_fit"][0]
        difference = 100 * (ours["tests"][""]["macro_f1"] - theirs["tests"][""]["macro_f1"])
        cells += [f"{difference:+.1f}", f"{theirs['seconds'] / ours['seconds']:.0f}"]
    elif set_fit:
        cells += ["", ""]
    return "| " + " | ".join(cells) + " |"


def _cell(draws: list[dict[str, Any]]) -> str:
    values = [100 * each["tests"][""]["macro_f1"] for each in draws]
    spread = f" ({min(values):.1f} to {max(values):.1f})" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}, {statistics.mean(each['seconds'] for each in draws):.1f} s"


def _mean(draws: list[dict[str, Any]], test: str, figure: str) -> str:
    return f"{100 * statistics.mean(each['tests'][test][figure] for each in draws):.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    write_page(arguments.output, json.loads(_RESULTS.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
