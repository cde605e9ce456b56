"""A little training, beginning with a trained network: epochs over somebody's rows and rehearsal, stopped in time.

After each epoch the loss on validation rows is measured, and the network of the best epoch is kept. A run that is
stopped goes on from its last checkpoint with the same result.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict

from data.mixing import Mixture, draw
from data.rows import FeedbackRow
from model.calibration import Floats
from model.network import FeedbackNetwork, Logits
from training.batches import Batch, Encoded, Targets, collate, plan_batches
from training.checkpoint import load_checkpoint, load_mean_of_cycles, save_checkpoint, save_cycle
from training.losses import Losses, losses
from training.precision import autocast, bfloat16_pays, use_float32_attention
from training.recipe import Encoder, LossWeights, Optimisation
from training.train import Cycle, Plan, Progress, freeze, make_optimiser, rate_share, trainable

log = logging.getLogger(__name__)

_EPOCHS = "epochs.json"
_LOSS_WEIGHTS = LossWeights().model_dump()


class Settings(BaseModel):
    """How much is trained, and how: half the rate and a few of the hundreds of thousands of rows of a whole training.

    `rehearsed` are the fewest and the most texts to rehearse in an epoch, between which they are as many as the rows.
    """

    model_config = ConfigDict(frozen=True)

    encoder: Encoder = Encoder(freeze_embeddings=True, frozen_layers=0)
    optimisation: Optimisation = Optimisation(
        encoder_rate=6e-5, head_rate=1e-3, tokens_per_batch=1024, checkpoint_every=25, log_every=10
    )
    epochs: int = 5
    patience: int = 2
    rehearsed: tuple[int, int] = (400, 3000)
    max_tokens: int = 96


@dataclass(frozen=True, slots=True)
class Epochs:
    """Every batch of a run, in order, the number of steps done at each epoch's end, and the texts rehearsed in one."""

    plan: Plan
    ends: list[int]
    rehearsed: int


def plan_epochs(
    rows: Sequence[FeedbackRow], rehearsed: Sequence[FeedbackRow], encoded: Encoded, settings: Settings
) -> Epochs:
    """Draws each epoch's rows: all of `rows`, rare classes more often, and about as many to rehearse.

    `encoded` holds `rows`, then `rehearsed`.
    """
    seed, (least, most) = settings.optimisation.seed, settings.rehearsed
    beside = min(len(rehearsed), max(least, min(most, len(rows))))
    own = Mixture(rows=len(rows), language_temperature=1.0, source_temperature=1.0)
    batches: list[npt.NDArray[np.int64]] = []
    ends = []
    for epoch in range(settings.epochs):
        drawn = draw(rows, own, seed=seed + epoch)
        again = draw(rehearsed, Mixture(rows=beside), seed=seed + epoch) + len(rows)
        order = np.random.default_rng(seed + epoch).permutation(np.concatenate([drawn, again]))
        lengths = [len(encoded.ids[at]) for at in order]
        planned = plan_batches(lengths, tokens_per_batch=settings.optimisation.tokens_per_batch, seed=seed + epoch)
        batches.extend(order[batch] for batch in planned)
        ends.append(len(batches))
    tokens = [sum(len(encoded.ids[at]) for at in batch) for batch in batches]
    return Epochs(Plan(encoded, batches, tokens, [Cycle(0, len(batches), 1.0)]), ends, beside)


