"""How far an exported model is from the torch network it was made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import f1_score

from data.rows import FeedbackRow
from model.calibration import HeadLogits, mood_probabilities
from model.config import Calibration, Thresholds
from model.decision import decided_moods
from model.labels import FIRST_CLASS_LANGUAGES
from training.targets import mood_targets

MIN_UNCHANGED = 0.98
MAX_F1_LOST = 0.005


@dataclass(frozen=True, slots=True)
class LanguageComparison:
    """Of one language's texts: the share whose mood is unchanged, the largest change of a mood's
    probability, and mood macro-F1 of torch and of the export.
    """

    texts: int
    moods_unchanged: float
    largest_change: float
    torch_macro_f1: float
    exported_macro_f1: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Comparison over all texts and by language."""

    texts: int
    moods_unchanged: float
    largest_change: float
    languages: dict[str, LanguageComparison]

    def keeps_answers(self) -> bool:
        """Whether at least 98 % of moods are unchanged and no first-class language loses over 0.5 points of F1."""
        lost = [
            found.torch_macro_f1 - found.exported_macro_f1
            for lang, found in self.languages.items()
            if lang in FIRST_CLASS_LANGUAGES
        ]
        return self.moods_unchanged >= MIN_UNCHANGED and all(each <= MAX_F1_LOST for each in lost)

    def summary(self) -> str:
        """One line for the log."""
        lost = {
            lang: round(100 * (found.torch_macro_f1 - found.exported_macro_f1), 2)
            for lang, found in self.languages.items()
            if lang in FIRST_CLASS_LANGUAGES
        }
        return (
            f"{100 * self.moods_unchanged:.1f} % of {self.texts} moods unchanged, largest change of a "
            f"probability {self.largest_change:.3f}, points of macro-F1 lost {lost}"
        )


def compare(
    exported: HeadLogits,
    reference: HeadLogits,
    rows: Sequence[FeedbackRow],
    calibration: Calibration,
    thresholds: Thresholds,
) -> Comparison:
    """Compares calibrated moods under the same calibration and thresholds."""
    ours, theirs = mood_probabilities(exported, calibration), mood_probabilities(reference, calibration)
    our_moods, their_moods = decided_moods(ours, thresholds.angry), decided_moods(theirs, thresholds.angry)
    gold = mood_targets(rows)
    languages = {}
    for lang in sorted({row.lang for row in rows}):
        at = np.array([row.lang == lang for row in rows])
        known = at & (gold >= 0)
        present = sorted(set(gold[known].tolist()))

        def macro_f1(moods: np.ndarray, known: np.ndarray = known, present: list[int] = present) -> float:
            if not present:
                return 0.0
            return float(f1_score(gold[known], moods[known], labels=present, average="macro", zero_division=0))

        languages[lang] = LanguageComparison(
            texts=int(at.sum()),
            moods_unchanged=float((our_moods == their_moods)[at].mean()),
            largest_change=float(np.abs(ours - theirs)[at].max()),
            torch_macro_f1=macro_f1(their_moods),
            exported_macro_f1=macro_f1(our_moods),
        )
    return Comparison(
        texts=len(rows),
        moods_unchanged=float((our_moods == their_moods).mean()),
        largest_change=float(np.abs(ours - theirs).max()),
        languages=languages,
    )
