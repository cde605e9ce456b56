import numpy as np

from training.quantise import (
    MULTIPLIED_LIMIT,
    STORED_LIMIT,
    blocks,
    compensated_columns,
    quantised_matrix,
    rounded_columns,
)

RNG = np.random.default_rng(1)


def expanded(packed: np.ndarray, scales: np.ndarray) -> np.ndarray:
    low, high = (packed & 15).astype(np.int8), (packed >> 4).astype(np.int8)
    values = np.stack([low, high], axis=-1).reshape(len(packed), -1)
    signed = np.where(values > 7, values - 16, values).reshape(len(packed), -1, 32)
    return (signed * scales[..., None]).reshape(len(packed), -1)


def test_a_table_made_of_4_bit_blocks_comes_back_without_loss() -> None:
    made = RNG.integers(-8, 8, size=(50, 2, 32)).astype(np.float32)
    made[:, :, 0] = -8
    table = (made * RNG.normal(size=(50, 2, 1)).astype(np.float16).astype(np.float32)).reshape(50, 64)
    stored = blocks(table)
    assert np.array_equal(expanded(stored.packed, stored.scales), table)


def test_any_table_comes_back_within_its_block_step() -> None:
    table = RNG.normal(size=(20, 64)).astype(np.float32)
    table[3] = 0
    stored = blocks(table)
    error = np.abs(expanded(stored.packed, stored.scales) - table).reshape(20, 2, 32).max(axis=2)
    assert (error <= np.abs(stored.scales) * 1.001).all()


def test_error_compensation_beats_plain_rounding_on_correlated_inputs() -> None:
    inputs = (RNG.normal(size=(2000, 8)) @ RNG.normal(size=(8, 32)) + 0.1 * RNG.normal(size=(2000, 32))).astype(
        np.float32
    )
    matrix = RNG.normal(size=(32, 16)).astype(np.float32)
    compensated, rounded = compensated_columns(matrix, inputs, limit=7), rounded_columns(matrix, limit=7)
    ours, theirs = (np.square(inputs @ (each.values * each.scales - matrix)).mean() for each in (compensated, rounded))
    assert ours < 0.5 * theirs


def test_weights_that_are_multiplied_cannot_saturate_16_bits() -> None:
    assert 2 * 255 * MULTIPLIED_LIMIT < 2**15
    assert np.iinfo(np.int8).max == STORED_LIMIT


def test_an_outlying_channel_does_not_ruin_the_others() -> None:
    inputs = RNG.normal(size=(4000, 32)).astype(np.float32)
    inputs[:, 5] *= 200
    matrix = (RNG.normal(size=(32, 16)) * 0.1).astype(np.float32)
    made = quantised_matrix(matrix, inputs)
    assert made.smoothing[5] > 20 * np.median(made.smoothing)
    plain = np.square(np.rint(inputs / np.abs(inputs).max() * 127) / 127 * np.abs(inputs).max() - inputs)[:, :5].mean()
    exact = inputs @ matrix
    assert np.square(made.product(inputs) - exact).mean() < 1e-3 * np.square(exact).mean()
    assert plain > 0.1  # what one scale for all channels does to the calm ones
