"""Which layers of an encoder heads of own topics look at."""

from __future__ import annotations


def feature_layers(depth: int) -> tuple[int, ...]:
    """The layers after half, three quarters and all of the encoder, counted from 0; fewer in a shallow one.

    The last layer was trained for the topics that every weights folder has and has unlearned some of what tells others
    apart; layers before it still know.
    """
    return tuple(sorted({max(depth * quarters // 4, 1) - 1 for quarters in (2, 3, 4)}))
