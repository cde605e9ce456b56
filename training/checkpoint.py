"""Checkpoints: what an interrupted run needs to go on at the same step with the same result.

Only what training changes is kept (not a frozen embedding table), as safetensors. A checkpoint is
written under a temporary name and renamed, so that a killed process leaves the one before.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from model.errors import RecipeError
from training.folders import recover_folder, replace_folder

_WEIGHTS, _OPTIMISER, _STATE = "weights.safetensors", "optimiser.safetensors", "state.json"


def save_checkpoint(
    folder: Path, network: nn.Module, optimiser: torch.optim.Optimizer, *, step: int, fingerprint: str
) -> None:
    """Replaces the checkpoint in `folder` by one taken after `step` steps."""
    fresh = folder.with_name(folder.name + ".tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    save_file(_trained(network), fresh / _WEIGHTS)
    moments = {
        f"{index}.{name}": value
        for index, values in optimiser.state_dict()["state"].items()
        for name, value in values.items()
    }
    save_file(moments, fresh / _OPTIMISER)
    (fresh / _STATE).write_text(json.dumps({"step": step, "recipe": fingerprint}), encoding="utf-8")
    replace_folder(folder, fresh)


def load_checkpoint(folder: Path, network: nn.Module, optimiser: torch.optim.Optimizer, *, fingerprint: str) -> int:
    """Loads the checkpoint in `folder`, if there is one, and returns the number of steps done.

    Raises:
        RecipeError: the checkpoint is of another recipe, or damaged.
    """
    recover_folder(folder)
    if not folder.exists():
        return 0
    try:
        state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        if state["recipe"] != fingerprint:
            raise RecipeError(
                f"{folder}: this checkpoint was made by another recipe or other data; "
                "restore them, or train into another --output folder"
            )
        weights, moments = load_file(folder / _WEIGHTS), load_file(folder / _OPTIMISER)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise RecipeError(f"{folder}: damaged checkpoint ({error}); delete the folder to start again") from error
    try:
        missing, unexpected = network.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        raise RecipeError(f"{folder}: is of another encoder ({error}); train into another --output folder") from error
    if unexpected or set(missing) & set(_trained(network)):
        raise RecipeError(f"{folder}: is of another encoder; train into another --output folder")
    saved = optimiser.state_dict()
    saved["state"] = {}
    for name, value in moments.items():
        index, field = name.split(".", 1)
        saved["state"].setdefault(int(index), {})[field] = value
    optimiser.load_state_dict(saved)
    return int(state["step"])


def save_cycle(output: Path, network: nn.Module, *, step: int) -> None:
    """Keeps the weights at the end of a cycle, after `step` steps."""
    path = _cycle(output, step)
    fresh = path.with_name(path.name + ".tmp")
    save_file(_trained(network), fresh)
    fresh.replace(path)


def load_mean_of_cycles(output: Path, network: nn.Module, *, steps: Sequence[int]) -> None:
    """Loads the mean of the weights kept after each of `steps`.

    Raises:
        RecipeError: one of them is missing or damaged.
    """
    total: dict[str, torch.Tensor] = {}
    for step in steps:
        try:
            weights = load_file(_cycle(output, step))
        except (OSError, SafetensorError) as error:
            raise RecipeError(f"{_cycle(output, step)}: cannot be read ({error}); train from the start") from error
        for name, value in weights.items():
            total[name] = total[name] + value if name in total else value
    network.load_state_dict({name: value / len(steps) for name, value in total.items()}, strict=False)


def _cycle(output: Path, step: int) -> Path:
    return output / f"cycle-{step}.safetensors"


def _trained(network: nn.Module) -> dict[str, torch.Tensor]:
    return {
        name: parameter.detach().cpu().contiguous()
        for name, parameter in network.named_parameters()
        if parameter.requires_grad
    }
