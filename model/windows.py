"""Cutting a text's pieces into windows that the network can read, and batching windows by length."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def windows(pieces: Sequence[int], *, begin: int, end: int, window_tokens: int) -> list[list[int]]:
    """Cuts pieces into the fewest windows of about equal length, each between `begin` and `end` pieces.

    Equal parts leave no stump of three pieces at the end of a text, which would be read without context.
    """
    room = window_tokens - 2
    count = max(1, -(-len(pieces) // room))
    edges = [len(pieces) * number // count for number in range(count + 1)]
    return [[begin, *pieces[start:stop], end] for start, stop in pairwise(edges)]


def batches_by_length(lengths: Sequence[int], *, tokens_per_batch: int) -> list[list[int]]:
    """Groups positions into batches of similar length and at most `tokens_per_batch` padded tokens."""
    batches: list[list[int]] = []
    for position in sorted(range(len(lengths)), key=lambda at: lengths[at]):
        if batches and (len(batches[-1]) + 1) * lengths[position] <= tokens_per_batch:
            batches[-1].append(position)
        else:
            batches.append([position])
    return batches
