"""The model card (`README.md` of a weights folder), written from what was measured and nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model.config import TrainedOn, WeightsConfig, read_config
from model.errors import InputError, WeightsError
from model.labels import MOODS
from model.manifest import CARD, CONFIG
from training.adaptation_words import ADAPTATION, section
from training.comparison import MAX_F1_LOST, MIN_UNCHANGED
from training.fit import RULES
from training.fitted_topics import read_fits
from training.fitted_topics import section as own_topics
from training.report import cell, percent, table
from training.speed_words import speed_section

_WEAK_LANGUAGES = 5
_WEAK_TOPICS = 3
_CONFUSIONS = 10


def write_card(folder: Path, *, evaluations: Sequence[dict[str, Any]], notes: str | None = None) -> None:
    """Writes the card of a weights folder from its config, its comparison with torch, and evaluations.

    What is weak is read off the first evaluation, so the one made for this very task comes first. `notes` is
    Markdown: what was seen on reading these weights' errors.
    """
    config = read_config(folder / CONFIG)
    path = folder / "comparison.json"
    try:
        comparison = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path}: cannot be read ({error}); export the weights again") from error
    parts = [*_introduction(config), *_adapted(folder)]
    for shown in evaluations:
        parts += _measured(shown)
    if evaluations:
        parts += _weak(evaluations[0])
    if notes is not None:
        parts += [notes]
    parts += [*_calibration(config), *_export(comparison, adapted=(folder / ADAPTATION).exists())]
    parts += [*speed_section(config), *_sources(config)]
    parts += own_topics(read_fits(folder))
    fresh = folder / (CARD + ".tmp")
    fresh.write_text("\n".join(parts), encoding="utf-8")
    fresh.replace(folder / CARD)


def read_notes(path: Path) -> str:
    """Reads notes for a card.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: notes for the card cannot be read ({error})") from error


def _introduction(config: WeightsConfig) -> list[str]:
    languages = config.languages
    return [
        f"# {config.name} {config.version}",
        "",
        f"Reads customer feedback and gives a mood ({', '.join(config.moods)}) and any of the topics "
        f"{', '.join(config.topics)}, with calibrated probabilities.",
        "",
        f"First-class languages: {', '.join(languages.first_class)}. Also trained on: "
        f"{', '.join(languages.supported)}. The encoder knows about a hundred languages; what was "
        "measured stands below, and of any other language nothing is known.",
        "",
        f"Encoder: {config.encoder}, fine-tuned with mean pooling and linear heads for "
        "satisfaction, anger given unhappiness, and topics. How: `training/recipe.toml` and `docs/training.md`. "
        f"Recipe fingerprint: `{config.recipe_sha256[:16]}`.",
        "",
        "## What it must not be used for",
        "",
        "- Judging the people who write or the staff they write about: it reads the mood of a text, not of a "
        "person, and no decision about a person (employment, credit, access to service) may rest on it.",
        "- Detecting threats, self-harm or emergencies: it was not trained to, and `angry` is not a safety signal.",
        "- Texts that are not feedback (news, politics, private chat): their scores mean nothing.",
        "- Acting unseen where `needs_review` is true.",
        "",
    ]


def _measured(evaluation: dict[str, Any]) -> list[str]:
    averages = [
        f"- {name.replace('_', ' ')}, mean over languages: {percent(value)}"
        for name, value in evaluation["averages"].items()
    ]
    overall = evaluation["overall"]
    if "angry" in overall:
        angry = overall["angry"]
        averages.append(
            f"- angry, all languages: average precision {percent(angry['average_precision'])}, recall "
            f"{percent(angry['recall_at_5_percent_false_alarms'])} at 5 % false alarms; at the shipped threshold "
            f"recall {percent(angry['recall_at_threshold'])} with {percent(angry['false_alarms_at_threshold'])} % "
            "false alarms"
        )
    if "topics" in overall:
        averages.append(
            f"- topics, all languages: micro-F1 {percent(overall['topics']['micro_f1'])}, macro-F1 "
            f"{percent(overall['topics']['macro_f1'])}"
        )
    if "mood" in overall:
        calibration = overall["mood"]["calibration"]
        averages.append(
            f"- expected calibration error of the mood: {percent(calibration['error'])} "
            f"({percent(calibration['error_before'])} before calibration)"
        )
    limit = evaluation["row_limit"]
    return [
        f"## Measured on {evaluation['split']} rows",
        "",
        f"`{evaluation['command']}`" + (f" (at most {limit} rows of a source)" if limit else ""),
        "",
        "Figures in per cent.",
        "",
        *averages,
        "",
        *table({"all": overall, **evaluation["languages"]}),
        "",
        *table(evaluation["sources"]),
        "",
    ]


