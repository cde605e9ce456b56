"""Teaches a smaller network what the weights of a folder read in texts, without a label of anybody's.

It learns the vector that the teacher's heads look at and what those heads say of it (Hinton et al. 2015,
https://arxiv.org/abs/1503.02531; Jiao et al. 2020, TinyBERT, https://arxiv.org/abs/1909.10351). Its logits stand for
the teacher's own, so that one calibration serves both.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from model.labels import SATISFACTION
from model.network import FeedbackNetwork, Logits
from training.batches import legible, padded, plan_batches
from training.checkpoint import load_checkpoint, save_checkpoint
from training.precision import autocast, bfloat16_pays, use_float32_attention
from training.readings import Readings
from training.recipe import Encoder, Optimisation
from training.train import Cycle, Progress, freeze, make_optimiser, rate_share, trainable

log = logging.getLogger(__name__)

_UNHAPPY = SATISFACTION.index("unhappy")


class Settings(BaseModel):
    """The student's size, how long it learns, and how much of the loss each topic is.

    `layers` are those of the teacher that the student begins with, and `inner` the units of each that it keeps; with
    `further` it is the small network that the weights have already. `max_tokens` with the two around a text. The rate
    rises and falls once.
    """

    model_config = ConfigDict(frozen=True)

    layers: tuple[int, ...] = (0, 6, 11)
    inner: int = 1024
    further: bool = False
    passes: int = 6
    max_tokens: int = 128
    topics_weight: float = 0.5
    optimisation: Optimisation = Optimisation(
        encoder_rate=4e-4, head_rate=1e-3, tokens_per_batch=1536, checkpoint_every=500, log_every=100
    )


@dataclass(frozen=True, slots=True)
class Lessons:
    """Texts cut into pieces, and what the teacher read in each; the same position in both is the same text."""

    ids: list[list[int]]
    readings: Readings

    def fingerprint(self) -> str:
        """SHA-256 of all that is learned."""
        digest = hashlib.sha256(self.readings.vectors.tobytes() + self.readings.logits.tobytes())
        for ids in self.ids:
            digest.update(np.array(ids, dtype=np.int64).tobytes())
        return digest.hexdigest()


class Distances(NamedTuple):
    """How far the student is from the teacher, means over texts: three divergences, and the vectors' squared error."""

    satisfaction: Tensor
    anger: Tensor
    topics: Tensor
    vectors: Tensor


def lessons(
    texts: Sequence[str], readings: Readings, tokenizer: Tokenizer, *, max_tokens: int, max_characters: int
) -> Lessons:
    """Leaves out what the teacher could not read, and what it read in several windows."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    ids = [each.ids for each in tokenizer.encode_batch([legible(text, max_characters) for text in texts])]
    sound = np.flatnonzero(np.isfinite(readings.logits).all(axis=1)).tolist()
    kept = [at for at in sound if 2 < len(ids[at]) <= max_tokens]
    return Lessons([ids[at] for at in kept], Readings(readings.vectors[kept], readings.logits[kept]))


def distil(
    student: FeedbackNetwork, learned: Lessons, *, work: Path, pad_id: int, settings: Settings,
    stop_after: int | None = None,
) -> bool:  # fmt: skip
    """Trains the student in place; false where `stop_after` ended it early, as an interruption would.

    Raises:
        RecipeError: the checkpoint in `work` is of another run, or damaged.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    optimisation = settings.optimisation
    lengths = [len(ids) for ids in learned.ids]
    plan: list[npt.NDArray[np.int64]] = []
    for number in range(settings.passes):
        order = np.random.default_rng(optimisation.seed + number).permutation(len(lengths))
        planned = plan_batches(
            [lengths[at] for at in order], tokens_per_batch=optimisation.tokens_per_batch, seed=number
        )
        plan.extend(order[batch] for batch in planned)
    cycle = Cycle(0, len(plan), 1.0)
    freeze(student, Encoder(freeze_embeddings=True))
    bfloat16 = bfloat16_pays(optimisation.precision, device)
    if bfloat16 and device.type == "cpu":
        use_float32_attention(student)
    student.to(device)
    optimiser = make_optimiser(student, optimisation)
    work.mkdir(parents=True, exist_ok=True)
    fingerprint = f"{settings.model_dump_json()}, {learned.fingerprint()}"
    done = load_checkpoint(work / "checkpoint", student, optimiser, fingerprint=fingerprint)
    spread = float(learned.readings.vectors[:4096].astype(np.float32).std(axis=0).mean())
    tokens = [sum(lengths[at] for at in batch) for batch in plan]
    progress = Progress(work / "log.jsonl", tokens, done, every=optimisation.log_every)
    student.train()
    for step in range(done, len(plan)):
        for group in optimiser.param_groups:
            group["lr"] = group["full_rate"] * rate_share(step, [cycle], optimisation.warmup_share)
        terms = _distances(student, learned, plan[step], pad_id, spread, device, bfloat16=bfloat16)
        total = terms.satisfaction + terms.anger + settings.topics_weight * terms.topics + terms.vectors
        optimiser.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trainable(student), optimisation.clip_norm)
        optimiser.step()
        progress.step(step, terms._asdict())
        if (step + 1) % optimisation.checkpoint_every == 0 or step + 1 in (stop_after, len(plan)):
            save_checkpoint(work / "checkpoint", student, optimiser, step=step + 1, fingerprint=fingerprint)
        if step + 1 == stop_after:
            return False
    student.to("cpu").eval()
    return True


def _distances(
    student: FeedbackNetwork, learned: Lessons, positions: npt.NDArray[np.int64], pad_id: int, spread: float,
    device: torch.device, *, bfloat16: bool,
) -> Distances:  # fmt: skip
    input_ids, mask = padded([learned.ids[at] for at in positions], pad_id)
    with autocast(device, bfloat16=bfloat16):
        vectors, logits = student.read(input_ids.to(device), mask.to(device))
    of_teacher = torch.from_numpy(learned.readings.logits[positions]).to(device)
    wanted = torch.from_numpy(learned.readings.vectors[positions].astype(np.float32)).to(device)
    return distances(vectors, logits, wanted, of_teacher, spread=spread)


def distances(vectors: Tensor, logits: Logits, wanted: Tensor, of_teacher: Tensor, *, spread: float) -> Distances:
    """Divergences from the teacher's logits (texts, 4 + topics), and the error in vectors (texts, width).

    Anger counts as much as the teacher thinks a text unhappy; the error is in units of `spread` squared.
    """
    classes = len(SATISFACTION)
    log_moods = of_teacher[:, :classes].log_softmax(dim=1)
    moods = log_moods.exp()
    satisfaction = (moods * (log_moods - logits.satisfaction.log_softmax(dim=1))).sum(dim=1).mean()
    anger = (moods[:, _UNHAPPY] * _divergence(logits.anger, of_teacher[:, classes])).mean()
    topics = _divergence(logits.topics, of_teacher[:, classes + 1 :]).sum(dim=1).mean()
    return Distances(satisfaction, anger, topics, ((vectors - wanted) / spread).square().mean())


def _divergence(ours: Tensor, wanted: Tensor) -> Tensor:
    """Of yes and no, from their logits, each by itself."""
    probability = wanted.sigmoid()
    binary = functional.binary_cross_entropy_with_logits
    return binary(ours, probability, reduction="none") - binary(wanted, probability, reduction="none")
