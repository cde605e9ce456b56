"""Our one model beside the figures that others published, on their test sets, each by its own measure.

The model gets no training, threshold or calibration for a set of its own: what it says is what it says to any customer.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from sklearn.metrics import accuracy_score, f1_score

from data.rows import FeedbackRow
from data.sources import read_source
from model.calibration import HeadLogits, mood_probabilities, topic_probabilities
from model.classifier import Classifier, load
from model.decision import decided_moods
from model.errors import RecipeError
from model.labels import MOODS, SATISFACTION
from training.measures import decided_satisfaction
from training.report import percent
from training.targets import UNKNOWN, anger_targets, satisfaction_targets, topic_targets

FIGURES = "published.json"
PAGE = "README.md"
TABLE = Path(__file__).with_suffix(".toml")

_WITHIN = 3.0
_UNHAPPY, _NEUTRAL = SATISFACTION.index("unhappy"), SATISFACTION.index("neutral")
_MEASURES = {
    "satisfaction": ("accuracy", "macro_f1", "f1_positive_negative"),
    "complaint": ("f1",),
    "anger": ("f1",),
    "topics": ("micro_f1",),
}
_STANDINGS = {
    "same measure": lambda each: each["compare"] == "same",
    "same measure, figure read in its source": lambda each: each["compare"] == "same" and each["checked"],
    "same or near measure": lambda each: each["compare"] != "no",
}

Classes = npt.NDArray[np.int64]


class PublishedSet(BaseModel):
    """A test set, what is measured on it, and what others have published (per cent)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    source: str
    lang: str | None = None
    task: Literal["satisfaction", "complaint", "anger", "topics"]
    metric: Literal["accuracy", "macro_f1", "micro_f1", "f1", "f1_positive_negative"]
    published: float | None = None
    by: str = ""
    checked: bool | None = None
    compare: Literal["same", "near", "no"]
    differs: str

    @model_validator(mode="after")
    def _measure_fits(self) -> Self:
        if self.metric not in _MEASURES[self.task]:
            raise ValueError(
                f"{self.metric} does not measure {self.task}; use one of {', '.join(_MEASURES[self.task])}"
            )
        if self.published is not None and (self.checked is None or not self.by):
            raise ValueError("a published figure needs `by`, and `checked`: whether it was read in its source")
        return self


def read_sets(path: Path = TABLE) -> list[PublishedSet]:
    """Reads the table of sets.

    Raises:
        RecipeError: the file is missing, is not TOML, or an entry is wrong.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return [PublishedSet.model_validate(entry) for entry in content["sets"]]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, ValidationError) as error:
        raise RecipeError(f"{path}: not a table of published sets ({error})") from error


def measure_published(
    weights: Path, *, data_root: Path, output: Path, sets: Sequence[PublishedSet] | None = None, command: str = ""
) -> dict[str, Any]:
    """Measures `weights` on every set's test rows and writes `published.json` and `README.md` into `output`.

    Raises:
        WeightsError, SourceError: the weights or a source cannot be used.
        RecipeError: a set has no test row that its task labels.
    """
    classifier = load(weights)
    scored: dict[str, tuple[list[FeedbackRow], HeadLogits]] = {}
    entries = []
    for each in read_sets() if sets is None else sets:
        if each.source not in scored:
            read = [row for row in read_source(data_root / each.source) if row.split == "test"]
            heads, kept = classifier.logits([row.text for row in read])
            scored[each.source] = [read[at] for at in kept], heads
        rows, heads = scored[each.source]
        of_set = [at for at, row in enumerate(rows) if each.lang in (None, row.lang)]
        picked = HeadLogits(*(logits[of_set] for logits in heads))
        texts, ours = _measure(each, [rows[at] for at in of_set], picked, classifier)
        entries.append(each.model_dump() | {"texts": texts, "ours": round(100 * ours, 2)})
    found = {
        "weights": classifier.info.identity(),
        "command": command,
        "standing": {name: _standing(list(filter(counts, entries))) for name, counts in _STANDINGS.items()},
        "sets": entries,
    }
    output.mkdir(parents=True, exist_ok=True)
    (output / FIGURES).write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (output / PAGE).write_text(_page(found), encoding="utf-8")
    return found


def _measure(
    each: PublishedSet, rows: Sequence[FeedbackRow], heads: HeadLogits, classifier: Classifier
) -> tuple[int, float]:
    """The number of texts that the set's labels cover, and our figure (a share)."""
    config = classifier.info.config
    moods = mood_probabilities(heads, config.calibration)
    said: npt.NDArray[Any]
    if each.task == "topics":
        thresholds = np.array(list(config.thresholds.topics.values()))
        gold = topic_targets(rows, config.topics)
        said = topic_probabilities(heads, config.calibration) >= thresholds
    elif each.task == "anger":
        gold = anger_targets(rows)
        said = decided_moods(moods, config.thresholds.angry) == MOODS.index("angry")
    elif each.task == "complaint":
        # The one source of this kind leaves the satisfaction of texts that are no complaints unsaid.
        gold = (satisfaction_targets(rows) == _UNHAPPY).astype(np.int64)
        said = decided_moods(moods, config.thresholds.angry) >= MOODS.index("dissatisfied")
    else:
        gold = satisfaction_targets(rows)
        said = decided_satisfaction(moods, two_way=_NEUTRAL not in gold)
    known = gold != UNKNOWN
    if not known.any():
        raise RecipeError(f"{each.title}: no test row of {each.source} has a label for {each.task}")
    texts = int(known.any(axis=1).sum()) if known.ndim == 2 else int(known.sum())
    return texts, _score(each.metric, gold[known], said[known].astype(np.int64))


