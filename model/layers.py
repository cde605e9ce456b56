"""Which layers of an encoder heads of own topics look at."""

from __future__ import annotations

from typing import Final

EMBEDDINGS: Final = -1
"""Stands for what the first layer is given."""


def feature_layers(depth: int) -> tuple[int, ...]:
    """The embeddings, and the layers after three quarters and all of the encoder, counted from 0.

    The last layer was trained for the topics that every weights folder has and has unlearned some of what tells others
    apart; the one before it still knows, and the embeddings know the very words.
    """
    return (EMBEDDINGS, *sorted({max(depth * 3 // 4, 1) - 1, depth - 1}))
