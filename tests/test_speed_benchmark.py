"""The parts of benchmarks/speed that choose texts, ask contestants, make ratios and write the page."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from xml.etree import ElementTree

import pytest

from benchmarks.batch.goals import Spread
from benchmarks.speed import rounds, texts
from benchmarks.speed.asking import Contestant, rotated
from benchmarks.speed.goals import curve_goals, peer_goals, start_goals
from benchmarks.speed.kernel_engines import FLOAT, RIDA
from benchmarks.speed.loading import BY_HAND
from benchmarks.speed.operators import FUSED
from benchmarks.speed.page import page, plot
from benchmarks.speed.peer import AS_IT_COMES, AT_ITS_BEST, FAST, FULL
from benchmarks.speed.plot import Axis, speed_plot
from benchmarks.speed.sessions import AS_SHIPPED
from benchmarks.speed.starts import COMMAND
from tests.conftest import write_rows

XLM_R, XLM_R_BEST = f"XLM-R base, {AS_IT_COMES}", f"XLM-R base, {AT_ITS_BEST}"
CURVE = {
    "machine": {"processor": "Some CPU", "cores": 2, "memory_gb": 16, "busy_before": False, "load_before": 0.1},
    "rows": 1883,
    "curve": [
        {"name": name, "texts_per_second_ratio": ratio, "ratios": [ratio], "topic_micro_f1": 0.87,
         "mood_macro_f1": {"ar": 0.79 - lost, "fa": 0.81 - lost}, "angry_recall_at_5": 0.75}
        for name, ratio, lost in (("full", 1.0, 0.0), ("a < b", 3.5, 0.02))
    ],
}  # fmt: skip


@pytest.fixture
def small_sources(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "SOURCES", ("annotated", "small", "large"))
    for name, count in (("annotated", 40), ("small", 4), ("large", 40)):
        rows = [{"id": f"{name}{n}", "text": f"{name} {n}", "lang": "en"} for n in range(count)]
        write_rows(tmp_path / name / "test.jsonl.gz", rows)
        write_rows(tmp_path / name / "train.jsonl.gz", [{"id": "t", "text": "of a train row", "lang": "en"}])
    return tmp_path


def test_half_of_the_texts_are_annotated_ones_and_all_are_of_test_rows(small_sources):
    drawn = texts.mixed_texts(small_sources, 40)
    assert len(set(drawn)) == 40
    assert sum(text.startswith("annotated") for text in drawn) == 20
    # What the small source lacks comes from the one after it.
    assert sum(text.startswith("small") for text in drawn) == 4
    assert "of a train row" not in drawn
    assert drawn == texts.mixed_texts(small_sources, 40)
    with pytest.raises(ValueError, match="only 84 texts"):
        texts.mixed_texts(small_sources, 200)


def test_texts_of_a_file_are_taken_in_place_of_sources(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("text\nfirst\nsecond\nfirst\n", encoding="utf-8")
    parser = ArgumentParser()
    texts.add_flags(parser, rows=2)
    assert sorted(texts.drawn_texts(parser.parse_args(["--texts", str(path)]))) == ["first", "second"]


def test_windows_of_one_length_are_made_of_the_pieces_of_texts_and_begin_and_end_as_theirs():
    windows = [[0, *range(10, 30), 2], [0, *range(40, 45), 2]]
    found = texts.windows_of_length(windows, 16, 5)
    assert len(found) == 5
    assert all(len(each) == 16 and (each[0], each[-1]) == (0, 2) for each in found)
    assert {piece for each in found for piece in each[1:-1]} <= {*range(10, 30), *range(40, 45)}
    with pytest.raises(ValueError, match="only 25 pieces"):
        texts.windows_of_length(windows, 64, 1)


def test_a_ratio_is_taken_within_each_round_and_only_where_both_were_measured():
    found = [{"a": 2.0, "b": 1.0}, {"a": 9.0, "b": 3.0}, {"a": 5.0}, {"b": 7.0}]
    assert rounds.ratios(found, "a", "b") == Spread(2.5, 2.0, 3.0)
    assert rounds.spread(found, "b") == Spread(3.0, 1.0, 7.0)
    assert rounds.names_in([{"b": 1.0}, {"a": 1.0, "b": 2.0}]) == ["b", "a"]
    said = rounds.said(found[:2], "b", unit="ms", scale=1000)
    assert "a" in said.splitlines()[0]
    assert "2.500 (2.000 to 3.000) times b" in said


def test_each_round_begins_with_another_one_and_has_all():
    orders = [rotated("abc", number) for number in range(4)]
    assert [order[0] for order in orders] == ["a", "b", "c", "a"]
    assert all(sorted(order) == ["a", "b", "c"] for order in orders)


def test_a_contestant_answers_until_it_is_left_and_says_why_it_fails(tmp_path, monkeypatch):
    module = tmp_path / "one_contestant.py"
    module.write_text(
        "import sys\nfrom benchmarks.speed.answering import answer_all\n"
        "if sys.argv[1] == 'broken': raise SystemExit('no such engine')\n"
        "def twice(of):\n    print('a word of a library')\n    return {'twice': 2 * of}\n"
        "def load():\n    print('another')\n    return {'twice': twice}\n"
        "answer_all(load)\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Contestant("one_contestant", "good") as contestant:
        assert contestant.ready["peak_mb"] >= contestant.ready["resident_mb"] > 1
        assert [contestant.ask("twice", of=each)["twice"] for each in (4, 5)] == [8, 10]
        with pytest.raises(RuntimeError, match="KeyError: 'thrice'"):
            contestant.ask("thrice")
    with pytest.raises(RuntimeError, match="no such engine"):
        Contestant("one_contestant", "broken")


def machine():
    return {"processor": "some", "cores": 2, "memory_gb": 8, "load_before": 1.5, "busy_before": True}


def versions():
    return {"weights": {"name": "w", "version": "1"}, "python": "3.11", "torch": "2", "openvino": None}


def peers():
    """Two rounds; the second on a machine half as fast."""
    rates = {FULL: 300.0, FAST: 900.0, XLM_R: 20.0, XLM_R_BEST: 60.0}
    return {
        "machine": machine(), "versions": versions(), "threads": 2, "texts": {"count": 3000, "mean_tokens": 34.4},
        "settings": {"XLM-R base": {"chosen": "bfloat16, batches of 16", "texts_per_second": {}}},
        "starts": [{name: {"seconds": 0.6, "peak_mb": 200.0} for name in rates}],
        "rounds": [{name: rate / slow for name, rate in rates.items()} for slow in (1, 2)],
        "one": [{name: slow / rate for name, rate in rates.items()} for slow in (1, 2)],
        "peak_mb": dict.fromkeys(rates, 250.4),
    }  # fmt: skip


def waste():
    steps = {"normalising": 0.1, "network (the session's runs)": 0.9}
    stage = {"texts": 100, "tokens": 3200, "windows": 100, "padded_share": 0.031,
             "rounds": [{"steps": steps, "classify": 1.2, "command": {"start": 0.5, "all": 2.0}}]}  # fmt: skip
    step = {"step": "session", "seconds": 0.2, "cpu_seconds": 0.1, "resident_mb": 200.0}
    start = {"seconds": 0.5, "peak_mb": 240.0, "resident_mb": 210.0, "anonymous_mb": 150.0, "more_texts_mb": 260.0}
    return {
        "machine": machine(), "versions": versions(), "rounds": 1, "stages": {"real mixed texts": stage},
        "operators": {"texts": 10, "rounds": [{AS_SHIPPED: {"Gelu": 0.1},
                                               FUSED: {"Gelu": 0.1, "MultiHeadAttention": 0.3}}]},
        "sessions": {"texts in batches": {"texts": 10, "rounds": [{"as it is": 1.0, "otherwise": 0.9}],
                                          "cpu_rounds": [{"as it is": 1.0, "otherwise": 1.8}]}},
        "starts": {"rounds": [{COMMAND: {"seconds": 0.8, "peak_mb": 255.0, "steps": []},
                               BY_HAND: start | {"steps": [step]}}]},
    }  # fmt: skip


def kernels():
    speed = {RIDA: 0.002, FLOAT: 0.005}
    return {
        "machine": machine(), "versions": versions(), "threads": 1, "texts": 1000,
        "moods": {RIDA: {"unchanged": 0.984, "largest_change": 0.26}, FLOAT: {"unchanged": 1.0, "largest_change": 0.0}},
        "speed": {name: {"rounds": [speed]} for name in ("1 text of 16 tokens", "64 texts of 16 tokens")},
    }  # fmt: skip


def test_goals_are_judged_by_the_median_and_for_each_way_to_run_the_other():
    found = {goal.what: (goal.measured.median, goal.holds) for goal in peer_goals(peers())}
    assert found == {
        f"{FAST}, beside {XLM_R}": (45.0, True),
        f"{FAST}, beside {XLM_R_BEST}": (15.0, False),
        f"{FULL}, beside {XLM_R}": (15.0, True),
        f"{FULL}, beside {XLM_R_BEST}": (5.0, False),
    }
    without_fast = peers()
    for each in without_fast["rounds"]:
        del each[FAST]
    assert len(peer_goals(without_fast)) == 2
    assert [goal.holds for goal in start_goals(waste())] == [False, False]
    fast = {"curve": [CURVE["curve"][1] | {"name": "fast, OpenVINO", "ratios": [3.9, 4.4, 4.1]}, *CURVE["curve"]]}
    assert [(goal.measured.median, goal.holds) for goal in curve_goals(fast)] == [(4.1, True)]


def test_the_page_shows_goals_that_are_missed_and_what_was_measured_on_what():
    shown = page(waste(), kernels(), peers(), CURVE)
    assert f"| {FULL}, beside {XLM_R_BEST} | at least 8 times | 5.00 (5.00 to 5.00) | no |" in shown
    assert "| `rida classify` of one text | at most 0.7 s | 0.80 (0.80 to 0.80) | no |" in shown
    assert "busy before the run, load 1.5" in shown
    assert f"| {FLOAT} | 5.00 (5.00 to 5.00); 2.50 |" in shown
    assert "| all of them | 10.0 (10.0 to 10.0) | 40.0 (40.0 to 40.0) |" in shown
    assert "| `MultiHeadAttention` |  | 30.0 (30.0 to 30.0) |" in shown
    assert "3.1 % of the tokens are padding" in shown
    assert "the network's part: 75.0" in shown
    assert "| otherwise | 90.0 (90.0 to 90.0) | 0.900 (0.900 to 0.900) | 1.800 (1.800 to 1.800) |" in shown
    assert "| session | 200 (200 to 200) | 100 (100 to 100) | 200 |" in shown
    assert "| a < b | 3.50 | 78.0 | 77.0 | 79.0 |" in shown
    assert "None" not in shown


def test_a_part_without_results_is_left_out():
    shown = page(None, None, json.loads(json.dumps(peers())), None)
    assert "Other engines" not in shown
    assert "Where the time goes" not in shown
    assert "speed.svg" not in shown


def test_the_plot_is_a_picture_with_every_point_and_name():
    root = ElementTree.fromstring(plot(CURVE))
    space = "{http://www.w3.org/2000/svg}"
    words = [each.text for each in root.iter(f"{space}text")]
    assert {"full", "a < b", "mood macro-F1"} <= set(words)
    # A point for each of two names in each of three series, and one beside the name of each series.
    assert len(list(root.iter(f"{space}circle"))) == 9
    with pytest.raises(ValueError, match="at least one"):
        speed_plot({}, {})


def test_an_axis_has_round_ticks_and_a_logarithmic_one_puts_ratios_at_equal_distances():
    speeds = Axis(0.8, 12.0, 0, 100, logarithmic=True)
    assert speeds.ticks() == [1, 2, 5, 10]
    assert speeds.place(4) - speeds.place(2) == pytest.approx(speeds.place(2) - speeds.place(1))
    assert Axis(70, 90, 100, 0).ticks() == [70, 75, 80, 85, 90]
    assert Axis(70, 90, 100, 0).place(75) == 75
