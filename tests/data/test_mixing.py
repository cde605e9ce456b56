from collections import Counter

import numpy as np
import pytest

from data.mixing import Mixture, draw
from data.rows import FeedbackRow


def rows_of(source: str, lang: str, count: int, sentiment: str = "satisfied") -> list[FeedbackRow]:
    return [
        FeedbackRow(f"{source}{lang}{sentiment}{at}", "t", lang, source, "train", sentiment, None, None, None)  # type: ignore[arg-type]
        for at in range(count)
    ]


def drawn(rows: list[FeedbackRow], mixture: Mixture, field: str, seed: int = 1) -> Counter:
    return Counter(getattr(rows[at], field) for at in draw(rows, mixture, seed=seed))


def test_equal_seeds_draw_equal_rows_and_others_do_not() -> None:
    rows = rows_of("a", "en", 50) + rows_of("b", "ar", 50)
    first, again, other = (draw(rows, Mixture(rows=80), seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_fixed_share_is_kept_to_the_row() -> None:
    rows = rows_of("a", "en", 10) + rows_of("b", "en", 1000)
    assert drawn(rows, Mixture(rows=200, shares={"a": 0.25}), "source")["a"] == 50


def test_temperature_lifts_small_languages() -> None:
    rows = rows_of("a", "en", 900) + rows_of("a", "fa", 100)
    natural = drawn(rows, Mixture(rows=1000, language_temperature=1.0), "lang")
    tempered = drawn(rows, Mixture(rows=1000, language_temperature=0.5), "lang")
    equal = drawn(rows, Mixture(rows=1000, language_temperature=0.0), "lang")
    assert (natural["fa"], tempered["fa"], equal["fa"]) == (100, 250, 500)


def test_a_rare_class_is_kept() -> None:
    rows = rows_of("a", "en", 990) + rows_of("a", "en", 10, "dissatisfied")
    assert drawn(rows, Mixture(rows=1000, class_temperature=0.5), "sentiment")["dissatisfied"] == pytest.approx(
        91, abs=1
    )


def test_a_weight_moves_draws_between_sources_of_one_language_only() -> None:
    rows = rows_of("a", "en", 100) + rows_of("b", "en", 100) + rows_of("c", "ar", 200)
    counts = drawn(rows, Mixture(rows=400, weights={"a": 3.0}), "source")
    assert counts == {"a": 150, "b": 50, "c": 200}


def test_a_small_cell_repeats_evenly() -> None:
    rows = rows_of("a", "en", 10)
    assert set(drawn(rows, Mixture(rows=35), "id").values()) == {3, 4}


def test_every_draw_has_the_asked_number_of_rows() -> None:
    rows = rows_of("a", "en", 7) + rows_of("b", "fa", 13) + rows_of("c", "vi", 3, "neutral")
    assert len(draw(rows, Mixture(rows=1001), seed=3)) == 1001
