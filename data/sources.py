"""Reading a source: a folder with rows as JSON lines, and a card that says where they come from.

A folder holds `data.jsonl.gz` (rows name their split) or one file a split (`train.jsonl.gz`,
`test.jsonl.gz`, …), and may hold `card.json` with `licence` and `topics_covered`, which a row may have of its own.
Uncompressed `.jsonl` works too.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from data.errors import SourceError
from data.labels import covered_topics, sentiment_and_anger, topics
from data.rows import FeedbackRow, Split

_SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class SourceCard:
    """Where a source comes from and what it is able to say."""

    name: str
    title: str
    licence: str
    topics_covered: tuple[str, ...] | None


def read_card(folder: Path) -> SourceCard:
    """Reads `card.json`; a folder without one is a source of unstated licence that labels every topic.

    Raises:
        SourceError: the folder is missing, or its card is not a JSON object.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder}: no such source folder; check the data root and the source's name")
    path = folder / "card.json"
    if not path.exists():
        return SourceCard(folder.name, folder.name, "not stated", None)
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SourceError(f"{path}: not valid JSON ({error})") from error
    if not isinstance(card, dict):
        raise SourceError(f"{path}: expected a JSON object, found {type(card).__name__}")
    covered = card.get("topics_covered") or []
    if not isinstance(covered, list) or not all(isinstance(topic, str) for topic in covered):
        raise SourceError(f"{path}: topics_covered is {covered!r}; use a list of names")
    return SourceCard(
        folder.name,
        str(card.get("title", folder.name)),
        str(card.get("licence", "not stated")),
        tuple(covered),
    )


def read_source(folder: Path, *, validation_share: float = 0.0) -> list[FeedbackRow]:
    """Reads all rows of a source, in file order.

    A source without validation rows gets `validation_share` of its train rows as validation, chosen
    by a hash of their ids, so that the same rows are held out whatever else changes.

    Raises:
        SourceError: the folder or a file is missing or unreadable, or a row is not in the format.
    """
    card = read_card(folder)
    rows = [row for path, split in _files(folder) for row in _read_file(path, split, card)]
    if validation_share and not any(row.split == "validation" for row in rows):
        rows = [_held_out(row, validation_share) for row in rows]
    return rows


def _files(folder: Path) -> list[tuple[Path, Split | None]]:
    candidates: list[tuple[str, Split | None]] = [("data", None), *((split, split) for split in _SPLITS)]
    found = [
        (path, split)
        for stem, split in candidates
        for path in (folder / f"{stem}.jsonl.gz", folder / f"{stem}.jsonl")
        if path.exists()
    ]
    if not found:
        raise SourceError(f"{folder}: holds neither data.jsonl.gz nor train.jsonl.gz")
    return found


def _read_file(path: Path, split: Split | None, card: SourceCard) -> Iterator[FeedbackRow]:
    for number, line in enumerate(_json_lines(path), start=1):
        try:
            yield _row(line, split, card)
        except SourceError as error:
            raise SourceError(f"{path}, row {number}: {error}") from None


def _json_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    import datasets

    try:
        # Read as text, parsed here: the loader for JSON would guess one type for a column such as
        # `raw`, which differs from row to row.
        lines = datasets.load_dataset("text", data_files=str(path), split="train", streaming=True)
        for line in lines:
            if line["text"].strip():
                yield json.loads(line["text"])
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SourceError(f"{path}: cannot be read as JSON lines ({error})") from error


def _row(fields: Mapping[str, Any], split: Split | None, card: SourceCard) -> FeedbackRow:
    if not isinstance(fields, dict):
        raise SourceError(f"expected an object, found {type(fields).__name__}")
    for name in ("id", "text", "lang"):
        if not isinstance(fields.get(name), str):
            raise SourceError(f"{name} is {fields.get(name)!r}; it must be a string")
    named = split or fields.get("split")
    if named not in _SPLITS:
        raise SourceError(f"split is {named!r}; use one of {', '.join(_SPLITS)}")
    sentiment, angry = sentiment_and_anger(fields)
    return FeedbackRow(
        id=fields["id"],
        text=fields["text"],
        lang=fields["lang"],
        source=card.name,
        split=named,
        sentiment=sentiment,
        angry=angry,
        topics=topics(fields),
        topics_covered=covered_topics(fields, card.topics_covered),
        origin=str(fields.get("source") or ""),
    )


def _held_out(row: FeedbackRow, share: float) -> FeedbackRow:
    if row.split != "train":
        return row
    bucket = int.from_bytes(hashlib.sha256(row.id.encode()).digest()[:4]) / 2**32
    if bucket >= share:
        return row
    return replace(row, split="validation")
