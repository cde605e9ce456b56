"""From the labels that a file uses to ours: a small TOML file, or stars.

[mood]                    # label in the file = mood; "unhappy" says dissatisfied or angry, and not which
"very happy" = "satisfied"
"complaint" = "unhappy"

[topics]                  # label in the file = topic; "" says that it is none
"shipping" = "delivery"
"other" = ""
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from model.errors import InputError
from model.labels import MOODS

UNHAPPY: Final = "unhappy"
"""What a label means that says no more than dissatisfied or angry."""

_SECTIONS: Final = ("mood", "topics")
_STARS: Final = {"1": UNHAPPY, "2": UNHAPPY, "3": "neutral", "4": "satisfied", "5": "satisfied"}


@dataclass(frozen=True, slots=True)
class LabelMap:
    """What the labels of a file mean; one that is not named means itself."""

    mood: Mapping[str, str] = field(default_factory=dict)
    topics: Mapping[str, str] = field(default_factory=dict)


STARS: Final = LabelMap(mood=_STARS)
"""One to five stars, as a rough reading: a calm one-star text is not angry, so one star says no more than unhappy."""


def read_label_map(path: Path) -> LabelMap:
    """Reads the TOML file.

    Raises:
        InputError: It is missing, no TOML, has another section, or a label is mapped to something that is no mood.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no TOML file ({error}).") from error
    for section in content:
        if section not in _SECTIONS:
            raise InputError(f"{path}: there is no section [{section}]; use [mood] and [topics].")
    mood = _labels(path, "mood", content.get("mood", {}))
    for label, meaning in mood.items():
        if meaning not in (*MOODS, UNHAPPY):
            raise InputError(
                f"{path}: [mood] {label!r} = {meaning!r} is no mood; use one of {', '.join((*MOODS, UNHAPPY))}."
            )
    return LabelMap(mood, _labels(path, "topics", content.get("topics", {})))


def _labels(path: Path, section: str, content: Any) -> dict[str, str]:
    if not isinstance(content, dict):
        raise InputError(f"{path}: {section} is {type(content).__name__}; write it as a section [{section}].")
    for label, meaning in content.items():
        if not isinstance(meaning, str):
            raise InputError(f"{path}: [{section}] {label!r} = {meaning!r}; write the label and its meaning in quotes.")
        if not label.strip():
            raise InputError(f"{path}: [{section}] has an empty label; a row without a label is never given one.")
    return {label.strip(): meaning.strip() for label, meaning in content.items()}
