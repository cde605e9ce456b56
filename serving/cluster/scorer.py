"""The scorer that a worker of Ray or Spark holds: rows in, the same rows with the added columns out."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from math import isnan
from pathlib import Path
from typing import Final, Self

import pyarrow as pa

from model.classifier import SHIPPED_WEIGHTS, ModelInfo
from model.config import Backend, Speed, read_config
from model.errors import InputError, RidaError
from model.manifest import CONFIG, verify_manifest
from rida import __version__, load
from serving.batch.pipeline import scored_cells
from serving.tables.added import ADDED
from serving.tables.parquet_file import plain_values
from serving.tables.parquet_writer import ADDED_FIELDS

_SPARK_NAMES: Final = {
    "bool": "boolean",
    "list<element: string>": "array<string>",
    "list<item: string>": "array<string>",
}

SPARK_COLUMNS: Final = ", ".join(
    f"{field.name} {_SPARK_NAMES.get(str(field.type), str(field.type))}" for field in ADDED_FIELDS
)
"""The added columns as Spark writes a schema."""


_SCORED_BY: Final = ("tokenizers", "numpy")


@dataclass(frozen=True, slots=True)
class Identity:
    """What scores depend on: weights, speed and backend (`ModelInfo.answers_by`), and the versions of libraries."""

    weights: str
    versions: dict[str, str]

    @classmethod
    def here(cls, weights: Path | None, speed: Speed | None = None, backend: Backend | None = None) -> Self:
        """On this machine; None is the shipped weights, at the speed that they say, by onnxruntime.

        Raises:
            WeightsError: they are missing or damaged.
            InputError: the backend is not installed.
        """
        backend = backend or "onnxruntime"
        try:
            versions = {"rida": __version__} | {name: version(name) for name in (backend, *_SCORED_BY)}
        except PackageNotFoundError as error:
            raise InputError(f'{error.name} is not installed: pip install "rida[{error.name}]"') from error
        folder = weights or SHIPPED_WEIGHTS
        checksums, config = verify_manifest(folder), read_config(folder / CONFIG)
        return cls(ModelInfo(config, checksums, speed or config.speed, backend).answers_by, versions)


class Scorer:
    """One classifier and the cores it may use; made once by each worker, since loading takes half a second.

    Raises:
        WeightsError: the weights folder is missing or damaged on the worker's machine.
        RidaError: The worker's weights or libraries are not the `expected` ones.
    """

    def __init__(
        self,
        *,
        weights: str | None = None,
        threads: int = 1,
        speed: Speed | None = None,
        backend: Backend | None = None,
        text_column: str = "text",
        expected: Identity | None = None,
    ) -> None:
        if expected is not None:
            _refuse_other(Identity.here(Path(weights) if weights else None, speed, backend), expected)
        # Tokenizing would take all cores of the machine, which the other workers on it need.
        os.environ.setdefault("RAYON_NUM_THREADS", str(threads))
        self._classifier = load(weights, threads=threads, speed=speed, backend=backend)
        self._text_column = text_column

    def columns(self, texts: Iterable[object]) -> dict[str, list[object]]:
        """The added columns of these texts, in their order; a missing text (None, NaN) is an empty one.

        Texts that repeat are scored once.
        """
        cells = [None if isinstance(text, float) and isnan(text) else text for text in texts]
        rows = scored_cells(self._classifier, cells)
        return {name: [row[name] for row in rows] for name in ADDED}

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Rows with the added columns after their own."""
        added = self.columns(plain_values(rows.column(self._text_column).combine_chunks()))
        for field in ADDED_FIELDS:
            rows = rows.append_column(field, pa.array(added[field.name], type=field.type))
        return rows


def _refuse_other(here: Identity, expected: Identity) -> None:
    differences = [
        f"{name} is {here.versions.get(name)} and not {version}"
        for name, version in expected.versions.items()
        if here.versions.get(name) != version
    ]
    if here.weights != expected.weights:
        differences.append(f"weights are {here.weights[:12]} and not {expected.weights[:12]}")
    if differences:
        raise RidaError(
            f"The worker on {platform.node()} would score otherwise than the machine that drives: "
            f"{'; '.join(differences)}. Install the same on both."
        )