def _weak(evaluation: dict[str, Any]) -> list[str]:
    languages = sorted(
        (found["mood"]["macro_f1"], lang) for lang, found in evaluation["languages"].items() if "mood" in found
    )
    topics = sorted(
        (found["f1"], name) for name, found in evaluation["overall"].get("topics", {"by_topic": {}})["by_topic"].items()
    )
    moods = sorted((score, name) for name, score in evaluation["overall"].get("mood", {"f1": {}})["f1"].items())
    said = [
        ("Languages (mood macro-F1)", languages[:_WEAK_LANGUAGES]),
        ("Topics (F1)", topics[:_WEAK_TOPICS]),
        ("Moods (F1)", moods[:2]),
    ]
    return [
        "## Weakest",
        "",
        *(
            f"- {what}: " + ", ".join(f"{name} {percent(score)}" for score, name in found)
            for what, found in said
            if found
        ),
        *_worst_confusions(evaluation),
        "- The mood labels of the annotated texts were made by a large language model that read each text by "
        "written guidelines, not by people; their shares of moods are not those of real traffic.",
        "",
    ]


def _worst_confusions(evaluation: dict[str, Any]) -> list[str]:
    """The ten cells off the diagonals of the languages' confusion matrices with the most texts."""
    cells = [
        (texts, sum(row), lang, MOODS[gold], MOODS[said])
        for lang, found in evaluation["languages"].items()
        if "mood" in found
        for gold, row in enumerate(found["mood"]["confusion"])
        for said, texts in enumerate(row)
        if said != gold and texts
    ]
    worst = sorted(cells, key=lambda cell: (-cell[0], cell[2:]))[:_CONFUSIONS]
    return [
        "- Most frequent confusions: "
        + "; ".join(f"{lang}, {gold} read as {said}: {texts} of {of}" for texts, of, lang, gold, said in worst)
        + "."
    ] * bool(worst)


def _calibration(config: WeightsConfig) -> list[str]:
    thresholds, temperatures, biases = config.thresholds, config.temperatures, config.biases
    topics = ", ".join(f"{name} {value}" for name, value in thresholds.topics.items())
    return [
        "## Calibration and thresholds",
        "",
        "Fitted on validation rows alone:",
        "",
        f"- temperatures ({RULES['temperatures']}): satisfaction {temperatures.satisfaction}, anger "
        f"{temperatures.anger}, topics {temperatures.topics}; biases: satisfied {biases.satisfied}, neutral "
        f"{biases.neutral}, angry given unhappy {biases.angry}",
        f"- angry from {thresholds.angry} on ({RULES['angry']})",
        f"- topics ({RULES['topics']}): {topics}",
        f"- needs review below {thresholds.needs_review} ({RULES['needs_review']})",
        "",
        f"Texts are read in windows of {config.limits.window_tokens} pieces, up to {config.limits.max_tokens} "
        f"pieces or {config.limits.max_characters} characters.",
        "",
    ]


def _adapted(folder: Path) -> list[str]:
    path = folder / ADAPTATION
    return section(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


def _export(comparison: dict[str, Any], *, adapted: bool) -> list[str]:
    made = f"Made by `rida {'train --data' if adapted else 'export'}`."
    lines = [
        "| | texts | moods unchanged | largest change of a probability | macro-F1 torch | macro-F1 exported |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for lang, found in comparison["languages"].items():
        lines.append(
            f"| {lang or 'not said'} | {found['texts']} | {percent(found['moods_unchanged'])} | "
            f"{found['largest_change']:.3f} | {percent(found['torch_macro_f1'])} | "
            f"{percent(found['exported_macro_f1'])} |"
        )
    return [
        "## What the export changed",
        "",
        f"Embeddings in 4-bit blocks; of {comparison['matrices']} matrices {len(comparison['in_float32'])} are "
        "multiplied in float32, the others in int8, all are stored in int8. Against the float32 torch network, on "
        f"{comparison['texts']} validation texts: {percent(comparison['moods_unchanged'])} % of moods unchanged "
        f"(aim {percent(MIN_UNCHANGED)}), largest change of a probability {comparison['largest_change']:.3f}; aim "
        f"for macro-F1 lost in a first-class language: at most {percent(MAX_F1_LOST)} points. "
        + (made if comparison["kept"] else f"The aims are missed. {made}"),
        "",
        *lines,
        "",
    ]


def _sources(config: WeightsConfig) -> list[str]:
    own = [each for each in config.trained_on if _is_own(each)]
    public = [each for each in config.trained_on if each not in own]
    lines = ["## Trained on", ""]
    if public:
        lines += [
            "Public research data; their licences as stated by their publishers. Many state none or allow research "
            "only: check them before using these weights in a product, or train without them "
            "(`exclude_licences` in the recipe).",
            "",
        ]
    if config.teacher:
        lines += [
            f"Also taught by earlier weights (SHA-256 {config.teacher}…), whose own sources their card lists.",
            "",
        ]
    if public or not own:
        lines += _source_table(public)
    if own:
        lines += ["Own labels, whose rights are those of their owner:", "", *_source_table(own)]
    return lines


def _is_own(source: TrainedOn) -> bool:
    """Whether it is a file of somebody's own labels, as `training/adapt.py` names them."""
    return source.licence == "of its owner" and source.title.startswith("own labels")


def _source_table(sources: Sequence[TrainedOn]) -> list[str]:
    return [
        "| source | title | licence |",
        "|---|---|---|",
        *(f"| {cell(each.name)} | {cell(each.title)} | {cell(each.licence)} |" for each in sources),
        "",
    ]
