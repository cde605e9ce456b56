"""The parts of benchmarks/batch that choose rows and make ratios of times."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from benchmarks.batch import rows
from benchmarks.batch.contestants import CEILING, CONTESTANTS, SAME_BATCHES, SAME_ONE, XLM_R
from benchmarks.batch.goals import DISTINCT, FOURFOLD, NATURAL, goals, workers_goal
from benchmarks.batch.table import show

COUNTS = Counter({f"text {n}": 1 + (n % 10 == 0) * 2 for n in range(1000)})


def test_a_file_of_distinct_texts_has_as_many_as_asked_for_and_too_few_are_refused():
    assert len(set(rows.distinct(COUNTS, 300, seed=1))) == 300
    with pytest.raises(ValueError, match="only 1000 texts differ"):
        rows.distinct(COUNTS, 1001, seed=1)


def test_texts_repeat_as_often_as_in_the_sources():
    assert rows.share_repeated(COUNTS) == pytest.approx(1 / 6)
    drawn = rows.as_in_sources(COUNTS, 600, seed=1)
    assert len(drawn) == 600
    assert rows.share_repeated(Counter(drawn)) == pytest.approx(1 / 6, abs=0.03)


def test_every_text_stands_there_the_times_asked_for():
    assert set(Counter(rows.repeated(COUNTS, 400, 4, seed=1)).values()) == {4}


@pytest.mark.parametrize("offset", [0.0, 0.4, 0.999])
def test_a_sample_has_the_mixture_of_lengths_of_the_whole(offset):
    lengths = [(n * 37) % 101 + 400 * (n % 50 == 0) for n in range(5000)]
    chosen = rows.same_mix(lengths, 250, offset)
    assert len(set(chosen)) == 250
    whole = sum(lengths) / len(lengths)
    assert sum(lengths[at] for at in chosen) / 250 == pytest.approx(whole, rel=0.02)
    assert rows.same_mix(lengths, 9999, offset) == list(range(5000))


def results():
    """Two repeats; the second on a machine half as fast."""
    seconds = {DISTINCT: 10, NATURAL: 9, FOURFOLD: 4, CEILING: 9.5, SAME_BATCHES: 30, SAME_ONE: 28, XLM_R: 100}
    seconds |= {name: 50 for name in CONTESTANTS if name not in seconds}
    repeats = [
        {name: {"rows": 1000, "seconds": value * slow, "peak_mb": 300.4} for name, value in seconds.items()}
        for slow in (1, 2)
    ]
    return {
        "machine": {"processor": "some", "cores": 2, "memory_gb": 8, "load_before": 1.5, "busy_before": True},
        "versions": {
            "weights": {"name": "w", "version": "1"}, "onnxruntime": "1", "torch": "2", "transformers": "3",
        },
        "texts": {
            "rows": 1000, "mean_tokens": 34.2, "rows_in_sources": 9000, "share_repeated_in_sources": 0.02,
            "share_repeated": {DISTINCT: 0.0, NATURAL: 0.021, FOURFOLD: 0.75},
        },
        "repeats": repeats,
    }  # fmt: skip


def test_ratios_are_taken_within_a_repeat_and_with_the_faster_pipeline():
    found = goals(results())
    assert [round(goal.ratio.median, 2) for goal in found] == [2.8, 10.0, 0.95, 2.5]
    assert all(goal.ratio.lowest == pytest.approx(goal.ratio.highest) for goal in found)
    assert SAME_ONE in found[0].what
    assert [goal.holds for goal in found] == [True, True, True, True]


def test_the_page_says_what_was_measured_on_what_and_whether_the_machine_was_busy():
    workers = {
        **{key: results()[key] for key in ("machine",)},
        "versions": {"ray": "2"}, "rows": 100, "files": 4, "start_rows": 16,
        "repeats": [{"1": {"seconds": 16.0, "start_seconds": 4.0}, "2": {"seconds": 10.0, "start_seconds": 5.0}}],
    }  # fmt: skip
    assert not workers_goal(workers).holds
    page = show(json.loads(json.dumps(results())), workers)
    assert "busy before the run, load 1.5" in page
    assert "| two Ray workers of one core beside one | 1.7 | 1.60 (1.60 to 1.60) | no |" in page
    assert f"| {XLM_R} | 1,000 | 7.5 (5.0 to 10.0) | 10.00 (10.00 to 10.00) | 300 |" in page
    # Its process holds more than the session alone, so its memory would mislead.
    assert next(line for line in page.splitlines() if line.startswith(f"| {CEILING} | 1,000")).endswith("|  |")
