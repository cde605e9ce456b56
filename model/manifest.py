"""`manifest.json` of a weights folder: the SHA-256 of each file, so that a damaged one is never scored with."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from model.errors import WeightsError

GRAPH, SMALL_GRAPH, TOKENIZER, CONFIG, MANIFEST, CARD = (
    "model.onnx",
    "small.onnx",
    "tokenizer.json",
    "config.json",
    "manifest.json",
    "README.md",
)
_NEEDED = (GRAPH, TOKENIZER, CONFIG)


@dataclass(frozen=True, slots=True)
class Checksums:
    """SHA-256 of the manifest, which stands for the whole folder, and of the graph alone."""

    whole: str
    graph: str


def write_manifest(folder: Path) -> None:
    """Writes the manifest of a folder's files as they are now."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != MANIFEST)
    sums = {path.name: _sha256(path) for path in files}
    fresh = folder / (MANIFEST + ".tmp")
    fresh.write_text(json.dumps({"sha256": sums}, indent=1) + "\n", encoding="utf-8")
    fresh.replace(folder / MANIFEST)


def verify_manifest(folder: Path) -> Checksums:
    """Checks each listed file.

    Raises:
        WeightsError: the folder, the manifest or a file is missing, or a file was changed.
    """
    if not folder.is_dir():
        raise WeightsError(f"{folder}: no such weights folder; give the folder that `rida export` wrote")
    path = folder / MANIFEST
    try:
        sums = json.loads(path.read_text(encoding="utf-8"))["sha256"]
        listed = {str(name): str(value) for name, value in sums.items()}
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror}); this is no weights folder") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path}: not a manifest; export the weights again") from error
    for name in dict.fromkeys((*_NEEDED, *listed)):
        if name not in listed:
            raise WeightsError(f"{path}: does not list {name}; export the weights again")
        if not (folder / name).is_file():
            raise WeightsError(f"{folder / name}: missing; restore the file or export the weights again")
        if _sha256(folder / name) != listed[name]:
            raise WeightsError(
                f"{folder / name}: changed since it was exported (its SHA-256 is not the manifest's); "
                "restore the file or export the weights again"
            )
    return Checksums(whole=_sha256(path), graph=listed[GRAPH])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
