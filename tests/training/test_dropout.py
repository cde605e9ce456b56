import torch
from torch import nn

from training.dropout import SharedDropout, share_dropout

ONES = torch.ones(64, 5, 200)


def test_a_text_loses_the_same_units_at_every_position_and_texts_lose_different_ones() -> None:
    torch.manual_seed(1)
    dropped = SharedDropout(0.25)(ONES)
    assert (dropped == dropped[:, :1]).all()
    assert not (dropped == dropped[:1]).all()
    assert set(dropped.unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
    assert abs(dropped.mean().item() - 1) < 0.02


def test_nothing_is_dropped_when_scoring() -> None:
    assert SharedDropout(0.25).eval()(ONES).equal(ONES)


def test_every_dropout_of_an_encoder_is_replaced() -> None:
    encoder = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.3), nn.Sequential(nn.Dropout(0.1)))
    share_dropout(encoder)
    shares = [module.p for module in encoder.modules() if isinstance(module, SharedDropout)]
    assert shares == [0.3, 0.1]
    assert not any(isinstance(module, nn.Dropout) for module in encoder.modules())
