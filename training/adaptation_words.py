"""What came of training on somebody's own labels, in words: for the terminal and for the model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.report import cell, percent

ADAPTATION = "adaptation.json"
"""The file of a weights folder that says what it was adapted from, on what, and how it stands beside that."""


def summary(adaptation: Mapping[str, Any]) -> list[str]:
    """Lines for a terminal: each measure of both, the interval, and the verdict."""
    own, base = adaptation["beside_base"], adaptation["base"]
    lines = [f"On {own['texts']:,} of your texts that were not learned, beside {base['name']} {base['version']}:"]
    for name, found in own["measures"].items():
        lines.append(
            f"  {name:<22} {percent(found['before']):>5} -> {percent(found['after']):>5}   {_gain(found):<30} "
            f"{found['verdict']}"
        )
    for name, found in own["new_topics"].items():
        lines.append(f"  new topic {name}: F1 {percent(found['f1'])} on {found['texts']:,} texts")
    lines += [f"Verdict: {own['verdict']}.", *_elsewhere(adaptation)]
    return lines


def section(adaptation: Mapping[str, Any]) -> list[str]:
    """The model card's section."""
    own, base, texts = adaptation["beside_base"], adaptation["base"], adaptation["texts"]
    new = ", ".join(adaptation["new_topics"])
    shares = adaptation["own_share_of_calibration"]
    return [
        "## Adapted to own labels",
        "",
        f"Adapted from {base['name']} {base['version']} (SHA-256 `{base['sha256'][:16]}`) by `rida train --data` on "
        f"{', '.join(adaptation['files'])}: {texts['train']:,} texts were learned, {texts['validation']:,} decided "
        f"when to stop (epoch {adaptation['best_epoch']} of {len(adaptation['validation_losses'])}), and "
        f"{texts['test']:,} were measured on. Beside them {adaptation['rehearsed_each_epoch']:,} texts written for "
        "Rida were rehearsed each epoch, as the weights before scored them." + (f" New topics: {new}." if new else ""),
        "",
        f"Of the way from the weights before to those trained {percent(adaptation['own_share_of_weights'])} % is gone, "
        "the least that validation texts ask for. In calibration and thresholds, validation texts count beside what "
        "the weights before had: " + ", ".join(f"{name} {percent(share)} %" for name, share in shares.items()) + ".",
        "",
        f"Beside the weights before, on the {own['texts']:,} texts measured on, in per cent: {own['verdict']}.",
        "",
        "| | texts | before | after | gain (95 % interval) | |",
        "|---|--:|--:|--:|--:|---|",
        *(
            f"| {name} | {found['texts']:,} | {percent(found['before'])} | {percent(found['after'])} | "
            f"{_gain(found)} | {found['verdict']} |"
            for name, found in own["measures"].items()
        ),
        *(
            f"| new topic {cell(name)}, F1 | {found['texts']:,} | | {percent(found['f1'])} | | |"
            for name, found in own["new_topics"].items()
        ),
        "",
        *_elsewhere(adaptation),
        "",
    ]


def _elsewhere(adaptation: Mapping[str, Any]) -> list[str]:
    found = adaptation["elsewhere"]["measures"].get("mood macro-F1")
    if found is None:
        return []
    return [
        f"On {found['texts']:,} texts written for Rida in ar, en, fa and vi, none of them rehearsed: mood macro-F1 "
        f"{percent(found['before'])} -> {percent(found['after'])}, {_gain(found)}."
    ]


def _gain(found: Mapping[str, Any]) -> str:
    low, high = found["interval"]
    gain = f"{100 * found['gain']:+.1f}"
    return gain if low is None or high is None else f"{gain} ({100 * low:+.1f} to {100 * high:+.1f})"
