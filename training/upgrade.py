"""The graphs of a weights folder written anew, in the operators of this version; what they hold stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import onnx

from model.classifier import load
from model.errors import InputError
from model.manifest import GRAPH, SMALL_GRAPH, write_manifest
from training.corpus import calibration_rows, read_corpus
from training.fast import choose
from training.folders import check_output, fresh_folder, replace_folder
from training.graph import build_graph
from training.recipe import Recipe
from training.restore import restore
from training.small_graph import share_table
from training.speed_words import note_speed


def upgrade(weights: Path, output: Path, *, recipe: Recipe | None = None, data_root: Path | None = None) -> None:
    """Writes the folder `output`, at once; answers differ by no more than rounding does.

    With a recipe, the margins of speed "fast" are chosen anew, on validation rows of `annotated` below `data_root`.

    Raises:
        WeightsError: the weights are damaged, or have a graph that rida did not export.
        InputError: the output is no place for weights, or the weights have no small graph that margins are for.
        RecipeError, SourceError: the recipe or a source cannot be used.
    """
    check_output(output)
    if recipe is not None and not (weights / SMALL_GRAPH).is_file():
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
    if recipe is not None and data_root is not None:
        full = load(fresh, speed="full")
        limit = full.info.config.limits.max_characters
        choose(fresh, full, calibration_rows(read_corpus(recipe, data_root), ("annotated",), max_characters=limit))
        note_speed(fresh)
        write_manifest(fresh)
    replace_folder(output, fresh)


def _anew(weights: Path, graph: str) -> onnx.ModelProto:
    restored = restore(weights, dropout=0.0, graph=graph)
    state = {name: value.numpy() for name, value in restored.network.state_dict().items()}
    return build_graph(state, restored.shape, restored.integer)
