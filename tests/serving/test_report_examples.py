"""Texts that stand for others: typical, different from each other, and safe to show."""

from __future__ import annotations

import random

from scored_files import scored_row, written

from serving.report.columns import Asked
from serving.report.examples import PER_TOPIC
from serving.report.report import read_report


def report(tmp_path, rows, **asked):
    return read_report([written(tmp_path / "in.jsonl", rows)], Asked(**asked))


def shown(tmp_path, rows, topic="delivery"):
    return [example.text for example in report(tmp_path, rows).examples[topic]]


def test_near_duplicates_stand_for_themselves_once(tmp_path):
    copies = [f"Order {number} still has not arrived, where is my parcel?" for number in range(900, 1100)]
    copies += [f"Order of {name} still has not arrived, where is my parcel?" for name in ("Ali", "Eva", "Minh", "Sara")]
    others = ["The courier threw the box over the fence.", "Two weeks for a letter, really?", "Wrong address again!"]
    texts = shown(tmp_path, [scored_row("angry", ["delivery"], text=text) for text in copies + others])
    assert len([text for text in texts if "still has not arrived" in text]) == 1
    assert len(texts) == PER_TOPIC


def test_a_text_that_comes_often_does_not_crowd_out_the_others(tmp_path):
    rows = [scored_row("angry", ["delivery"], text="LATE  again")] * 5000
    rows += [scored_row("angry", ["delivery"], text="late again")] * 50
    rows += [scored_row("angry", ["delivery"], text=f"{word} driver") for word in ("rude", "lost", "missing")]
    texts = shown(tmp_path, rows)
    assert sorted(text.lower() for text in texts) == ["late again", "lost driver", "missing driver", "rude driver"]


def test_moods_are_shown_in_proportion(tmp_path):
    chance = random.Random(3)
    letters = "abcdefghijklmnop"
    rows = [
        scored_row(mood, ["price"], text=" ".join("".join(chance.sample(letters, 6)) for _ in range(5)))
        for mood, many in (("satisfied", 100), ("angry", 300))
        for _ in range(many)
    ]
    moods = [example.mood for example in report(tmp_path, rows).examples["price"]]
    assert moods == ["satisfied", "angry", "angry", "angry"]


def test_texts_of_which_the_model_is_unsure_stand_for_nothing(tmp_path):
    rows = [scored_row("angry", ["price"], probability=0.5, text=f"unsure {number}") for number in range(9)]
    rows.append(scored_row("angry", ["price"], text="sure"))
    assert shown(tmp_path, rows, "price") == ["sure"]


def test_a_typical_text_is_preferred_to_an_odd_one(tmp_path):
    typical = [
        f"the parcel came {when} and the driver was {how}"
        for when in ("late", "very late", "a week late")
        for how in ("rude", "quite rude", "so rude")
    ]
    rows = [scored_row("angry", ["delivery"], text=text) for text in [*typical, "zzz xx qqq", "1 2 3 4 5"]]
    assert shown(tmp_path, rows)[0] in typical


def test_long_texts_are_cut_at_a_word_and_control_characters_go(tmp_path):
    rows = [scored_row("angry", ["delivery"], text="\u202eevil\u202c \x1b[31m" + "word " * 10**5)]
    (text,) = shown(tmp_path, rows)
    assert len(text) <= 301
    assert text.endswith("word…")
    assert not set("\u202e\u202c\x1b\n") & set(text)


def test_the_same_rows_give_the_same_texts_in_any_order(tmp_path):
    rows = [
        scored_row("angry", ["delivery"], text=f"complaint of {chr(97 + number // 26)}{chr(97 + number % 26)} today")
        for number in range(500)
    ]
    first = shown(tmp_path, rows)
    assert shown(tmp_path, rows[::-1]) == first
