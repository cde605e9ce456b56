"""Which texts count as the same, and which as nearly the same, in many scripts."""

from __future__ import annotations

import random
import time

import pytest

from training import near_duplicates
from training.near_duplicates import NearDuplicates, exact_key, first_alike

SAME = {
    "case, spacing and punctuation": ("Where is my parcel?!", "where is  my parcel"),
    "right-to-left and embedding marks": ("الخدمة سيئة جدا", "\u200fالخدمة \u202bسيئة\u202c جدا\u200e"),
    "Arabic short vowels and tatweel": ("الخدمة سيئة جدا", "الخِدْمَةُ سيئـــة جداً"),
    "letters and marks apart": ("dịch vụ quá tệ", "di\u0323ch vu\u0323 qua\u0301 te\u0323\u0302"),
    "full-width letters": ("APP 打不开", "ＡＰＰ 打不开"),
    "how an emoji is drawn": ("love it ❤", "love it ❤\ufe0f"),
}
NEARLY = {
    "a wrong letter": (
        "The parcel came two weeks late and was broken.",
        "The parcl came two weeks late and was broken.",
    ),
    "Vietnamese without diacritics": ("Giao hàng quá chậm, dịch vụ tệ", "Giao hang qua cham, dich vu te"),
    "an Arabic keyboard for Persian": ("کیفیت کالا خیلی بد بود", "كيفيت كالا خيلي بد بود"),
    "a Persian joiner": ("نمی‌خواهم دوباره خرید کنم", "نمی خواهم دوباره خرید کنم"),
    "Arabic hamza": ("أريد استرجاع المبلغ الآن", "اريد استرجاع المبلغ الان"),
    "another number in a template": (
        "Order 48213 has not arrived, please tell me where it is",
        "Order 48219 has not arrived, please tell me where it is",
    ),
    "Thai": ("บริการแย่มากไม่ประทับใจเลย", "บริการแย่มากไม่ประทับใจเลยย"),
}
DIFFERENT = {
    "another thing": ("The parcel came late.", "The waiter was rude."),
    "an emoji that says the contrary": ("great 👍", "great 👎"),
    "a vowel sign of Thai": ("ดี", "ดุ"),
    "punctuation alone": ("!!!", "???"),
    "a word that turns a short text": ("good", "not good"),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_texts_that_are_the_same(one, other):
    assert exact_key(one) == exact_key(other)
    assert first_alike([one, other]) == [0, 0]


@pytest.mark.parametrize(("one", "other"), NEARLY.values(), ids=NEARLY)
def test_texts_that_are_nearly_the_same(one, other):
    assert first_alike([one, "something else stands between", other]) == [0, 1, 0]


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_texts_that_are_not(one, other):
    assert exact_key(one) != exact_key(other)
    assert first_alike([one, other]) == [0, 1]


def test_the_most_alike_of_the_earlier_texts_is_named():
    seen = NearDuplicates()
    base = "the screen of the phone was scratched when I opened the box this morning"
    assert seen.earlier(7, base + " and nobody answers") is None
    assert seen.earlier(9, "the delivery man was friendly") is None
    assert seen.earlier(11, base + " and nobody answered") == 7


@pytest.mark.parametrize("text", ["", " ", "\u200f", "\ud83d", "\x00", "ا" * 50_000, "😡" * 3000])
def test_strange_texts_are_compared_too(text):
    assert first_alike([text, "fine", text]) == [0, 1, 0]


def test_thousands_made_of_one_template_stay_quick():
    began = time.perf_counter()
    texts = [f"Your order number {number} is delayed, we are sorry for the trouble" for number in range(3000)]
    assert len(set(first_alike(texts))) < 30
    assert time.perf_counter() - began < 15


def test_texts_half_of_one_template_are_compared_with_a_few(monkeypatch):
    compared = []
    exact = near_duplicates._jaccard
    monkeypatch.setattr(near_duplicates, "_jaccard", lambda one, other: compared.append(1) or exact(one, other))
    frame = "Thank you for your order, your opinion matters to us. Comment: "
    words = random.Random(1)
    texts = [frame + " ".join("".join(words.choices("abcdefghij", k=7)) for _ in range(5)) for _ in range(100)]
    assert first_alike(texts) == list(range(100))
    assert len(compared) <= 100 * near_duplicates._COMPARED
