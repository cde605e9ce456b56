"""Measuring a trained network before it is exported, on validation rows alone: is this run better than that one?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model.manifest import TOKENIZER
from model.network import load_network
from model.tokenizer import id_of, read_tokenizer
from training.batches import legible
from training.evaluate import measured_groups, rows_to_measure
from training.export import ExportSettings, recipe_of
from training.fit import fit_calibration, fit_thresholds
from training.reference import torch_logits, windows_of

VALIDATION = "validation.json"


def validate(network_folder: Path, *, data_root: Path, sources: Sequence[str] = ("annotated",)) -> dict[str, Any]:
    """Measures the network in float32 and writes `validation.json` into its folder.

    Calibration and thresholds are fitted on the very rows that are measured, so these figures are for comparing runs;
    what a weights folder is worth says `evaluate` on test rows.

    Raises:
        WeightsError: the folder holds no finished network.
        SourceError, RecipeError: a source cannot be read or has no validation row.
    """
    recipe, network = recipe_of(network_folder), load_network(network_folder)
    tokenizer = read_tokenizer(network_folder / TOKENIZER)
    settings = ExportSettings()
    share = recipe.data.validation_share
    found = rows_to_measure(data_root, sources, split="validation", validation_share=share)
    rows = [row for row in found if legible(row.text, settings.max_characters)]
    of_texts = windows_of(
        [row.text for row in rows],
        tokenizer,
        window_tokens=settings.window_tokens,
        max_tokens=settings.max_tokens,
        max_characters=settings.max_characters,
    )
    heads = torch_logits(network, of_texts, pad_id=id_of(tokenizer, "<pad>"))
    calibration = fit_calibration(heads, rows)
    measured = measured_groups(heads, rows, calibration, fit_thresholds(heads, rows, calibration))
    measured["texts"] = len(rows)
    (network_folder / VALIDATION).write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    return measured
