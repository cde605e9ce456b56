"""The loss: how unlikely the network finds exactly what each row says, and nothing that it does not say."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from model.labels import SATISFACTION
from model.network import Logits
from training.batches import Targets
from training.targets import UNKNOWN

_UNHAPPY = SATISFACTION.index("unhappy")


class Losses(NamedTuple):
    """Negative log-likelihood of each head, a mean over the batch's rows, and how far all are from the teacher."""

    satisfaction: Tensor
    anger: Tensor
    topics: Tensor
    teacher: Tensor


def losses(logits: Logits, targets: Targets, *, taught_topics: float = 1.0) -> Losses:
    """Masked negative log-likelihoods of a batch.

    P(angry) = P(unhappy) * P(angry | unhappy). Where a row names both its satisfaction and its anger,
    the anger head learns from unhappy rows alone. Where a row tells only whether it is angry, the
    likelihood of just that is used: it moves both heads, without a satisfaction made up for the row.
    `taught_topics` is how much the topics count in what the teacher says.
    """
    rows = len(targets.trust)
    log_satisfaction = functional.log_softmax(logits.satisfaction, dim=-1)
    log_angry = functional.logsigmoid(logits.anger)
    log_calm = functional.logsigmoid(-logits.anger)
    known = targets.satisfaction != UNKNOWN
    picked = log_satisfaction.gather(1, targets.satisfaction.clamp(min=0).unsqueeze(1)).squeeze(1)
    satisfaction = -(picked * known * targets.trust).sum() / rows

    angry = targets.anger == 1
    given_unhappy = torch.where(angry, log_angry, log_calm)
    log_unhappy_angry = log_satisfaction[:, _UNHAPPY] + log_angry
    # log(1 - exp(x)) near x = 0 would be -inf; a probability of 1 - 1e-6 is as sure as it gets.
    log_not_angry = torch.log1p(-torch.exp(log_unhappy_angry).clamp(max=1 - 1e-6))
    alone = torch.where(angry, log_unhappy_angry, log_not_angry)
    says_anger = targets.anger != UNKNOWN
    anger_terms = given_unhappy * (says_anger & (targets.satisfaction == _UNHAPPY)) + alone * (says_anger & ~known)
    anger = -(anger_terms * targets.trust).sum() / rows

    says_topic = targets.topics != UNKNOWN
    topic_terms = functional.binary_cross_entropy_with_logits(
        logits.topics, targets.topics.clamp(min=0).float(), reduction="none"
    )
    topics = (topic_terms * says_topic * targets.trust.unsqueeze(1)).sum() / rows
    return Losses(satisfaction, anger, topics, _teacher(logits, log_satisfaction, targets, taught_topics))


def _teacher(logits: Logits, log_satisfaction: Tensor, targets: Targets, topics_weight: float) -> Tensor:
    """Cross-entropy with the teacher's probabilities; anger counts as much as the teacher thinks a row unhappy.

    The teacher may be asked of some heads alone; of anger alone where the row itself says that it is unhappy.
    """
    classes = len(SATISFACTION)
    asked, said = ~targets.taught.isnan(), targets.taught.nan_to_num()
    of_moods, of_anger, of_topics = asked[:, 0], asked[:, classes], asked[:, classes + 1 :]
    moods, angry, topics = said[:, :classes], said[:, classes], said[:, classes + 1 :]
    binary = functional.binary_cross_entropy_with_logits
    unhappy = torch.where(of_moods, moods[:, _UNHAPPY], (targets.satisfaction == _UNHAPPY).to(moods.dtype))
    terms = -(moods * log_satisfaction).sum(dim=1) * of_moods
    terms = terms + unhappy * binary(logits.anger, angry, reduction="none") * of_anger
    terms = terms + topics_weight * (binary(logits.topics, topics, reduction="none") * of_topics).sum(dim=1)
    distance: Tensor = terms.sum() / len(said)
    return distance
