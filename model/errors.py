"""Everything Rida raises on purpose.

RidaError
├── WeightsError    a weights folder is missing, damaged or of another version
├── TextError       one text cannot be scored; never stops the texts beside it
├── InputError      a file, column, option or setting cannot be used as given
└── RecipeError     a training recipe or a data source is wrong

Each message says what is wrong, where, and how to mend it.
"""

from __future__ import annotations

from typing import Final

NO_SCORE: Final = "no_score"
"""The code of a text for which the model gave no number: a fault of the weights or the machine, not of the text."""


class RidaError(Exception):
    """Base of all errors that a caller can act on."""


class WeightsError(RidaError):
    """A weights folder is missing, damaged or made for another version."""


class TextError(RidaError):
    """One text cannot be scored.

    `code` is stable and machine-readable: `empty_text`, `not_text`, `unreadable_text` or `no_score`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class InputError(RidaError):
    """A file, column, option or setting cannot be used as given."""


class RecipeError(RidaError):
    """A training recipe or a data source is wrong."""
