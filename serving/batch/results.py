"""Results as they are kept, in memory for texts that come again and in the journal for a run that goes on."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Final

from model.labels import MOODS
from model.prediction import Prediction, Rejection, TopicScore

Result = Prediction | Rejection

_DECIMALS: Final = 6
_QUICKLY: Final = 1


def kept(result: Result) -> Result:
    """What of a result is written for its row: without its name, and rounded as in the output."""
    if isinstance(result, Rejection):
        return Rejection("", result.code, result.message)
    return Prediction(
        id="",
        mood=result.mood,
        scores={mood: round(result.scores[mood], _DECIMALS) for mood in MOODS},
        topics=tuple(TopicScore(topic.name, round(topic.score, _DECIMALS)) for topic in result.topics),
        all_topics=(),
        needs_review=result.needs_review,
        truncated=result.truncated,
        tokens=result.tokens,
    )


def packed(digest: str, results: Sequence[Result]) -> bytes:
    """A chunk's results, bound to its texts by their digest."""
    return zlib.compress(json.dumps([digest, [_as_list(result) for result in results]]).encode(), _QUICKLY)


def unpacked(content: bytes) -> tuple[str, list[Result]]:
    """What `packed` was given; numbers come back as they were, bit for bit."""
    digest, results = json.loads(zlib.decompress(content))
    return digest, [_of_list(each) for each in results]


def _as_list(result: Result) -> list[object]:
    if isinstance(result, Rejection):
        return [result.code, result.message]
    return [
        result.mood,
        *(result.scores[mood] for mood in MOODS),
        [[topic.name, topic.score] for topic in result.topics],
        result.needs_review,
        result.truncated,
        result.tokens,
    ]


def _of_list(values: list) -> Result:  # type: ignore[type-arg]
    if len(values) == 2:
        return Rejection("", *values)
    mood, *scores, topics, needs_review, truncated, tokens = values
    return Prediction(
        id="",
        mood=mood,
        scores=dict(zip(MOODS, scores, strict=True)),
        topics=tuple(TopicScore(name, score) for name, score in topics),
        all_topics=(),
        needs_review=needs_review,
        truncated=truncated,
        tokens=tokens,
    )
