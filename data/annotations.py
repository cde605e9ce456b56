"""Annotations of texts that stand elsewhere: labels keyed by a digest of the text, without the text.

A CSV file with the columns `text` (the first 16 hexadecimal digits of the SHA-256 of `same_text_key`), `mood` and
`topics` (names separated by spaces). So labels made for this task can be published where the texts may not.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from data.cleaning import same_text_key
from data.errors import SourceError
from data.labels import sentiment_and_anger
from data.rows import FeedbackRow, Sentiment

COLUMNS = ("text", "mood", "topics")
NAME = "annotations"
"""What the rows made of an annotations file name as their source."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """Satisfaction, anger and all topics of one text."""

    sentiment: Sentiment
    angry: bool
    topics: tuple[str, ...]


def text_digest(text: str) -> str:
    """The key of a text in an annotations file."""
    return hashlib.sha256(same_text_key(text).encode()).hexdigest()[:16]


def read_annotations(path: Path) -> dict[str, Annotation]:
    """Reads an annotations file: from the digest of a text to its labels.

    Raises:
        SourceError: the file is missing or not in the format; the message names the line.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.DictReader(file)
            if tuple(lines.fieldnames or ()) != COLUMNS:
                raise SourceError(f"{path}: the columns are {lines.fieldnames}; they must be {', '.join(COLUMNS)}")
            return dict(_annotation(line, f"{path}, line {lines.line_num}") for line in lines)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path}: cannot be read ({error})") from error


def _annotation(line: Mapping[str, str | None], place: str) -> tuple[str, Annotation]:
    digest, topics = line["text"], line["topics"]
    if None in line or digest is None or topics is None:
        raise SourceError(f"{place}: it needs exactly the fields {', '.join(COLUMNS)}")
    try:
        sentiment, angry = sentiment_and_anger({"mood": line["mood"] or ""})
    except SourceError as error:
        raise SourceError(f"{place}: {error}") from None
    if sentiment is None or angry is None:
        raise SourceError(f"{place}: it has no mood")
    return digest, Annotation(sentiment, angry, tuple(topics.split()))


def annotated_rows(rows: Iterable[FeedbackRow], annotations: Mapping[str, Annotation]) -> Iterator[FeedbackRow]:
    """Yields, for each annotated text among `rows`, a row more with the annotation's labels, once a text."""
    left = dict(annotations)
    for row in rows:
        said = left.pop(text_digest(row.text), None)
        if said is not None:
            yield replace(
                row, source=NAME, origin=row.origin or row.source, topics_covered=None,
                sentiment=said.sentiment, angry=said.angry, topics=said.topics,
            )  # fmt: skip
