"""Weights folders that say something else than the one that they are copies of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from model.manifest import CONFIG, GRAPH, write_manifest


def changed(weights: Path, folder: Path, **thresholds: Any) -> Path:
    """A copy with other thresholds, named after its folder; `topics` are changed one by one."""
    shutil.copytree(weights, folder)
    config = json.loads((folder / CONFIG).read_text())
    config["name"] = folder.name
    config["thresholds"]["topics"] |= thresholds.pop("topics", {})
    config["thresholds"] |= thresholds
    (folder / CONFIG).write_text(json.dumps(config))
    write_manifest(folder)
    return folder


def with_own_topic(weights: Path, folder: Path, name: str, *, logit: float, **thresholds: Any) -> Path:
    """A `changed` copy that knows one topic more, which gets the same logit in every text."""
    changed(weights, folder, **thresholds)
    config = json.loads((folder / CONFIG).read_text())
    config["topics"].append(name)
    config["thresholds"]["topics"][name] = 0.5
    (folder / CONFIG).write_text(json.dumps(config))
    model = onnx.load(folder / GRAPH)
    for each in model.graph.initializer:
        if each.name in ("heads.w", "heads.b"):
            old = numpy_helper.to_array(each)
            more = np.zeros((*old.shape[:-1], 1), dtype=old.dtype) if old.ndim == 2 else np.array([logit], old.dtype)
            each.CopyFrom(numpy_helper.from_array(np.concatenate([old, more], axis=-1), each.name))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 4 + len(config["topics"])
    onnx.save(model, folder / GRAPH)
    write_manifest(folder)
    return folder
