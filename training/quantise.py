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

from dataclasses import dataclass

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
class SeenInputs:
    """What a matrix was given: each channel's lowest and highest value (channels,), and the mean product of
    each two channels (channels, channels).
    """

    low: Floats
    high: Floats
    products: Floats


@dataclass(frozen=True, slots=True)
class QuantisedMatrix:
    """A matrix ready for integer products: input is divided by `smoothing`, then by `scale`, plus `zero`."""

    columns: Columns
    smoothing: Floats
    scale: np.float32
    zero: np.uint8


def columns(matrix: Floats, products: Floats, *, limit: int) -> Columns:
    """Quantises a matrix (inputs, outputs), symmetrically, to whole numbers from -limit to limit.

    `products` (inputs, inputs) are the mean products of the input's channels; they tell how much the
    error made in one channel shows through another.
    """
    scales = np.maximum(np.abs(matrix).max(axis=0), 1e-12) / limit
    rest = matrix.astype(np.float64)
    compensation = _compensation(products)
    values = np.empty(matrix.shape, dtype=np.int8)
    for channel in range(len(matrix)):
        values[channel] = np.clip(np.rint(rest[channel] / scales), -limit, limit)
        error = (rest[channel] - values[channel] * scales) / compensation[channel, channel]
        rest[channel + 1 :] -= np.outer(compensation[channel, channel + 1 :], error)
    return Columns(values, scales.astype(np.float32))


def _compensation(products: Floats) -> npt.NDArray[np.float64]:
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
    parts = table.reshape(rows, width // BLOCK, BLOCK)
    extreme = np.take_along_axis(parts, np.abs(parts).argmax(axis=2)[..., None], axis=2)[..., 0]
    scales = (extreme / -8).astype(np.float32)
    divisors = np.where(scales == 0, 1, scales)
    values = np.clip(np.rint(parts / divisors[..., None]), -8, 7).astype(np.int8).reshape(rows, width)
    nibbles = (values & 15).astype(np.uint8)
    return Blocks((nibbles[:, ::2] | nibbles[:, 1::2] << 4).astype(np.uint8), scales)


def quantised_matrix(matrix: Floats, seen: SeenInputs, *, strength: float) -> QuantisedMatrix:
    """Smooths a matrix (inputs, outputs) against its input's range and quantises both.

    `strength` (0 to 1) is how much of the difficulty moves from the activations into the weights.
    """
    reach = np.maximum(np.maximum(np.abs(seen.low), np.abs(seen.high)), 1e-5)
    weight_reach = np.maximum(np.abs(matrix).max(axis=1), 1e-5)
    smoothing = (reach**strength / weight_reach ** (1 - strength)).astype(np.float32)
    low, high = min(0.0, float((seen.low / smoothing).min())), max(0.0, float((seen.high / smoothing).max()))
    scale = np.float32(max(high - low, 1e-8) / 255)
    zero = np.uint8(np.clip(round(-low / float(scale)), 0, 255))
    products = (seen.products / np.outer(smoothing, smoothing)).astype(np.float32)
    stored = columns(matrix * smoothing[:, None], products, limit=MULTIPLIED_LIMIT)
    return QuantisedMatrix(stored, smoothing, scale, zero)
