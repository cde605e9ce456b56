"""From rows to padded batches: token ids, the targets of each head, and what a row leaves unsaid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor

from data.rows import FeedbackRow
from model.errors import TextError
from model.labels import TOPICS
from model.text import normalise
from training.recipe import Text
from training.targets import anger_targets, satisfaction_targets, topic_targets
from training.teacher import MOOD_LOGITS, Taught

_POOL_ROWS = 4096


class Targets(NamedTuple):
    """What a batch's rows say: satisfaction (batch,) and anger (batch,) as class, 0/1 or UNKNOWN, topics
    (batch, topics) as 0/1 or UNKNOWN, trust (batch,) the weight of each row's loss, taught (batch, 4 + topics) the
    teacher's probabilities, NaN where it was not asked.
    """

    satisfaction: Tensor
    anger: Tensor
    topics: Tensor
    trust: Tensor
    taught: Tensor


class Batch(NamedTuple):
    """A padded batch: ids and mask are (batch, length)."""

    input_ids: Tensor
    attention_mask: Tensor
    targets: Targets


@dataclass(frozen=True, slots=True)
class Encoded:
    """Rows cut into pieces, with their targets; the same position in each is the same row."""

    ids: list[list[int]]
    satisfaction: npt.NDArray[np.int64]
    anger: npt.NDArray[np.int64]
    topics: npt.NDArray[np.int64]
    trust: npt.NDArray[np.float32]
    taught: Taught


def encode(
    rows: Sequence[FeedbackRow],
    tokenizer: Tokenizer,
    text: Text,
    trust: dict[str, float],
    taught: Taught | None = None,
    topics: Sequence[str] = TOPICS,
) -> Encoded:
    """Cuts each row's text into at most `text.max_tokens` pieces and reads its targets, of topics those of `topics`.

    A row without a legible character becomes an empty piece sequence, which `plan_batches` leaves out.
    """
    tokenizer.enable_truncation(text.max_tokens)
    tokenizer.no_padding()
    said = [legible(row.text, text.max_characters) for row in rows]
    encodings = tokenizer.encode_batch(said)
    ids = [encoding.ids if each else [] for encoding, each in zip(encodings, said, strict=True)]
    return Encoded(
        ids,
        satisfaction_targets(rows),
        anger_targets(rows),
        topic_targets(rows, topics),
        np.array([trust.get(row.source, 1.0) for row in rows], dtype=np.float32),
        np.full((len(rows), MOOD_LOGITS + len(topics)), np.nan, dtype=np.float32) if taught is None else taught,
    )


def plan_batches(lengths: Sequence[int], *, tokens_per_batch: int, seed: int) -> list[npt.NDArray[np.int64]]:
    """Groups positions, in the order given, into batches of at most `tokens_per_batch` padded tokens.

    Rows are sorted by length inside pools of 4,096, so that little is padded, and the batches of a pool
    are shuffled. Equal arguments give equal plans.
    """
    rng = np.random.default_rng(seed)
    plan: list[npt.NDArray[np.int64]] = []
    for start in range(0, len(lengths), _POOL_ROWS):
        pool = [at for at in range(start, min(start + _POOL_ROWS, len(lengths))) if lengths[at]]
        pool.sort(key=lambda at: lengths[at])
        batches: list[list[int]] = [[]]
        for at in pool:
            if batches[-1] and (len(batches[-1]) + 1) * lengths[at] > tokens_per_batch:
                batches.append([])
            batches[-1].append(at)
        plan.extend(np.array(batches[number]) for number in rng.permutation(len(batches)) if batches[number])
    return plan


def collate(encoded: Encoded, positions: npt.NDArray[np.int64], pad_id: int) -> Batch:
    """Pads the rows at `positions` to the longest of them."""
    input_ids, mask = padded([encoded.ids[at] for at in positions], pad_id)
    targets = Targets(
        *(
            torch.from_numpy(array[positions])
            for array in (encoded.satisfaction, encoded.anger, encoded.topics, encoded.trust, encoded.taught)
        )
    )
    return Batch(input_ids, mask, targets)


def padded(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Ids and mask of rows of pieces, padded to the longest: (rows, length) each, the mask 1 on real pieces."""
    input_ids = np.full((len(rows), max(map(len, rows))), pad_id, dtype=np.int64)
    mask = np.zeros_like(input_ids)
    for row, pieces in enumerate(rows):
        input_ids[row, : len(pieces)] = pieces
        mask[row, : len(pieces)] = 1
    return torch.from_numpy(input_ids), torch.from_numpy(mask)


def legible(text: str, max_characters: int) -> str:
    """A text cleaned as for scoring; empty where it has no legible character."""
    try:
        return normalise(text, max_characters=max_characters)[0]
    except TextError:
        return ""
