import pytest

from model.windows import batches_by_length, windows


@pytest.mark.parametrize("length", [1, 5, 6, 7, 12, 13, 100])
def test_windows_hold_every_piece_once_in_order(length: int) -> None:
    parts = windows(list(range(10, 10 + length)), begin=0, end=2, window_tokens=8)
    assert [piece for part in parts for piece in part[1:-1]] == list(range(10, 10 + length))
    assert all(part[0] == 0 and part[-1] == 2 and len(part) <= 8 for part in parts)


def test_no_window_is_a_stump() -> None:
    sizes = [len(part) - 2 for part in windows(list(range(13)), begin=0, end=2, window_tokens=8)]
    assert sizes == [4, 4, 5]


def test_batches_hold_every_window_once_within_their_budget() -> None:
    lengths = [3, 60, 5, 64, 7, 7, 7, 30, 1]
    batches = batches_by_length(lengths, tokens_per_batch=64)
    assert sorted(at for batch in batches for at in batch) == list(range(len(lengths)))
    assert all(max(lengths[at] for at in batch) * len(batch) <= 64 for batch in batches)
