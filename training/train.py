"""Fine-tunes the network by a recipe; reads from top to bottom, resumes at the step it was stopped."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer

from data.cleaning import same_text_key
from data.mixing import Mixture, draw
from data.rows import FeedbackRow
from model.classifier import load
from model.errors import RecipeError
from model.network import FeedbackNetwork, new_network, save_network
from model.tokenizer import tokenizer_of_encoder
from training.batches import Encoded, collate, encode, plan_batches
from training.checkpoint import load_checkpoint, load_mean_of_cycles, save_checkpoint, save_cycle
from training.corpus import read_corpus
from training.dropout import share_dropout
from training.losses import losses
from training.precision import autocast, bfloat16_pays, use_float32_attention
from training.recipe import Encoder, Optimisation, Recipe
from training.teacher import Taught, taught_once

log = logging.getLogger(__name__)

NETWORK_FOLDER = "network"


@dataclass(frozen=True, slots=True)
class Cycle:
    """Steps over which the rate rises to a share of the full one and falls to zero; `stop` is not among them."""

    start: int
    stop: int
    rate: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Every batch of a run, in order: the encoded rows, the positions of each batch among them, and the cycles."""

    encoded: Encoded
    batches: list[npt.NDArray[np.int64]]
    tokens: list[int]
    cycles: list[Cycle]

    def fingerprint(self) -> str:
        """SHA-256 of all that is learned, in its order: other labels, texts or teachers give another."""
        encoded = self.encoded
        said = (encoded.satisfaction, encoded.anger, encoded.topics, encoded.trust, encoded.taught)
        digest = hashlib.sha256()
        for array in (*said, *(np.array(ids, dtype=np.int64) for ids in encoded.ids), *self.batches):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def train(
    recipe: Recipe,
    *,
    data_root: Path,
    output: Path,
    encoder: str | None = None,
    stop_after: int | None = None,
) -> Path | None:
    """Trains to the end and returns the finished network's folder, `output/network`.

    `encoder` is a folder to read the recipe's encoder from, where there is no hub to reach.
    `stop_after` ends the run early after that many steps, as an interruption would, and returns None;
    calling again goes on from the last checkpoint. On a CPU the result is the same as that of an
    uninterrupted run with the same number of threads.

    Raises:
        RecipeError, SourceError, WeightsError: the recipe, a source or the encoder cannot be used.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(recipe.optimisation.seed)
    encoder = encoder or recipe.encoder.name
    network = new_network(encoder, dropout=recipe.encoder.dropout, head_dropout=recipe.encoder.head_dropout)
    share_dropout(network.encoder)
    freeze(network, recipe.encoder)
    bfloat16 = bfloat16_pays(recipe.optimisation.precision, device)
    if bfloat16 and device.type == "cpu":
        use_float32_attention(network)
    network.to(device).train()
    optimiser = make_optimiser(network, recipe.optimisation)
    checkpoint = output / "checkpoint"
    tokenizer = tokenizer_of_encoder(encoder)
    rows = read_corpus(recipe, data_root).train
    plan = make_plan(recipe, rows, tokenizer, partial(_taught, recipe, rows, output))
    steps = len(plan.batches)
    fingerprint = f"{recipe.fingerprint()}, {steps} steps, {sum(plan.tokens)} tokens, {plan.fingerprint()}"
    done = load_checkpoint(checkpoint, network, optimiser, fingerprint=fingerprint)
    log.info(
        "%d steps, %d tokens, on %s in %s; %d steps are done",
        steps, sum(plan.tokens), device, "bfloat16" if bfloat16 else "float32", done,
    )  # fmt: skip
    progress = Progress(output / "log.jsonl", plan.tokens, done, every=recipe.optimisation.log_every)
    weights = recipe.optimisation.loss_weights.model_dump()
    pad_id = cast(Any, network.encoder).config.pad_token_id

    averaged = [cycle.stop for cycle in plan.cycles[-recipe.optimisation.averaged_cycles :]]

    for step in range(done, steps):
        # Seeded by the step, dropout is the same whether or not the run was interrupted before it.
        torch.manual_seed(recipe.optimisation.seed + step)
        batch = collate(plan.encoded, plan.batches[step], pad_id)
        for group in optimiser.param_groups:
            group["lr"] = group["full_rate"] * rate_share(step, plan.cycles, recipe.optimisation.warmup_share)
        with autocast(device, bfloat16=bfloat16):
            logits = network(batch.input_ids.to(device), batch.attention_mask.to(device))
        targets = type(batch.targets)(*(part.to(device) for part in batch.targets))
        terms = losses(logits, targets, taught_topics=weights["topics"])
        total = cast(torch.Tensor, sum(weights[name] * term for name, term in terms._asdict().items()))
        optimiser.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trainable(network), recipe.optimisation.clip_norm)
        optimiser.step()
        progress.step(step, terms._asdict())
        if len(averaged) > 1 and step + 1 in averaged:
            save_cycle(output, network, step=step + 1)
        if (step + 1) % recipe.optimisation.checkpoint_every == 0 or step + 1 == stop_after:
            save_checkpoint(checkpoint, network, optimiser, step=step + 1, fingerprint=fingerprint)
        if step + 1 == stop_after and stop_after < steps:
            return None

    if len(averaged) > 1:
        load_mean_of_cycles(output, network, steps=averaged)
    folder = output / NETWORK_FOLDER
    save_network(network, encoder, folder)
    (folder / "recipe.json").write_text(recipe.model_dump_json(indent=1), encoding="utf-8")
    log.info("finished: %s", folder)
    return folder


def make_plan(
    recipe: Recipe,
    rows: list[FeedbackRow],
    tokenizer: Tokenizer,
    teach: Callable[[list[FeedbackRow]], Taught | None] = lambda rows: None,
) -> Plan:
    """Draws every stage's rows and groups them into batches, stage after stage; `teach` is asked of those drawn."""
    seed = recipe.optimisation.seed
    drawn = [
        draw(rows, mixture_of(recipe, rows=stage.rows, shares=stage.shares), seed=seed + number)
        for number, stage in enumerate(recipe.stages)
    ]
    used = np.unique(np.concatenate(drawn))
    trust = {source.name: source.trust for source in recipe.sources}
    kept = [rows[at] for at in used]
    encoded = encode(kept, tokenizer, recipe.text, trust, teach(kept))
    batches: list[npt.NDArray[np.int64]] = []
    cycles: list[Cycle] = []
    for number, positions in enumerate(drawn):
        local = np.searchsorted(used, positions)
        lengths = [len(encoded.ids[at]) for at in local]
        planned = plan_batches(lengths, tokens_per_batch=recipe.optimisation.tokens_per_batch, seed=seed + number)
        rate = recipe.stages[number].rate
        if not cycles or rate is not None:
            cycles.append(Cycle(len(batches), len(batches), 1.0 if rate is None else rate))
        batches.extend(local[batch] for batch in planned)
        cycles[-1] = replace(cycles[-1], stop=len(batches))
    return Plan(encoded, batches, [sum(len(encoded.ids[at]) for at in batch) for batch in batches], cycles)


