"""How far two readings of the same texts agree: the annotations of a source, and a second pass made without them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score

from data.annotations import annotated_rows, read_annotations, text_digest
from data.sources import read_source
from model.errors import RecipeError
from model.labels import MOODS, TOPICS
from training.report import percent

FIGURES = "agreement.json"
PAGE = "README.md"


def measure_agreement(readings: Path, *, source: Path, output: Path, command: str = "") -> dict[str, Any]:
    """Compares a file of second readings with a source's own annotations and writes the figures into `output`.

    Raises:
        SourceError: the file or the source cannot be used.
        RecipeError: no text stands in both.
    """
    second = read_annotations(readings, topics=TOPICS)
    pairs = []
    for row in read_source(source):
        for again in annotated_rows([row], second):
            del second[text_digest(row.text)]
            if row.mood is not None and row.topics is not None:
                pairs.append((row.mood, str(again.mood), set(row.topics), set(again.topics or ())))
    if not pairs:
        raise RecipeError(f"{readings}: none of its texts stands in {source}")
    ours, theirs = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    present = sorted({*ours, *theirs}, key=_order)
    by_mood = f1_score(ours, theirs, labels=present, average=None, zero_division=0)
    kappa = cohen_kappa_score(ours, theirs) if len(present) > 1 else None
    topics = np.array([[[name in said for name in TOPICS] for said in pair[2:]] for pair in pairs])
    disputed = Counter(tuple(sorted(pair[:2], key=_order)) for pair in pairs if pair[0] != pair[1])
    found = {
        "command": command,
        "texts": len(pairs),
        "mood": {
            "accuracy": float(accuracy_score(ours, theirs)),
            "macro_f1": float(np.mean(by_mood)),
            "kappa": None if kappa is None else float(kappa),
            "f1": dict(zip(present, map(float, by_mood), strict=True)),
            "disputed": [{"moods": list(moods), "texts": texts} for moods, texts in disputed.most_common()],
        },
        "topics_micro_f1": float(f1_score(topics[:, 0].ravel(), topics[:, 1].ravel())),
    }
    output.mkdir(parents=True, exist_ok=True)
    (output / FIGURES).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (output / PAGE).write_text(_page(found), encoding="utf-8")
    return found


def _order(mood: str) -> int:
    return [str(name) for name in MOODS].index(mood)


def _page(found: dict[str, Any]) -> str:
    mood = found["mood"]
    return "\n".join(
        [
            "# How far two readings agree",
            "",
            f"{found['texts']} annotated texts were read a second time, without sight of their first labels. Both "
            "readings were a large language model's by the same guidelines, so this tells how far such a reader agrees "
            "with itself, and where it is torn, not how often it is right.",
            "",
            f"`{found['command']}`",
            "",
            f"Mood: accuracy {percent(mood['accuracy'])}, macro-F1 {percent(mood['macro_f1'])}, Cohen's kappa "
            f"{percent(mood['kappa'])}. Topics: micro-F1 {percent(found['topics_micro_f1'])}.",
            "",
            "| mood | F1 |",
            "|---|--:|",
            *(f"| {name} | {percent(score)} |" for name, score in mood["f1"].items()),
            "",
            "| read as one by one, as the other by the other | texts |",
            "|---|--:|",
            *(f"| {' / '.join(each['moods'])} | {each['texts']} |" for each in mood["disputed"]),
            "",
        ]
    )
