"""Annotations of texts that stand elsewhere: labels keyed by a digest of the text, without the text.

A CSV file with the columns `text` (the first 16 hexadecimal digits of the SHA-256 of `same_text_key`), `mood` and
`topics` (names separated by spaces). So labels made for this task can be published where the texts may not. Texts that
differ only in case, spacing, punctuation or emoji share a digest.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from data.cleaning import same_text_key
from data.errors import SourceError
from data.labels import sentiment_and_anger
from data.rows import FeedbackRow, Sentiment

COLUMNS = ("text", "mood", "topics")
_DIGEST = re.compile(r"[0-9a-f]{16}")

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


def read_annotations(path: Path, *, topics: Collection[str]) -> dict[str, Annotation]:
    """Reads an annotations file: from the digest of a text to its labels, whose topics must be among `topics`.

    Raises:
        SourceError: the file is missing or not in the format; the message names the line.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.DictReader(file)
            if tuple(lines.fieldnames or ()) != COLUMNS:
                raise SourceError(f"{path}: the columns are {lines.fieldnames}; they must be {', '.join(COLUMNS)}")
            read: dict[str, Annotation] = {}
            for line in lines:
                place = f"{path}, line {lines.line_num}"
                digest, annotation = _annotation(line, place, topics)
                if digest in read:
                    raise SourceError(f"{place}: the text {digest} stands there twice; keep one line")
                read[digest] = annotation
            return read
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path}: cannot be read ({error})") from error


def _annotation(line: Mapping[str, str | None], place: str, topics: Collection[str]) -> tuple[str, Annotation]:
    digest, said = line["text"], line["topics"]
    if None in line or digest is None or said is None:
        raise SourceError(f"{place}: it needs exactly the fields {', '.join(COLUMNS)}")
    if not _DIGEST.fullmatch(digest):
        raise SourceError(f"{place}: {digest!r} is not the digest of a text, 16 hexadecimal digits")
    if strange := set(said.split()) - set(topics):
        raise SourceError(f"{place}: unknown topic {sorted(strange)}; use {', '.join(topics)}, with spaces between")
    try:
        sentiment, angry = sentiment_and_anger({"mood": line["mood"] or ""})
    except SourceError as error:
        raise SourceError(f"{place}: {error}") from None
    if sentiment is None or angry is None:
        raise SourceError(f"{place}: it has no mood")
    return digest, Annotation(sentiment, angry, tuple(said.split()))


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
