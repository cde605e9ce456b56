"""Files written and read by other means than Rida's own, and a classifier that needs no weights."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from model.prediction import Prediction, Rejection, TopicScore

ADDED = [
    "mood",
    "satisfied",
    "neutral",
    "dissatisfied",
    "angry",
    "topics",
    "needs_review",
    "truncated",
    "error",
]


class Started:
    """Texts that are scored when their predictions are asked for."""

    def __init__(self, stub, texts):
        self.stub, self.texts = stub, texts

    def predictions(self):
        return self.stub.classify(self.texts)

    def cancel(self):
        self.stub.cancelled += 1


class Stub:
    """Predicts from a text's length and words, so that a swapped row shows.

    Remembers which texts it was given to score, and as a watcher all rows with their ids.
    """

    info = SimpleNamespace(answers_by="of no weights")

    def __init__(self):
        self.scored = []
        self.ids = []
        self.texts = []
        self.cancelled = 0

    def start(self, texts):
        return Started(self, list(texts))

    def classify(self, texts):
        self.scored.append(texts)
        return [self._one(text, str(at)) for at, text in enumerate(texts)]

    def watch(self, ids, texts, results):
        self.ids += ids
        self.texts += texts

    def _one(self, text, key):
        if not isinstance(text, str):
            return Rejection(key, "not_text", "a text is expected")
        if not text.strip():
            return Rejection(key, "empty_text", "there is nothing to read")
        angry = (len(text) % 97) / 100
        topics = tuple(TopicScore(name, 0.9) for name in ("delivery", "price") if name in text)
        scores = {"satisfied": 0.97 - angry, "neutral": 0.01, "dissatisfied": 0.02, "angry": angry}
        return Prediction(key, "angry" if angry > 0.5 else "satisfied", scores, topics, topics, False, False, 3)


class Stopping(Stub):
    """Stops after some chunks, as a user, a bug or a full disk would."""

    def __init__(self, error=None, *, chunks=1):
        super().__init__()
        self.error, self.chunks = error or KeyboardInterrupt(), chunks

    def classify(self, texts):
        if len(self.scored) == self.chunks:
            raise self.error
        return super().classify(texts)


def write_rows(path: Path, rows: list[dict]) -> str:
    """Write rows in the format that the name says; all rows need the same keys."""
    name = path.name.removesuffix(".gz")
    kind = name.rsplit(".", 1)[1]
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif kind == "xlsx":
        book = openpyxl.Workbook()
        book.active.append(list(rows[0]))
        for row in rows:
            book.active.append(list(row.values()))
        book.save(path)
    else:
        if kind == "jsonl":
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        else:
            out = io.StringIO()
            table = csv.DictWriter(out, list(rows[0]), delimiter="," if kind == "csv" else "\t")
            table.writeheader()
            table.writerows(rows)
            text = out.getvalue()
        data = text.encode()
        path.write_bytes(gzip.compress(data) if path.name.endswith(".gz") else data)
    return str(path)


def read_rows(path: Path | str) -> list[dict]:
    """Read an output back."""
    path = Path(path)
    name = path.name.removesuffix(".gz")
    kind = name.rsplit(".", 1)[1]
    if kind == "parquet":
        return pq.read_table(path).to_pylist()
    if kind == "xlsx":
        header, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
        return [dict(zip(header, row, strict=True)) for row in rows]
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.name.endswith(".gz") else data).decode()
    if kind == "jsonl":
        return [json.loads(line) for line in text.split("\n") if line]
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter="," if kind == "csv" else "\t", strict=True))
