"""Parquet files of texts, as jobs beyond one machine read them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

WORDS = [
    "great parcel thanks",
    "the app was late and broken",
    "you thieves the price is a scam!!!",
    "",
    None,
    "ممتاز شكرا",
]


def texts(count, start=0):
    return [
        None if (word := WORDS[n % 6]) is None else word and f"{word} {n % 40}" for n in range(start, start + count)
    ]


def write(path, count, *, start=0, name="text", row_group_size=50):
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {
        "id": pa.array(range(count), pa.int16()),
        name: pa.array(texts(count, start), pa.string()),
        "shop": pa.array(["a"] * count, pa.string()).dictionary_encode(),
    }
    pq.write_table(pa.table(columns), path, row_group_size=row_group_size)
    return path
