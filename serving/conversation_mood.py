"""The mood of a conversation, of which the last message says most but not all.

The calibrated probabilities of the customer's last eight messages are averaged; each message weighs half of the one
after it. The mood is then decided as it is for a text. So one sharp word among friendly ones does not make a
conversation angry, unless the model is sure of it, and a last "thank you" does not hide an hour of anger.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from model.decision import decided_moods
from model.labels import MOODS, Mood

MESSAGES_READ: Final = 8
"""How many messages count; an older one would weigh less than half a hundredth."""

Scores = tuple[float, float, float, float]
"""The probability of each mood, in the order of MOODS."""


def combined(newest_first: Sequence[Scores]) -> Scores:
    """The scores of a conversation of at least one message."""
    scores = np.asarray(newest_first[:MESSAGES_READ], dtype=np.float64)
    weights = 0.5 ** np.arange(len(scores))
    mean = weights @ scores / weights.sum()
    return (float(mean[0]), float(mean[1]), float(mean[2]), float(mean[3]))


def mood_of(scores: Scores, angry_threshold: float) -> Mood:
    """The likeliest mood, but `angry` from its threshold on."""
    mood: Mood = MOODS[decided_moods(np.asarray([scores]), angry_threshold)[0]]
    return mood


def is_alarmed(before: bool, scores: Scores, angry_threshold: float) -> bool:
    """Whether the alarm is on, given that it was or was not.

    It goes on when the mood turns angry, and off only below half of the threshold: a conversation that wavers about the
    threshold raises one alarm and not ten.
    """
    if mood_of(scores, angry_threshold) == "angry":
        return True
    return before and scores[MOODS.index("angry")] >= angry_threshold / 2


def certain(mood: Mood) -> Scores:
    """The scores of a message whose mood a person has said."""
    values = [float(each == mood) for each in MOODS]
    return (values[0], values[1], values[2], values[3])
