"""Dropout that leaves out the same units at every position of a text.

A mask of its own for each position costs a seventh of a training step on CPUs, where random numbers are drawn one after
the other, and averages away in the mean over positions; one mask a text does neither (Gal and Ghahramani 2016,
https://arxiv.org/abs/1512.05287).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SharedDropout(nn.Module):
    """For inputs of the shape (batch, length, width); `p` is the share of units that are left out."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, inputs: Tensor) -> Tensor:
        """Zeroes a share of the units of each text and scales the others up, in training alone."""
        if not self.training or not self.p:
            return inputs
        kept = torch.rand(inputs.shape[0], 1, inputs.shape[2], device=inputs.device) >= self.p
        return inputs * (kept / (1 - self.p)).to(inputs.dtype)


def share_dropout(encoder: nn.Module) -> None:
    """Puts a `SharedDropout` in the place of every dropout of an encoder."""
    for name, module in encoder.named_children():
        if isinstance(module, nn.Dropout):
            setattr(encoder, name, SharedDropout(module.p))
        else:
            share_dropout(module)
