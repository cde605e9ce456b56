"""Which language a text is in, of those that the weights know."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from functools import cache
from typing import Final

from py3langid.langid import MODEL_FILE, LanguageIdentifier

_LEAST_CONFIDENCE: Final = 0.2
_LOOKED_AT: Final = 1000


class Languages:
    """Tells languages apart; safe to use from several threads."""

    def __init__(self, known: Iterable[str]) -> None:
        self._identifier = copy.copy(_all_languages())
        spoken = sorted(set(known) & set(self._identifier.labels))
        if spoken:
            self._identifier.set_languages(spoken)

    def of(self, text: str) -> str | None:
        """The likeliest language's code; None where a text says too little to tell."""
        code, _ = self._identifier.classify(text[:_LOOKED_AT])
        return None if code == "und" else str(code)


@cache
def _all_languages() -> LanguageIdentifier:
    # Once a process: it takes most of a second to unpack.
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True, min_confidence=_LEAST_CONFIDENCE)
