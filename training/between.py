"""Weights between those to begin with and those trained on somebody's own rows.

Most of what a few hundred rows teach is learned in the first part of the way, and most of what was known elsewhere is
lost in the last (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", https://arxiv.org/abs/2109.01903). So
no more of it is gone than own texts ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from model.calibration import Floats

SHARES: Final = (0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
"""How much of the way can be gone."""

_CLEARLY: Final = 1.96
"""Standard errors of a mean difference that chance alone exceeds in one of twenty cases."""


def state_of(network: nn.Module) -> dict[str, Tensor]:
    """The network's parameters as they are now."""
    return {name: value.detach().clone() for name, value in network.named_parameters()}


def go_between(network: nn.Module, before: Mapping[str, Tensor], losses: Callable[[], Floats]) -> float:
    """Moves the network's parameters back towards `before`, and gives the share of the way that is left.

    `losses` are those of the network as it is, (texts,), on texts that it has not learned. The share is the smallest
    at which they are not clearly worse than at the best one.
    """
    after = state_of(network)
    found = {share: _at(network, before, after, share, losses) for share in SHARES}
    best = min(found.values(), key=lambda each: float(each.mean()))
    share = next(share for share, each in found.items() if not _clearly_worse(each, best))
    _go(network, before, after, share)
    return share


def _at(
    network: nn.Module, before: Mapping[str, Tensor], after: Mapping[str, Tensor], share: float,
    losses: Callable[[], Floats],
) -> Floats:  # fmt: skip
    _go(network, before, after, share)
    return losses()


def _go(network: nn.Module, before: Mapping[str, Tensor], after: Mapping[str, Tensor], share: float) -> None:
    with torch.no_grad():
        for name, value in network.named_parameters():
            value.copy_(torch.lerp(before[name], after[name], share))


def _clearly_worse(losses: Floats, best: Floats) -> bool:
    """By the paired differences of the same texts; one text alone tells nothing."""
    differences = losses - best
    if len(differences) < 2:
        return False
    return bool(differences.mean() > _CLEARLY * differences.std(ddof=1) / np.sqrt(len(differences)))
