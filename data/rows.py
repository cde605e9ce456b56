"""The row of labelled feedback that everything in `data` and `training` passes around."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "validation", "test"]
Sentiment = Literal["satisfied", "neutral", "dissatisfied"]


@dataclass(frozen=True, slots=True)
class FeedbackRow:
    """One text with whatever its source says about it; None means that the source does not say.

    `topics_covered` lists the topics that the source is able to label: about every other topic its
    silence says nothing. None means that it labels them all. `origin` names the source that a collected text
    was taken from, whose licence goes with it; empty where that is `source` itself.
    """

    id: str
    text: str
    lang: str
    source: str
    split: Split
    sentiment: Sentiment | None
    angry: bool | None
    topics: tuple[str, ...] | None
    topics_covered: tuple[str, ...] | None
    origin: str = ""

    @property
    def mood(self) -> str | None:
        """One of the four moods, where the row says enough to tell."""
        if self.sentiment != "dissatisfied":
            return self.sentiment
        if self.angry is None:
            return None
        return "angry" if self.angry else "dissatisfied"

    @property
    def label(self) -> str:
        """The class by which a mixture is balanced."""
        if self.angry:
            return "angry"
        return self.sentiment or ("calm" if self.angry is not None else "topics only")
