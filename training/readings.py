"""What weights read in texts, for a smaller network to learn: the vector that their heads look at, and the logits.

Kept in parts of a few thousand texts, so that reading, which takes long, goes on where it was stopped.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from model.errors import RecipeError
from training.embedding import Embedder

log = logging.getLogger(__name__)

_TEXTS_A_PART = 8192


@dataclass(frozen=True, slots=True)
class Readings:
    """Vectors (texts, width) in half precision and uncalibrated logits (texts, 4 + topics); NaN where unreadable."""

    vectors: npt.NDArray[np.float16]
    logits: npt.NDArray[np.float32]


def read_once(texts: Sequence[str], teacher: Embedder, folder: Path) -> Readings:
    """Reads texts in their order, or loads from `folder` what was read of them before.

    Raises:
        RecipeError: a part in the folder is damaged or of other texts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for start in range(0, len(texts), _TEXTS_A_PART):
        path = folder / f"read-{start}.npz"
        part = list(texts[start : start + _TEXTS_A_PART])
        if not path.exists():
            _write(path, _read(part, teacher))
            log.info("%d of %d texts are read", start + len(part), len(texts))
        parts.append(_load(path, len(part)))
    return Readings(np.concatenate([part.vectors for part in parts]), np.concatenate([part.logits for part in parts]))


def _read(texts: list[str], teacher: Embedder) -> Readings:
    found = teacher.embed(texts)
    heads = np.column_stack([found.heads.satisfaction, found.heads.anger, found.heads.topics])
    vectors = np.full((len(texts), found.vectors.shape[1]), np.nan, dtype=np.float16)
    logits = np.full((len(texts), heads.shape[1]), np.nan, dtype=np.float32)
    vectors[found.kept], logits[found.kept] = found.vectors, heads
    return Readings(vectors, logits)


def _write(path: Path, part: Readings) -> None:
    fresh = path.with_name(path.name + ".tmp.npz")
    np.savez(fresh, vectors=part.vectors, logits=part.logits)
    fresh.replace(path)


def _load(path: Path, texts: int) -> Readings:
    try:
        with path.open("rb") as file, np.load(file) as kept:
            part = Readings(kept["vectors"], kept["logits"])
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise RecipeError(f"{path}: cannot be read ({error}); delete it, and its texts are read again") from error
    if len(part.logits) != texts:
        raise RecipeError(f"{path}: is of other texts; delete the folder, or give another --work")
    return part
