"""Turning float weights into small integers, and moving what makes activations hard to quantise into them.

The embedding table is kept in 4-bit blocks, matrices in 8-bit columns. Activations get one fixed scale a
matrix, measured on real texts, never one computed from the batch at hand: a text's scores must not
depend on its neighbours. Before that, each input channel is divided by a factor that the matrix's rows
are multiplied by, so that a few outlying channels do not eat up the 8 bits of all others (SmoothQuant,
Xiao et al. 2023, https://arxiv.org/abs/2211.10438, equation 4). Weights are rounded so that the errors of
one input channel are made good by the channels after it (GPTQ, Frantar et al. 2022,
https://arxiv.org/abs/2210.17323, algorithm 1).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

BLOCK = 32
STORED_LIMIT = 127
"""Largest whole number of weights that are only stored as integers."""

MULTIPLIED_LIMIT = 63
"""Largest of weights that are multiplied as integers: two products of 8-bit activations and such weights
fit in 16 bits (2 * 255 * 63 < 2**15), where CPUs without VNNI would saturate.
"""

_STRENGTHS = (0.5, 0.6, 0.7, 0.8, 0.9)
_KEPT_RANGES = (1.0, 0.85, 0.7, 0.55)
_SEARCHED_TOKENS = 1024
_ROWS_AT_ONCE = 4096
"""Rows of a table that are quantised together: all of a large one, in floats, several times, are a gigabyte."""


@dataclass(frozen=True, slots=True)
class Columns:
    """A matrix (inputs, outputs) as int8, with one scale an output column."""

    values: npt.NDArray[np.int8]
    scales: Floats


@dataclass(frozen=True, slots=True)
class Blocks:
    """A table (rows, width) in 4-bit blocks of 32: two values a byte, low first, one scale a block."""

    packed: npt.NDArray[np.uint8]
    scales: Floats


@dataclass(frozen=True, slots=True)
class QuantisedMatrix:
    """A matrix ready for integer products: input is divided by `smoothing`, then by `scale`, plus `zero`."""

    columns: Columns
    smoothing: Floats
    scale: np.float32
    zero: np.uint8

    def product(self, inputs: Floats) -> Floats:
        """What the integer product gives for inputs (tokens, channels), without the bias."""
        shifted = np.rint(inputs / self.smoothing / self.scale) + self.zero
        integers = np.clip(shifted, 0, 255) - self.zero
        return np.asarray((integers * self.scale) @ (self.columns.values * self.columns.scales), dtype=np.float32)

    def part(self, at: int, of: int) -> QuantisedMatrix:
        """One of as many equal parts of the matrix, whose columns are next to each other."""
        values, scales = np.split(self.columns.values, of, axis=1)[at], np.split(self.columns.scales, of)[at]
        return replace(self, columns=Columns(values, scales))


def rounded_columns(matrix: Floats, *, limit: int) -> Columns:
    """Quantises a matrix (inputs, outputs), symmetrically, to the nearest whole numbers from -limit to limit."""
    scales = (np.maximum(np.abs(matrix).max(axis=0), 1e-12) / limit).astype(np.float32)
    return Columns(np.rint(matrix / scales).astype(np.int8), scales)


def compensated_columns(matrix: Floats, inputs: Floats, *, limit: int) -> Columns:
    """Quantises like `rounded_columns`, but makes good the error of one channel by those after it.

    `inputs` (tokens, channels) tell how much the error made in one channel shows through another.
    """
    scales = np.maximum(np.abs(matrix).max(axis=0), 1e-12) / limit
    rest = matrix.astype(np.float64)
    compensation = _compensation(inputs.T @ inputs / len(inputs))
    values = np.empty(matrix.shape, dtype=np.int8)
    for channel in range(len(matrix)):
        values[channel] = np.clip(np.rint(rest[channel] / scales), -limit, limit)
        error = (rest[channel] - values[channel] * scales) / compensation[channel, channel]
        rest[channel + 1 :] -= np.outer(compensation[channel, channel + 1 :], error)
    return Columns(values, scales.astype(np.float32))


def _compensation(products: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Upper Cholesky factor of the inverse of the damped channel products."""
    damped = products.astype(np.float64)
    # A hundredth of the mean keeps the inverse sane where channels move together, as in the paper.
    damped[np.diag_indices_from(damped)] += 0.01 * np.mean(np.diag(damped)) + 1e-12
    return np.asarray(np.linalg.cholesky(np.linalg.inv(damped)).T)


