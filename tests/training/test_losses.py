import math

import pytest
import torch

from model.network import Logits
from training.batches import Targets
from training.losses import losses


def logits(satisfaction: list[float], anger: float) -> Logits:
    return Logits(
        torch.tensor([satisfaction], requires_grad=True),
        torch.tensor([anger], requires_grad=True),
        torch.zeros(1, 8, requires_grad=True),
    )


def targets(
    satisfaction: int,
    anger: int,
    topics: list[int] | None = None,
    trust: float = 1.0,
    taught: list[float] | None = None,
) -> Targets:
    return Targets(
        torch.tensor([satisfaction]),
        torch.tensor([anger]),
        torch.tensor([topics or [-1] * 8]),
        torch.tensor([trust]),
        torch.tensor([taught or [math.nan] * 12]),
    )


def test_a_row_that_says_nothing_gives_no_gradient() -> None:
    given = logits([1.0, 2.0, 3.0], 0.5)
    sum(losses(given, targets(-1, -1))).backward()
    assert all(part.grad is not None and not part.grad.any() for part in given)


def test_anger_of_a_satisfied_row_does_not_move_the_anger_head() -> None:
    given = logits([1.0, 2.0, 3.0], 0.5)
    sum(losses(given, targets(0, 0))).backward()
    assert given.anger.grad is not None
    assert not given.anger.grad.any()


@pytest.mark.parametrize(("anger", "expected"), [(1, 0.5 * 0.8), (0, 1 - 0.5 * 0.8)])
def test_a_row_that_tells_only_its_anger_has_the_likelihood_of_just_that(anger: int, expected: float) -> None:
    unhappy_half = [math.log(0.25), math.log(0.25), math.log(0.5)]
    found = losses(logits(unhappy_half, math.log(0.8 / 0.2)), targets(-1, anger))
    assert found.anger.item() == pytest.approx(-math.log(expected), rel=1e-4)
    assert found.satisfaction.item() == 0


def test_only_covered_topics_count() -> None:
    found = losses(logits([0.0, 0.0, 0.0], 0.0), targets(-1, -1, [1, 0, -1, -1, -1, -1, -1, -1]))
    assert found.topics.item() == pytest.approx(2 * math.log(2))


def test_trust_scales_a_row() -> None:
    whole, half = (losses(logits([0.0, 0.0, 0.0], 0.0), targets(2, 1, trust=trust)) for trust in (1.0, 0.5))
    assert half.satisfaction.item() == pytest.approx(whole.satisfaction.item() / 2)
    assert half.anger.item() == pytest.approx(whole.anger.item() / 2)


def test_certainty_stays_finite() -> None:
    given = logits([-80.0, -80.0, 80.0], 80.0)
    total = sum(losses(given, targets(-1, 0)))
    total.backward()
    assert torch.isfinite(total)
    assert given.anger.grad is not None
    assert torch.isfinite(given.anger.grad).all()


def test_a_teacher_pulls_every_head_towards_its_probabilities() -> None:
    given = logits([0.0, 0.0, 0.0], 0.0)
    taught = [0.1, 0.2, 0.7, 0.9, *[0.5] * 7, 1.0]
    found = losses(given, targets(-1, -1, taught=taught), taught_topics=0.5)
    found.teacher.backward()
    assert given.satisfaction.grad is not None
    assert given.satisfaction.grad[0].tolist() == pytest.approx([1 / 3 - 0.1, 1 / 3 - 0.2, 1 / 3 - 0.7])
    assert given.anger.grad is not None
    assert given.anger.grad.item() == pytest.approx(0.7 * (0.5 - 0.9))
    assert given.topics.grad is not None
    assert given.topics.grad[0].tolist() == pytest.approx([0.0] * 7 + [-0.25])


def test_a_teacher_may_be_asked_of_some_topics_alone() -> None:
    given = logits([1.0, 2.0, 3.0], 0.5)
    found = losses(given, targets(2, 1, taught=[*[math.nan] * 4, 1.0, 0.0, *[math.nan] * 6]))
    found.teacher.backward()
    assert found.teacher.item() == pytest.approx(2 * math.log(2))
    assert given.satisfaction.grad is None or not given.satisfaction.grad.any()
    assert given.anger.grad is None or not given.anger.grad.any()
    assert given.topics.grad is not None
    assert given.topics.grad[0].tolist() == pytest.approx([-0.5, 0.5, *[0.0] * 6])


@pytest.mark.parametrize(("satisfaction", "counts"), [(2, 1.0), (0, 0.0)])
def test_a_teacher_asked_of_anger_alone_speaks_where_the_row_says_unhappy(satisfaction: int, counts: float) -> None:
    given = logits([1.0, 2.0, 3.0], 0.0)
    found = losses(given, targets(satisfaction, -1, taught=[*[math.nan] * 3, 0.9, *[math.nan] * 8]))
    found.teacher.backward()
    assert given.anger.grad is not None
    assert given.anger.grad.item() == pytest.approx(counts * (0.5 - 0.9))
    assert given.satisfaction.grad is None or not given.satisfaction.grad.any()


def test_a_teacher_that_was_not_asked_says_nothing() -> None:
    given = logits([1.0, 2.0, 3.0], 0.5)
    found = losses(given, targets(2, 1))
    found.teacher.backward()
    assert found.teacher.item() == 0
    assert all(part.grad is not None and not part.grad.any() for part in given)