def fine_tune(
    network: FeedbackNetwork,
    epochs: Epochs,
    validation: Encoded,
    *,
    work: Path,
    pad_id: int,
    settings: Settings,
    stop_after: int | None = None,
) -> list[float] | None:
    """Trains `network` in place and gives the validation loss of each epoch that was run; the best one's weights stay.

    `stop_after` ends the run early after that many steps, as an interruption would, and returns None.

    Raises:
        RecipeError: the checkpoint in `work` is of another run, or damaged.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    optimisation, plan = settings.optimisation, epochs.plan
    freeze(network, settings.encoder)
    bfloat16 = bfloat16_pays(optimisation.precision, device)
    if bfloat16 and device.type == "cpu":
        use_float32_attention(network)
    network.to(device)
    optimiser = make_optimiser(network, optimisation)
    fingerprint = f"{settings.model_dump_json()}, {plan.fingerprint()}"
    done = load_checkpoint(work / "checkpoint", network, optimiser, fingerprint=fingerprint)
    measured = _read_losses(work)[: sum(end <= done for end in epochs.ends)]
    progress = Progress(work / "log.jsonl", plan.tokens, done, every=optimisation.log_every)
    for step in range(done, len(plan.batches)):
        if not _goes_on(measured, settings.patience):
            break
        # Seeded by the step, dropout is the same whether or not the run was interrupted before it.
        torch.manual_seed(optimisation.seed + step)
        for group in optimiser.param_groups:
            group["lr"] = group["full_rate"] * rate_share(step, plan.cycles, optimisation.warmup_share)
        network.train()
        terms = _terms(network, collate(plan.encoded, plan.batches[step], pad_id), device, bfloat16=bfloat16)
        optimiser.zero_grad()
        _total(terms).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trainable(network), optimisation.clip_norm)
        optimiser.step()
        progress.step(step, terms._asdict())
        if step + 1 in epochs.ends:
            measured.append(float(row_losses(network, validation, pad_id, optimisation.tokens_per_batch).mean()))
            log.info("epoch %d of at most %d: validation loss %.4f", len(measured), len(epochs.ends), measured[-1])
            save_cycle(work, network, step=step + 1)
            _write_losses(work, measured)
        if step + 1 in epochs.ends or (step + 1) % optimisation.checkpoint_every == 0 or step + 1 == stop_after:
            save_checkpoint(work / "checkpoint", network, optimiser, step=step + 1, fingerprint=fingerprint)
        if step + 1 == stop_after:
            return None
    load_mean_of_cycles(work, network, steps=[epochs.ends[int(np.argmin(measured))]])
    network.to("cpu").eval()
    return measured


def _goes_on(measured: Sequence[float], patience: int) -> bool:
    """Whether one of the last `patience` epochs was the best so far."""
    return not measured or len(measured) - 1 - int(np.argmin(measured)) < patience


def _terms(network: FeedbackNetwork, batch: Batch, device: torch.device, *, bfloat16: bool) -> Losses:
    with autocast(device, bfloat16=bfloat16):
        logits = network(batch.input_ids.to(device), batch.attention_mask.to(device))
    targets = Targets(*(part.to(device) for part in batch.targets))
    return losses(logits, targets, taught_topics=_LOSS_WEIGHTS["topics"])


def _total(terms: Losses) -> torch.Tensor:
    return cast(torch.Tensor, sum(_LOSS_WEIGHTS[name] * term for name, term in terms._asdict().items()))


def row_losses(network: FeedbackNetwork, rows: Encoded, pad_id: int, tokens: int) -> Floats:
    """The loss of each row that has pieces, in float32, in an order of their own, the same for every network."""
    device = next(network.parameters()).device
    batches = plan_batches([len(ids) for ids in rows.ids], tokens_per_batch=tokens, seed=0)
    network.eval()
    found: list[float] = []
    with torch.no_grad():
        for batch in batches:
            read = collate(rows, batch, pad_id)
            logits = network(read.input_ids.to(device), read.attention_mask.to(device))
            targets = Targets(*(part.to(device) for part in read.targets))
            for row in range(len(batch)):
                one = slice(row, row + 1)
                of_row = losses(
                    Logits(*(part[one] for part in logits)), Targets(*(part[one] for part in targets)),
                    taught_topics=_LOSS_WEIGHTS["topics"],
                )  # fmt: skip
                found.append(float(_total(of_row)))
    return np.array(found)


def _read_losses(work: Path) -> list[float]:
    path = work / _EPOCHS
    found: Any = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return [float(each) for each in found]


def _write_losses(work: Path, measured: Sequence[float]) -> None:
    fresh = work / (_EPOCHS + ".tmp")
    fresh.write_text(json.dumps(list(measured)), encoding="utf-8")
    fresh.replace(work / _EPOCHS)