def blocks(table: Floats) -> Blocks:
    """Quantises a table (rows, width) to 4 bits in blocks of 32 along its rows.

    The value of largest magnitude in a block becomes -8 exactly, so a table that was made from such blocks
    comes back without loss.
    """
    rows, width = table.shape
    packed = np.empty((rows, width // 2), dtype=np.uint8)
    scales = np.empty((rows, width // BLOCK), dtype=np.float32)
    for begin in range(0, rows, _ROWS_AT_ONCE):
        part = slice(begin, begin + _ROWS_AT_ONCE)
        packed[part], scales[part] = _packed(table[part])
    return Blocks(packed, scales)


def _packed(table: Floats) -> tuple[npt.NDArray[np.uint8], Floats]:
    rows, width = table.shape
    parts = table.reshape(rows, width // BLOCK, BLOCK)
    extreme = np.take_along_axis(parts, np.abs(parts).argmax(axis=2)[..., None], axis=2)[..., 0]
    scales = (extreme / -8).astype(np.float32)
    divisors = np.where(scales == 0, 1, scales)
    values = np.clip(np.rint(parts / divisors[..., None]), -8, 7).astype(np.int8).reshape(rows, width)
    nibbles = (values & 15).astype(np.uint8)
    return (nibbles[:, ::2] | nibbles[:, 1::2] << 4).astype(np.uint8), scales


def halves() -> Floats:
    """The two values, low first, that each byte of `Blocks` stands for; (256, 2)."""
    both = np.arange(256, dtype=np.uint8)[:, None] >> np.array([0, 4], dtype=np.uint8) & 15
    # In two's complement.
    return (both ^ 8).astype(np.float32) - 8


def quantised_matrix(matrix: Floats, inputs: Floats) -> QuantisedMatrix:
    """Quantises a matrix (inputs, outputs) and the inputs seen, (tokens, channels), for integer products.

    How much of the difficulty moves from the activations into the weights, and how much of the activations'
    range is given up for a finer step, is what gives the least error on a part of the inputs.
    """
    part = inputs[:_SEARCHED_TOKENS]
    exact = part @ matrix
    candidates = (
        _quantised(matrix, part, strength, kept) for strength, kept in itertools.product(_STRENGTHS, _KEPT_RANGES)
    )
    best = min(candidates, key=lambda made: float(np.square(made.product(part) - exact).mean()))
    smooth = matrix * best.smoothing[:, None]
    return replace(best, columns=compensated_columns(smooth, inputs / best.smoothing, limit=MULTIPLIED_LIMIT))


def _quantised(matrix: Floats, inputs: Floats, strength: float, kept: float) -> QuantisedMatrix:
    reach = np.maximum(np.abs(inputs).max(axis=0), 1e-5)
    weight_reach = np.maximum(np.abs(matrix).max(axis=1), 1e-5)
    smoothing = (reach**strength / weight_reach ** (1 - strength)).astype(np.float32)
    smooth = inputs / smoothing
    low, high = kept * min(0.0, float(smooth.min())), kept * max(0.0, float(smooth.max()))
    scale = np.float32(max(high - low, 1e-8) / 255)
    zero = np.uint8(np.clip(round(-low / float(scale)), 0, 255))
    columns = rounded_columns(matrix * smoothing[:, None], limit=MULTIPLIED_LIMIT)
    return QuantisedMatrix(columns, smoothing, scale, zero)
