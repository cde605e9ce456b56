"""The rows a recipe may draw on: its sources read, filtered by licence and language, and cleaned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from data.cleaning import usable_for_training
from data.rows import FeedbackRow
from data.sources import SourceCard, read_card, read_source
from model.errors import RecipeError
from training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Corpus:
    """Rows to train on, rows to validate on, and the cards of the sources they are from."""

    train: list[FeedbackRow]
    validation: list[FeedbackRow]
    cards: tuple[SourceCard, ...]


def read_corpus(recipe: Recipe, data_root: Path) -> Corpus:
    """Reads the recipe's sources under `data_root`.

    Raises:
        SourceError: a source is missing or malformed.
        RecipeError: nothing is left to train on.
    """
    cards = [read_card(data_root / source.name) for source in recipe.sources]
    allowed = tuple(card for card in cards if not _excluded(card.licence, recipe))
    rows = [
        row
        for card in allowed
        for row in read_source(data_root / card.name, validation_share=recipe.data.validation_share)
        if row.lang not in recipe.data.exclude_languages
    ]
    train = usable_for_training(rows)
    if not train:
        raise RecipeError(
            f"{recipe.name}: no row is left to train on; check its sources, exclude_licences and "
            f"exclude_languages against {data_root}"
        )
    return Corpus(train, [row for row in rows if row.split == "validation"], allowed)


def _excluded(licence: str, recipe: Recipe) -> bool:
    return any(part.casefold() in licence.casefold() for part in recipe.data.exclude_licences)
