"""What scoring a text gives back: a prediction, or a rejection that says why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from model.labels import Mood


@dataclass(frozen=True, slots=True)
class TopicScore:
    """A topic and the calibrated probability that the text speaks of it."""

    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """How one customer feels and what about.

    `scores` holds the calibrated probability of each mood and sums to 1. `topics` are those over
    their threshold, best first; `all_topics` are all, best first. `tokens` counts the pieces
    read; `truncated` says that the text had more than that.
    """

    id: str
    mood: Mood
    scores: dict[Mood, float]
    topics: tuple[TopicScore, ...]
    all_topics: tuple[TopicScore, ...]
    needs_review: bool
    truncated: bool
    tokens: int

    def as_dict(self, *, all_topics: bool = False) -> dict[str, Any]:
        """The JSON shape of the contract; `all_topics` adds the list of all topics' scores."""
        shape: dict[str, Any] = {
            "id": self.id,
            "mood": self.mood,
            "scores": {mood: round(score, 6) for mood, score in self.scores.items()},
            "topics": _topics_as_dicts(self.topics),
            "needs_review": self.needs_review,
            "truncated": self.truncated,
            "tokens": self.tokens,
        }
        if all_topics:
            shape["all_topics"] = _topics_as_dicts(self.all_topics)
        return shape


@dataclass(frozen=True, slots=True)
class Rejection:
    """Stands in the place of a prediction where a text cannot be scored; the others are."""

    id: str
    code: str
    message: str

    def as_dict(self, *, all_topics: bool = False) -> dict[str, Any]:
        """The JSON shape of the contract; `all_topics` is accepted for symmetry and changes nothing."""
        return {"id": self.id, "error": {"code": self.code, "message": self.message}}


def _topics_as_dicts(topics: tuple[TopicScore, ...]) -> list[dict[str, Any]]:
    return [{"name": topic.name, "score": round(topic.score, 6)} for topic in topics]
