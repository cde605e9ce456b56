"""The angriest rows of a scoring run, as a table for a person at a terminal."""

from __future__ import annotations

import heapq
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from model.labels import Mood
from model.prediction import Prediction, Rejection
from serving.describe import percent
from serving.output import cells, one_line

_KEPT_CHARACTERS: Final = 2000
_WIDEST_ID: Final = 16
_NARROWEST: Final = 20
_GAPS: Final = 13
_LEFT_TO_RIGHT_MARK: Final = "\u200e"
_STYLES: Final[dict[Mood, str]] = {"angry": "bold red", "dissatisfied": "yellow", "satisfied": "green"}


@dataclass(frozen=True, slots=True)
class AngryRow:
    """A row's id and text, and what was predicted of it."""

    id: str
    prediction: Prediction
    text: str


class Triage:
    """Watches rows and keeps the `most` angriest, whatever format is written."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen = 0
        self._heap: list[tuple[float, int, AngryRow]] = []

    def watch(self, ids: Sequence[str], texts: Sequence[object], results: Sequence[Prediction | Rejection]) -> None:
        """Take some rows, in input order."""
        for id_, text, result in zip(ids, texts, results, strict=True):
            self._seen += 1
            if isinstance(result, Prediction):
                row = AngryRow(id_, result, str(text)[:_KEPT_CHARACTERS])
                # Of equally angry rows the earlier comes first, so that two runs show the same.
                heapq.heappush(self._heap, (result.scores["angry"], -self._seen, row))
                if len(self._heap) > self._most:
                    heapq.heappop(self._heap)

    def angriest(self) -> list[AngryRow]:
        """The rows kept, angriest first."""
        return [row for _, _, row in sorted(self._heap, reverse=True)]


def show_table(rows: Sequence[AngryRow], stream: TextIO, columns: int | None = None) -> None:
    """Write the table in `columns` terminal cells; None takes the terminal's."""
    if not rows:
        return
    ids = [one_line(row.id, _WIDEST_ID) for row in rows]
    topics = [", ".join(topic.name for topic in row.prediction.topics) for row in rows]
    fixed = len(str(len(rows))) + len("100 %") + len("dissatisfied") + _widest(["id", *ids]) + _GAPS
    room = max((columns or shutil.get_terminal_size().columns) - fixed, _NARROWEST)
    topics_room = min(_widest(["topics", *topics]), room * 2 // 5)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("#", "angry", "mood", "topics", "id", "text"):
        table.add_column(name, justify="right" if name in ("#", "angry") else "left", no_wrap=True)
    for rank, (row, id_, named) in enumerate(zip(rows, ids, topics, strict=True), start=1):
        prediction = row.prediction
        table.add_row(
            # The mark makes the terminal lay out the whole line from left to right, whatever the text.
            Text(f"{_LEFT_TO_RIGHT_MARK}{rank}"),
            percent(prediction.scores["angry"]),
            Text(prediction.mood, style=_STYLES.get(prediction.mood, "")),
            Text(one_line(named, topics_room)),
            Text(id_ + _LEFT_TO_RIGHT_MARK),
            Text(one_line(row.text, room - topics_room)),
        )
    Console(file=stream, width=fixed + room, highlight=False).print(table)


def _widest(values: Sequence[str]) -> int:
    return max(cells(value) for value in values)
