"""What the trained torch network itself says of a text: the reference that an export is held against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from tokenizers import Tokenizer

from model.calibration import HeadLogits, combine_windows
from model.network import FeedbackNetwork
from model.text import normalise
from model.tokenizer import id_of
from model.windows import batches_by_length, windows

_TOKENS_PER_BATCH = 2048


def windows_of(
    texts: Sequence[str], tokenizer: Tokenizer, *, window_tokens: int, max_tokens: int, max_characters: int
) -> list[list[list[int]]]:
    """Cuts legible texts into windows as the scoring runtime does.

    Raises:
        TextError: a text has no legible character.
    """
    begin, end = id_of(tokenizer, "<s>"), id_of(tokenizer, "</s>")
    cleaned = [normalise(text, max_characters=max_characters)[0] for text in texts]
    return [
        windows(encoding.ids[:max_tokens], begin=begin, end=end, window_tokens=window_tokens)
        for encoding in tokenizer.encode_batch(cleaned, add_special_tokens=False)
    ]


def padded_batches(
    parts: Sequence[Sequence[int]], *, pad_id: int, tokens: int = _TOKENS_PER_BATCH
) -> list[tuple[list[int], torch.Tensor, torch.Tensor]]:
    """Batches windows by length: positions, input ids (batch, length) and mask (batch, length).

    A batch holds at most `tokens` pieces, padding among them.
    """
    batches = []
    for positions in batches_by_length([len(part) for part in parts], tokens_per_batch=tokens):
        longest = max(len(parts[at]) for at in positions)
        input_ids = torch.full((len(positions), longest), pad_id)
        mask = torch.zeros_like(input_ids)
        for row, at in enumerate(positions):
            input_ids[row, : len(parts[at])] = torch.tensor(parts[at])
            mask[row, : len(parts[at])] = 1
        batches.append((positions, input_ids, mask))
    return batches


def torch_logits(network: FeedbackNetwork, of_texts: list[list[list[int]]], *, pad_id: int) -> HeadLogits:
    """Scores texts given as windows with the torch network, in float32."""
    parts = [window for windows in of_texts for window in windows]
    satisfaction, anger = np.empty((len(parts), 3)), np.empty(len(parts))
    topics = np.empty((len(parts), network.topic_count))
    network.eval()
    with torch.no_grad():
        for positions, input_ids, mask in padded_batches(parts, pad_id=pad_id):
            logits = network(input_ids, mask)
            satisfaction[positions] = logits.satisfaction.numpy()
            anger[positions] = logits.anger.numpy()
            topics[positions] = logits.topics.numpy()
    return combine_windows(HeadLogits(satisfaction, anger, topics), of_texts)
