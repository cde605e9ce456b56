"""The rows a recipe may draw on: its sources read, cleaned, and filtered by licence and language."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data.annotations import annotated_rows, read_annotations
from data.cleaning import same_text_key, says_something, usable_for_training
from data.rows import FeedbackRow
from data.sources import SourceCard, read_card, read_source
from data.unmarked import unmarked_rows
from model.errors import RecipeError
from model.labels import TOPICS
from training.batches import legible
from training.recipe import Recipe

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Rows to train on, rows to validate on, and the cards of the sources that the train rows come from."""

    train: list[FeedbackRow]
    validation: list[FeedbackRow]
    cards: tuple[SourceCard, ...]


def read_corpus(recipe: Recipe, data_root: Path) -> Corpus:
    """Reads the recipe's sources under `data_root`.

    A text that a source has collected from another one goes by the licences of both.

    Raises:
        SourceError: a source is missing or malformed.
        RecipeError: nothing is left to train on.
    """
    share = recipe.data.validation_share
    folders = {source.name: source.folder or data_root / source.name for source in recipe.sources}
    rows = [
        row
        for folder in folders.values()
        for row in without_own_topics(read_source(folder, validation_share=share), folder)
    ]
    names = sorted({source.name for source in recipe.sources} | {row.origin for row in rows if row.origin})
    cards = {name: _card(folders.get(name, data_root / name)) for name in names}
    excluded = {name for name, card in cards.items() if _excluded(card.licence, recipe)}

    def allowed(row: FeedbackRow) -> bool:
        return row.lang not in recipe.data.exclude_languages and not {row.source, row.origin} & excluded

    train = usable_for_training(rows, allowed)
    if recipe.data.annotations is not None:
        train = [*train, *annotated_rows(train, read_annotations(recipe.data.annotations, topics=TOPICS))]
    held_out = {same_text_key(row.text) for row in rows if row.split != "train"}
    unmarked = unmarked_rows(train, recipe.data.unmarked)
    train = [*train, *(row for row in unmarked if same_text_key(row.text) not in held_out)]
    if not train:
        raise RecipeError(
            f"{recipe.name}: no row is left to train on; check its sources, exclude_licences and "
            f"exclude_languages against {data_root}"
        )
    used = {row.source for row in train} | {row.origin for row in train}
    validation = [row for row in rows if row.split == "validation" and allowed(row)]
    return Corpus(train, validation, tuple(card for name, card in cards.items() if name in used))


def calibration_rows(corpus: Corpus, sources: Sequence[str], *, max_characters: int) -> list[FeedbackRow]:
    """Validation rows of these sources that are legible and whose labels say something.

    Raises:
        RecipeError: there is none.
    """
    rows = [
        row
        for row in corpus.validation
        if row.source in sources and says_something(row) and legible(row.text, max_characters)
    ]
    if not rows:
        raise RecipeError(
            f"no validation row in {', '.join(sources)}: nothing can be calibrated; raise validation_share, or "
            "calibrate on other sources of the recipe (rida export --calibrate-on)"
        )
    return rows


def without_own_topics(rows: Sequence[FeedbackRow], folder: Path) -> list[FeedbackRow]:
    """The rows of a source without own topics, which no recipe trains; says which and in how many rows.

    A topic is one if the row's `topics_covered` has it, as in corrections; any other name is a mistake, and stays.
    """
    left_out: Counter[str] = Counter()

    def shared(row: FeedbackRow) -> FeedbackRow:
        own = set(row.topics or ()) & set(row.topics_covered or ()) - set(TOPICS)
        left_out.update(own)
        return replace(row, topics=tuple(topic for topic in row.topics or () if topic not in own)) if own else row

    kept = [shared(row) for row in rows]
    if left_out:
        log.warning(
            "%s: own topics are left out, as a recipe trains only those that all weights have: %s. rida topics fit or "
            "rida train --data learns them",
            folder, ", ".join(f"{name!r} ({count} rows)" for name, count in sorted(left_out.items())),
        )  # fmt: skip
    return kept


def _card(folder: Path) -> SourceCard:
    return read_card(folder) if folder.is_dir() else SourceCard(folder.name, folder.name, "not stated", None)


def _excluded(licence: str, recipe: Recipe) -> bool:
    """Whether a licence has one of the excluded words in it, as whole words: `NC` is not in `licence`."""
    return any(
        re.search(rf"(?<![a-z]){re.escape(words)}(?![a-z])", licence, re.IGNORECASE)
        for words in recipe.data.exclude_licences
    )
