"""The readable side of an evaluation: a Markdown report with tables and three plots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from model.labels import FIRST_CLASS_LANGUAGES, MOODS

REPORT = "report.md"


def cell(text: str) -> str:
    """A value from outside as a cell of a Markdown table."""
    return " ".join(text.replace("|", "/").split())


def write_report(evaluation: dict[str, Any], folder: Path) -> None:
    """Writes `report.md` and the plots that it shows into `folder`."""
    weights = evaluation["weights"]
    ways = "".join(f", {name} {weights[name]}" for name in ("speed", "backend") if name in weights)
    parts = [f"# Evaluation of {weights['name']} {weights['version']}{ways}", ""]
    parts += [
        f"{evaluation['texts']} {evaluation['split']} texts, {evaluation['not_scorable']} of them not scorable.",
        "",
        f"`{evaluation['command']}`" if evaluation["command"] else "",
        "",
    ]
    parts += ["## By language", "", *table(evaluation["languages"]), ""]
    parts += ["## By source", "", *table(evaluation["sources"]), ""]
    overall = evaluation["overall"]
    if "topics" in overall:
        parts += ["## By topic", "", "| topic | texts | F1 |", "|---|--:|--:|"]
        parts += [
            f"| {name} | {found['texts']} | {percent(found['f1'])} |"
            for name, found in overall["topics"]["by_topic"].items()
        ]
        parts += [""]
    if "mood" in overall:
        calibration = overall["mood"]["calibration"]
        parts += [
            "## Mood",
            "",
            f"Expected calibration error {percent(calibration['error'])} % "
            f"({percent(calibration['error_before'])} % before calibration).",
            "",
        ]
        _plot_confusion(overall["mood"]["confusion"], folder / "confusion.png")
        _plot_reliability(calibration["curve"], folder / "reliability.png")
        _plot_languages(evaluation["languages"], folder / "languages.png")
        parts += [
            "![Confusion of moods](confusion.png)",
            "![Reliability diagram](reliability.png)",
            "![Macro-F1 by language](languages.png)",
            "",
        ]
    (folder / REPORT).write_text("\n".join(parts), encoding="utf-8")


def table(groups: dict[str, dict[str, Any]]) -> list[str]:
    """A Markdown table of groups (languages or sources); figures in per cent, blank where not labelled."""
    lines = [
        "| | texts | mood macro-F1 | mood accuracy | calibration error | satisfaction macro-F1 | "
        "satisfaction accuracy | angry texts | angry average precision | angry recall at 5 % false alarms | "
        "topics micro-F1 | topics macro-F1 |",
        "|---|" + "--:|" * 11,
    ]
    for name, found in groups.items():
        mood, satisfaction = found.get("mood", {}), found.get("satisfaction", {})
        angry, topics = found.get("angry", {}), found.get("topics", {})
        cells = [
            name,
            str(found["texts"]),
            percent(mood.get("macro_f1")),
            percent(mood.get("accuracy")),
            percent(mood.get("calibration", {}).get("error")),
            percent(satisfaction.get("macro_f1")),
            percent(satisfaction.get("accuracy")),
            str(angry.get("angry_texts", "")),
            percent(angry.get("average_precision")),
            percent(angry.get("recall_at_5_percent_false_alarms")),
            percent(topics.get("micro_f1")),
            percent(topics.get("macro_f1")),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def percent(share: float | None) -> str:
    """A share as per cent with one decimal; nothing for None."""
    return "" if share is None else f"{100 * share:.1f}"


def _figure(width: float, height: float) -> tuple[Any, Any]:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(width, height), layout="constrained")
    return figure, axes


def _save(figure: Any, path: Path) -> None:
    from matplotlib import pyplot

    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def _plot_confusion(confusion: list[list[int]], path: Path) -> None:
    figure, axes = _figure(5, 4.4)
    shares = [[cell / max(1, sum(line)) for cell in line] for line in confusion]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="predicted", ylabel="annotated", title="Mood: texts and share of the row")
    axes.set_xticks(range(len(MOODS)), MOODS, rotation=20)
    axes.set_yticks(range(len(MOODS)), MOODS)
    for row, line in enumerate(confusion):
        for column, count in enumerate(line):
            share = shares[row][column]
            axes.text(
                column, row, f"{count}\n{share:.0%}", ha="center", va="center",
                color="white" if share > 0.5 else "black",
            )  # fmt: skip
    _save(figure, path)


def _plot_reliability(curve: dict[str, list[float]], path: Path) -> None:
    figure, axes = _figure(4.6, 4.4)
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", label="perfect")
    axes.plot(curve["claimed"], curve["right"], marker="o", label="measured")
    axes.set(xlabel="probability given", ylabel="share that was right", title="Reliability of the mood's score")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    _save(figure, path)


def _plot_languages(languages: dict[str, dict[str, Any]], path: Path) -> None:
    names = [name for name, found in languages.items() if "mood" in found]
    figure, axes = _figure(max(5, 0.45 * len(names)), 3.6)
    colours = ["tab:blue" if name in FIRST_CLASS_LANGUAGES else "tab:grey" for name in names]
    axes.bar(names, [100 * languages[name]["mood"]["macro_f1"] for name in names], color=colours)
    axes.set(ylabel="mood macro-F1 (%)", ylim=(0, 100), title="By language; first-class ones in blue")
    _save(figure, path)
