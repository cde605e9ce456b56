"""Files as `rida score` writes them, made without a network, and what a report says of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

from table_files import ADDED, write_rows

from model.labels import MOODS
from serving.cli import main

FIRST_DAY = date(2025, 3, 3)
WORDS = {
    "satisfied": ["great", "lovely", "quick", "friendly", "cheap", "clean"],
    "neutral": ["hours", "question", "address", "size", "colour", "menu"],
    "dissatisfied": ["slow", "late", "cold", "broken", "rude", "missing"],
    "angry": ["scam", "thieves", "never again", "lawyer", "disgusting", "liars"],
}


def scored_row(mood: str = "satisfied", topics: Iterable[str] = (), *, probability: float = 0.85, **columns) -> dict:
    """A row with its added columns; `columns` come before them, or in place of one."""
    likeliest = mood if mood in MOODS else MOODS[0]
    scores = dict.fromkeys(MOODS, (1 - probability) / 3) | {likeliest: probability}
    added = {
        "mood": mood,
        **{each: round(score, 6) for each, score in scores.items()},
        "topics": list(topics),
        "needs_review": probability < 0.6,
        "truncated": False,
        "error": None,
    }
    own = {"text": "fine", **{name: value for name, value in columns.items() if name not in ADDED}}
    return {**own, **added, **{name: value for name, value in columns.items() if name in ADDED}}


def failed_row(code: str = "empty_text", **columns) -> dict:
    return {"text": "", **columns, **dict.fromkeys(ADDED), "error": f"{code}: there is nothing to read"}


def written(path: Path, rows: list[dict]) -> str:
    """The rows in the format that the name says, lists joined where a cell cannot hold one."""
    if not path.name.endswith((".parquet", ".jsonl", ".jsonl.gz")):
        rows = [
            {name: ";".join(value) if isinstance(value, list) else _spelled(value, path) for name, value in row.items()}
            for row in rows
        ]
    return write_rows(path, rows)


def _spelled(value: object, path: Path) -> object:
    if isinstance(value, bool) and not path.name.endswith(".xlsx"):
        return "true" if value else "false"
    return "" if value is None else value


def year_of_feedback(rows: int = 1200, *, seed: int = 1) -> list[dict]:
    """Twelve weeks in two stores; in the eighth, parcels come late, and the harbour store is worse throughout."""
    chance = random.Random(seed)
    found = []
    for number in range(rows):
        day = FIRST_DAY + timedelta(days=number * 84 // rows)
        store = chance.choice(("centre", "harbour"))
        late = 49 <= (day - FIRST_DAY).days < 56
        weights = (2, 1, 2, 6) if late else (4, 2, 3, 3) if store == "harbour" else (6, 2, 2, 1)
        mood = chance.choices(MOODS, weights)[0]
        topics = ["delivery"] if late or chance.random() < 0.2 else chance.choice((["price"], ["billing", "price"], []))
        words = " ".join(chance.sample(WORDS[mood], 3))
        found.append(
            scored_row(
                mood,
                topics,
                probability=chance.uniform(0.5, 0.99),
                text=f"{words} number {chance.randrange(10**6)}",
                date=day.isoformat(),
                store=store,
                lang=chance.choice(("ar", "en")),
            )
        )
    return found


def as_json(tmp_path, rows, *options, name="in.csv"):
    """What a report on such rows says."""
    output = tmp_path / "report.json"
    assert main(["report", written(tmp_path / name, rows), "-o", str(output), *options]) == 0
    return json.loads(output.read_text(encoding="utf-8"))