def _score(metric: str, gold: Classes, said: Classes) -> float:
    if metric == "accuracy":
        return float(accuracy_score(gold, said))
    if metric == "macro_f1":
        return float(f1_score(gold, said, labels=sorted(set(gold.tolist())), average="macro", zero_division=0))
    if metric == "f1_positive_negative":
        return float(f1_score(gold, said, labels=[0, _UNHAPPY], average="macro", zero_division=0))
    return float(f1_score(gold, said, zero_division=0))


def _standing(entries: Sequence[dict[str, Any]]) -> dict[str, int]:
    chosen = [each for each in entries if each["published"] is not None]
    return {
        "figures": len(chosen),
        "at_or_above": sum(each["ours"] >= each["published"] for each in chosen),
        "within_3_points": sum(each["ours"] >= each["published"] - _WITHIN for each in chosen),
    }


def _page(found: dict[str, Any]) -> str:
    lines = [
        "# Public test sets, beside published figures",
        "",
        f"{found['weights']['name']} {found['weights']['version']}: one model for all of them, with no head, "
        "threshold or calibration for any. The train splits of these sets are among the sources that its recipe draws "
        "from; most published systems were fine-tuned on the set's own train split and labels, and nothing else.",
        "",
        f"`{found['command']}`",
        "",
    ]
    for name, standing in found["standing"].items():
        lines += [
            f"- {name[0].upper()}{name[1:]}: at or above the published figure on {standing['at_or_above']} of "
            f"{standing['figures']}, at most 3 points under it on {standing['within_3_points']}.",
        ]
    lines += [
        "",
        "The published figure is the best known of a base-size transformer, of one language where there is one; else "
        "the best known of anything. Comparison: `same`: same task, classes and measure; `near`: classes coarser, or "
        "the split not certain to be the same; `no`: nothing like for like is known, and our figure stands here for "
        "itself. Figures marked * are quoted from memory, not read in their source.",
        "",
        "| set | texts | measure | ours | published | by | comparison | what differs |",
        "|---|--:|---|--:|--:|---|---|---|",
    ]
    for each in found["sets"]:
        published = "" if each["published"] is None else f"{each['published']:.1f}{'' if each['checked'] else ' *'}"
        lines += [
            f"| {each['title']} | {each['texts']} | {each['task']}, {each['metric'].replace('_', ' ')} | "
            f"{percent(each['ours'] / 100)} | {published} | {each['by']} | {each['compare']} | {each['differs']} |"
        ]
    return "\n".join([*lines, ""])
