"""The columns that scoring adds, and what a prediction or a rejection puts in them."""

from __future__ import annotations

from typing import Final

from model.errors import InputError
from model.labels import MOODS
from model.prediction import Prediction, Rejection
from serving.tables.table import Chunk, Row, Table, names

ADDED: Final = ("mood", *MOODS, "topics", "needs_review", "truncated", "error")


def added_values(result: Prediction | Rejection) -> Row:
    """The added columns of one row; None in all but `error` where there is no prediction."""
    if isinstance(result, Rejection):
        return {**dict.fromkeys(ADDED), "error": f"{result.code}: {result.message}"}
    return {
        "mood": result.mood,
        **{mood: round(result.scores[mood], 6) for mood in MOODS},
        "topics": [topic.name for topic in result.topics],
        "needs_review": result.needs_review,
        "truncated": result.truncated,
        "error": None,
    }


def added_cells(added: Row) -> Row:
    """The same where a cell cannot hold a list: topics joined with `;`."""
    topics = added.get("topics")
    return {**added, "topics": ";".join(topics)} if isinstance(topics, list) else added


def refuse_added(table: Table, chunk: Chunk) -> None:
    """Raise InputError if an input column has the name of an added one: one of the two would be lost."""
    taken = [name for name in ADDED if name in chunk.columns]
    if not taken:
        return
    place = table.name
    if table.open_ended:
        place = next(chunk.where(i) for i, row in enumerate(chunk.rows()) if taken[0] in row)
    raise InputError(
        f"{place}: there is already a column named {names(taken)}, which scoring adds. "
        "Rename it or take it out of the input (was this file scored before?)."
    )
