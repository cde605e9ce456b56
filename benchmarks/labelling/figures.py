"""Figures over several draws, and how a table shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def spread(values: Sequence[float]) -> dict[str, float]:
    """Mean and standard deviation."""
    return {"mean": round(float(np.mean(values)), 4), "deviation": round(float(np.std(values, ddof=1)), 4)}


def percent(figure: Mapping[str, float], *, signed: bool = False) -> str:
    """A spread in per cent."""
    mean = 100 * figure["mean"]
    return f"{f'{mean:+.1f}' if signed else f'{mean:.1f}'} ± {100 * figure['deviation']:.1f}"
