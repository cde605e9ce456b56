"""How far weights go from those they began with: as far as texts that were not learned ask for, and no further."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from model.calibration import Floats
from training.between import SHARES, go_between, state_of

TEXTS = 80


def moved() -> tuple[nn.Linear, dict[str, torch.Tensor]]:
    """A network whose one weight was 0 and is 1 after training."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    before = state_of(network)
    nn.init.ones_(network.weight)
    return network, before


def least_at(best: float, network: nn.Linear, *, noise: float, slope: float = 1.0) -> Callable[[], Floats]:
    """Losses that are least where the weight is `best`, and tell `noise` apart in how texts take to a change."""
    rng = np.random.default_rng(3).normal(size=TEXTS)

    def losses() -> Floats:
        weight = float(network.weight.detach())
        return slope * (weight - best) ** 2 + noise * rng * weight

    return losses


@pytest.mark.parametrize("best", [0.6, 1.0])
def test_what_every_text_asks_for_is_gone_to(best: float) -> None:
    network, before = moved()
    assert go_between(network, before, least_at(best, network, noise=0.0)) == best
    assert float(network.weight.detach()) == pytest.approx(best)


def test_what_texts_do_not_tell_apart_is_not_gone() -> None:
    network, before = moved()
    assert go_between(network, before, least_at(1.0, network, noise=4.0, slope=0.1)) == SHARES[0]
    assert float(network.weight.detach()) == pytest.approx(SHARES[0])


def test_one_text_alone_asks_for_nothing() -> None:
    network, before = moved()
    alone = least_at(1.0, network, noise=0.0)
    assert go_between(network, before, lambda: alone()[:1]) == SHARES[0]


def test_parameters_that_were_not_trained_stay() -> None:
    network = nn.Linear(2, 1)
    before = state_of(network)
    go_between(network, before, lambda: np.zeros(TEXTS))
    assert all(torch.equal(value, before[name]) for name, value in network.named_parameters())
