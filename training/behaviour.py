"""Behaviour suites: small cases that say what a good reading of a text may not get wrong.

Three kinds, after Ribeiro et al. 2020 (https://arxiv.org/abs/2005.04118): a minimum functionality test names the moods
that are right; an invariance test changes what must not matter and expects the same mood; a directional test changes
what must matter and expects a mood's probability to move.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from model.classifier import Classifier, load
from model.errors import InputError
from model.labels import Mood
from model.prediction import Prediction
from training.report import percent

FIGURES = "behaviour.json"
PAGE = "README.md"

_AT_ITS_END = 0.02


class _Case(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    capability: str
    text: str


class Minimum(_Case):
    """The mood must be one of `moods`."""

    kind: Literal["MFT"]
    moods: Annotated[tuple[Mood, ...], Field(min_length=1, max_length=2)]


class Invariance(_Case):
    """`text` and `variant` must have the same mood."""

    kind: Literal["INV"]
    variant: str


class Direction(_Case):
    """From `text` to `variant` the probability of `mood` must go up or down, unless it is at its end already."""

    kind: Literal["DIR"]
    variant: str
    mood: Mood
    change: Literal["up", "down"]


Case = Annotated[Minimum | Invariance | Direction, Field(discriminator="kind")]
_CASES: TypeAdapter[list[Case]] = TypeAdapter(list[Case])


def read_cases(path: Path) -> list[Case]:
    """Reads one language's suite, a JSON list of cases.

    Raises:
        InputError: the file is missing or a case is not in the format (which, and why).
    """
    try:
        return _CASES.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(f"{path}: not a suite of behaviour cases ({error})") from error


def passes(case: Case, before: Prediction, after: Prediction | None) -> bool:
    """Whether the predictions for a case's text, and for its variant where it has one, are as the case says."""
    if isinstance(case, Minimum):
        return before.mood in case.moods
    assert after is not None
    if isinstance(case, Invariance):
        return before.mood == after.mood
    was, now = before.scores[case.mood], after.scores[case.mood]
    if case.change == "down":
        was, now = 1 - was, 1 - now
    return now > was or min(was, now) >= 1 - _AT_ITS_END


def run_cases(classifier: Classifier, cases: Sequence[Case]) -> list[bool]:
    """Whether each case passes.

    Raises:
        InputError: a case's text cannot be scored.
    """
    before = _predictions(classifier, [case.text for case in cases])
    changed = [case for case in cases if not isinstance(case, Minimum)]
    after = iter(_predictions(classifier, [case.variant for case in changed]))
    return [
        passes(case, first, None if isinstance(case, Minimum) else next(after))
        for case, first in zip(cases, before, strict=True)
    ]


def _predictions(classifier: Classifier, texts: Sequence[str]) -> list[Prediction]:
    predictions = []
    for text, result in zip(texts, classifier.classify(texts), strict=True):
        if not isinstance(result, Prediction):
            raise InputError(f"the case {text!r} cannot be scored: {result.message}")
        predictions.append(result)
    return predictions


def measure_behaviour(weights: Path, *, cases: Path, output: Path, command: str = "") -> dict[str, Any]:
    """Runs every suite in the folder `cases` (one JSON file a language) and writes the pass rates into `output`.

    Raises:
        WeightsError, InputError: the weights or a suite cannot be used.
    """
    paths = sorted(cases.glob("*.json"))
    if not paths:
        raise InputError(f"{cases}: holds no suite; it must hold one JSON file a language")
    classifier = load(weights)
    counts: dict[str, dict[str, list[int]]] = {}
    kinds: dict[str, list[int]] = {}
    languages: dict[str, list[int]] = {}
    for path in paths:
        suite = read_cases(path)
        for case, passed in zip(suite, run_cases(classifier, suite), strict=True):
            for tally in (
                counts.setdefault(case.capability, {}).setdefault(path.stem, [0, 0]),
                kinds.setdefault(case.kind, [0, 0]),
                languages.setdefault(path.stem, [0, 0]),
            ):
                tally[0] += passed
                tally[1] += 1
    everything = [sum(tally[at] for tally in languages.values()) for at in (0, 1)]
    found = {
        "weights": classifier.info.identity(),
        "command": command,
        "passed": everything[0],
        "cases": everything[1],
        "languages": languages,
        "kinds": kinds,
        "capabilities": dict(sorted(counts.items())),
    }
    output.mkdir(parents=True, exist_ok=True)
    (output / FIGURES).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (output / PAGE).write_text(_page(found), encoding="utf-8")
    return found


def _page(found: dict[str, Any]) -> str:
    languages = list(found["languages"])
    lines = [
        "# Behaviour suites",
        "",
        f"{found['weights']['name']} {found['weights']['version']} passes {found['passed']} of {found['cases']} cases "
        f"({percent(found['passed'] / found['cases'])} %). How the cases came about stands beside them.",
        "",
        f"`{found['command']}`",
        "",
        "| capability | " + " | ".join(languages) + " | all |",
        "|---|" + "--:|" * (len(languages) + 1),
    ]
    for capability, by_language in found["capabilities"].items():
        both = [sum(tally[at] for tally in by_language.values()) for at in (0, 1)]
        lines += [_row(capability, [by_language.get(lang) for lang in languages], both)]
    lines += [_row("**all**", list(found["languages"].values()), [found["passed"], found["cases"]]), ""]
    lines += ["| kind | passed |", "|---|--:|"]
    names = {"MFT": "minimum functionality", "INV": "invariance", "DIR": "direction"}
    lines += [f"| {names[kind]} | {tally[0]} of {tally[1]} |" for kind, tally in sorted(found["kinds"].items())]
    return "\n".join([*lines, ""])


def _row(name: str, tallies: Sequence[list[int] | None], both: list[int]) -> str:
    cells = ["" if tally is None else f"{tally[0]}/{tally[1]}" for tally in tallies]
    return f"| {name} | {' | '.join(cells)} | {percent(both[0] / both[1])} % |"
