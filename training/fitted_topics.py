"""What `rida topics fit` learned: figures and advice for the terminal, the weights folder and its card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from model.errors import WeightsError
from training.topic_examples import MIN_EXAMPLES
from training.topic_quality import TopicQuality, quality_table

OWN_TOPICS = "own_topics.json"
"""The file of a weights folder that holds what was learned of its own topics, one fit after the other."""

HEADING = "## Own topics"


@dataclass(frozen=True, slots=True)
class FittedTopics:
    """How good each topic is, on how many texts, how strongly it was regularised, and `base`, the weights before."""

    base: str
    qualities: tuple[TopicQuality, ...]
    texts: int
    without: int
    strength: float

    def table(self) -> list[str]:
        """A line a topic, as Markdown that also reads well on a terminal; per cent."""
        return quality_table(self.qualities)

    def advice(self) -> list[str]:
        """What would make the topics better, in sentences."""
        said = [advice for quality in self.qualities if (advice := quality.advice())]
        if self.without < MIN_EXAMPLES:
            said.append(
                f"Only {self.without} texts have none of the topics: texts on other things will often be given one, "
                "too. Add some with an empty topic."
            )
        return said

    def as_dict(self) -> dict[str, Any]:
        """The shape that `rida topics fit --json` shows."""
        return {
            "base": self.base,
            "texts": self.texts,
            "without_topic": self.without,
            "inverse_regularisation": self.strength,
            "topics": [quality.as_dict() for quality in self.qualities],
            "advice": self.advice(),
        }


def read_fits(folder: Path, *, without: Sequence[str] = ()) -> list[FittedTopics]:
    """What was learned of the own topics of a weights folder, in order, but for those named `without`.

    Empty where they came in another way, or there are none.

    Raises:
        WeightsError: the file that tells it is damaged.
    """
    path = folder / OWN_TOPICS
    if not path.exists():
        return []
    try:
        fits = [_fit(found) for found in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path}: cannot be read ({error}); restore it, or fit the topics again") from error
    kept = (replace(fit, qualities=tuple(each for each in fit.qualities if each.name not in without)) for fit in fits)
    return [fit for fit in kept if fit.qualities]


def write_fits(folder: Path, fits: Sequence[FittedTopics]) -> None:
    """Writes what `read_fits` reads."""
    text = json.dumps([fit.as_dict() for fit in fits], indent=1, ensure_ascii=False)
    (folder / OWN_TOPICS).write_text(text + "\n", encoding="utf-8")


def _fit(found: dict[str, Any]) -> FittedTopics:
    return FittedTopics(
        base=found["base"],
        qualities=tuple(TopicQuality(**each) for each in found["topics"]),
        texts=found["texts"],
        without=found["without_topic"],
        strength=found["inverse_regularisation"],
    )


def section(fits: Sequence[FittedTopics]) -> list[str]:
    """The model card's section, its last; nothing where there are no fits."""
    if not fits:
        return []
    lines = [
        HEADING,
        "",
        "The encoder and all other heads are those of the weights before. Figures in per cent, by cross-validation on "
        "the texts learned from: of other texts, and of other languages than theirs, they say little.",
        "",
    ]
    for fit in fits:
        lines += [
            f"Learned by `rida topics fit`, beginning with {fit.base}, from {fit.texts} labelled texts, {fit.without} "
            "of them without an own topic:",
            "",
            *fit.table(),
            "",
            *(f"- {advice}" for advice in fit.advice()),
            *([""] if fit.advice() else []),
        ]
    return lines
