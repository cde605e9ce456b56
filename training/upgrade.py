"""The graphs of a weights folder written anew, in the operators of this version; what they hold stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import onnx

from model.classifier import load
from model.errors import InputError
from model.manifest import GRAPH, SMALL_GRAPH, write_manifest
from training.corpus import Corpus, calibration_rows
from training.fast import set_margins
from training.folders import check_output, fresh_folder, replace_folder
from training.graph import build_graph
from training.restore import restore
from training.small_graph import share_table


def upgrade(weights: Path, output: Path, *, corpus: Corpus | None = None) -> None:
    """Writes the folder `output`, at once; answers differ by no more than rounding does.

    With a corpus, the margins of speed "fast" are chosen anew, on its validation rows of `annotated`.

    Raises:
        WeightsError: the weights are damaged, or have a graph that rida did not export.
        InputError: the output is no place for weights, or the weights have no small graph that margins are for.
        RecipeError: the corpus has no such rows.
    """
    check_output(output)
    if corpus is not None and not (weights / SMALL_GRAPH).is_file():
        raise InputError(f"{weights}: has no small graph to choose margins for; leave --recipe out")
    fresh = fresh_folder(output)
    made = _anew(weights, GRAPH)
    shutil.copytree(weights, fresh)
    (fresh / GRAPH).write_bytes(made.SerializeToString())
    if (weights / SMALL_GRAPH).is_file():
        made = _anew(weights, SMALL_GRAPH)
        share_table(made, fresh / GRAPH)
        (fresh / SMALL_GRAPH).write_bytes(made.SerializeToString())
    write_manifest(fresh)
    if corpus is not None:
        full = load(fresh, speed="full")
        limit = full.info.config.limits.max_characters
        set_margins(fresh, full, calibration_rows(corpus, ("annotated",), max_characters=limit))
    replace_folder(output, fresh)


def _anew(weights: Path, graph: str) -> onnx.ModelProto:
    restored = restore(weights, dropout=0.0, graph=graph)
    return build_graph(restored.network.arrays(), restored.shape, restored.integer)