def _taught(recipe: Recipe, rows: list[FeedbackRow], output: Path, drawn: list[FeedbackRow]) -> Taught | None:
    if recipe.teacher is None:
        return None
    teacher = load(recipe.teacher.weights)
    if not teacher.info.sha256.startswith(recipe.teacher.sha256):
        raise RecipeError(
            f"{recipe.teacher.weights}: not the teacher that the recipe names (SHA-256 {teacher.info.sha256}, not "
            f"{recipe.teacher.sha256}…); give the folder that was meant, or change teacher.sha256"
        )
    untaught = {same_text_key(row.text) for row in rows if row.source in recipe.teacher.untaught}
    return taught_once(drawn, teacher, untaught=untaught, folder=output)


def mixture_of(recipe: Recipe, *, rows: int, shares: Mapping[str, float]) -> Mixture:
    """So many rows of the recipe's sources, some of which have a share of their own."""
    return Mixture(
        rows=rows,
        shares=shares,
        weights={source.name: source.weight for source in recipe.sources},
        language_temperature=recipe.data.language_temperature,
        source_temperature=recipe.data.source_temperature,
        class_temperature=recipe.data.class_temperature,
    )


def freeze(network: FeedbackNetwork, settings: Encoder) -> None:
    """Takes the embeddings and the lowest layers out of training, as the settings say."""
    encoder = cast(Any, network.encoder)
    if settings.freeze_embeddings:
        encoder.embeddings.requires_grad_(False)
    for layer in encoder.encoder.layer[: settings.frozen_layers]:
        layer.requires_grad_(False)


def trainable(network: FeedbackNetwork) -> list[torch.nn.Parameter]:
    """The parameters that training changes."""
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def make_optimiser(network: FeedbackNetwork, settings: Optimisation) -> torch.optim.AdamW:
    """AdamW with a rate each for encoder and heads, and no decay on biases and layer norms."""
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            rate = settings.encoder_rate if name.startswith("encoder.") else settings.head_rate
            decay = settings.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((rate, decay), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": members, "lr": rate, "full_rate": rate, "weight_decay": decay}
            for (rate, decay), members in groups.items()
        ],
        fused=True,
    )


def rate_share(step: int, cycles: list[Cycle], warmup_share: float) -> float:
    """The share of the full rate at `step`: up in a line over a cycle's warm-up, then down in a line to zero."""
    cycle = next(cycle for cycle in cycles if step < cycle.stop)
    steps, at = cycle.stop - cycle.start, step - cycle.start
    warmup = max(1, int(steps * warmup_share))
    return cycle.rate * min((at + 1) / warmup, (steps - at) / max(1, steps - warmup))


class Progress:
    """Says loss, rate and time left, and appends the same to a JSON-lines log."""

    def __init__(self, path: Path, tokens: list[int], done: int, *, every: int) -> None:
        self._path, self._tokens, self._every = path, tokens, every
        self._began, self._first = time.monotonic(), done
        self._terms: dict[str, list[float]] = {}

    def step(self, step: int, terms: Mapping[str, torch.Tensor]) -> None:
        """Takes note of a finished step."""
        for name, term in terms.items():
            self._terms.setdefault(name, []).append(float(term.detach()))
        if (step + 1) % self._every and step + 1 != len(self._tokens):
            return
        rate = sum(self._tokens[self._first : step + 1]) / (time.monotonic() - self._began)
        left = sum(self._tokens[step + 1 :]) / rate
        means = {name: round(float(np.mean(values)), 4) for name, values in self._terms.items()}
        self._terms.clear()
        line = {"step": step + 1, **means, "tokens_per_second": round(rate), "seconds_left": round(left)}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        losses_said = " ".join(f"{name} {value:.3f}" for name, value in means.items())
        log.info(
            "step %d/%d  %s  %.0f tokens/s  %d min left",
            step + 1, len(self._tokens), losses_said, rate, left // 60,
        )  # fmt: skip
