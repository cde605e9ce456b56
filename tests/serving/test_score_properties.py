"""Random tables in every format, scored and read back: no row is lost, doubled, swapped or changed."""

from __future__ import annotations

import string
import tempfile
from itertools import chain
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from table_files import ADDED, read_rows, write_rows

from model.prediction import Rejection
from serving.batch import repeats
from serving.batch.journal import SUFFIX
from serving.score import score
from serving.tables import table

FORMATS = ["csv", "tsv", "jsonl", "parquet", "xlsx", "csv.gz", "tsv.gz", "jsonl.gz"]
WORDS = [
    "the parcel was late",
    "great thanks",
    "شكرا",
    "😡",
    "rất tốt",
    "=1+1",
    "",
    " ",
    'a "quoted" word',
    "one, two;three",
]
# What every format holds as it is; characters that some of them cannot hold have their own tests.
CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufeff\ufffe\uffff")
TEXTS = st.one_of(
    st.sampled_from(WORDS),
    st.lists(st.sampled_from(WORDS), min_size=2, max_size=30).map("\n".join),
    # In XLSX `_x000D_` is a carriage return.
    st.text(CHARACTERS, max_size=60).filter(lambda text: "_x" not in text),
)
NAMES = st.text(string.ascii_letters, min_size=1, max_size=6).filter(
    lambda name: name not in (*ADDED, "text", "id", "satisfied")
)
MANY = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@st.composite
def tables(draw):
    """Rows with an id, a text and up to three more columns, in any order of columns."""
    columns = draw(st.permutations(["id", "text", *draw(st.lists(NAMES, max_size=3, unique=True))]))
    texts = draw(st.lists(TEXTS, min_size=1, max_size=25))
    rest = draw(st.lists(st.text(CHARACTERS, max_size=6), min_size=len(texts), max_size=len(texts)))
    values = {"text": texts, "id": [f"r{number}" for number in range(len(texts))]}
    return [{column: values.get(column, rest)[number] for column in columns} for number in range(len(texts))]


class Interrupted:
    """A classifier that is interrupted before the chunk after `chunks`."""

    def __init__(self, classifier, chunks):
        self.info = classifier.info
        self._classifier, self._left = classifier, chunks

    def start(self, texts):
        started = self._classifier.start(texts)
        if self._left == 0:
            started.cancel()
            raise KeyboardInterrupt
        self._left -= 1
        return started


def as_read(value):
    return "" if value is None else str(value)


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", ["csv", "jsonl.gz", "parquet", "xlsx"])
@MANY
@given(rows=tables(), where=st.tuples(st.integers(0, 25), st.integers(1, 9), st.integers(0, 6)))
def test_every_row_has_the_prediction_of_its_text(tiny_classifier, source, target, rows, where):
    split, chunk, stop = where
    with (
        tempfile.TemporaryDirectory() as made,
        mock.patch.object(table, "CHUNK_ROWS", chunk),
        mock.patch.object(repeats, "REMEMBERED", 5),
    ):
        folder = Path(made)
        parts = [part for part in (rows[:split], rows[split:]) if part]
        names = [write_rows(folder / f"{number}.{source}", part) for number, part in enumerate(parts)]
        output = folder / f"out.{target}"
        try:
            score(names, str(output), classifier=Interrupted(tiny_classifier, stop), progress=False)
        except KeyboardInterrupt:
            assert not output.exists()
            score(names, str(output), classifier=tiny_classifier, progress=False)
        assert not (folder / f"out.{target}{SUFFIX}").exists()
        scored = read_rows(output)
        # Some readers see an empty cell as none, and a blank row at the end of a sheet as no row.
        read = list(chain.from_iterable(read_rows(name) for name in names))
    assert [{key: as_read(row[key]) for key in rows[0]} for row in scored] == [
        {key: as_read(value) for key, value in row.items()} for row in read
    ]
    assert [row["id"] for row in scored] == [row["id"] for row in rows]
    for row, direct in zip(scored, tiny_classifier.classify([as_read(row["text"]) for row in read]), strict=True):
        if isinstance(direct, Rejection):
            assert row["error"] == f"{direct.code}: {direct.message}"
            assert not row["mood"]
        else:
            assert row["mood"] == direct.mood
            assert float(row["angry"]) == pytest.approx(direct.scores["angry"], abs=2e-6)
            assert not row["error"]
