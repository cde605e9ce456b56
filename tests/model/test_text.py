import pytest

from model.classifier import SHIPPED_WEIGHTS
from model.emoji import NEAREST_KNOWN
from model.errors import TextError
from model.manifest import TOKENIZER
from model.text import normalise
from model.tokenizer import read_tokenizer


def cleaned(text: object) -> str:
    return normalise(text, max_characters=1000)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  two\t words\r\n", "two words"),
        ("a\x00b\x07c", "a b c"),
        ("sooooooo bad!!!!!!!!", "sooo bad!!!"),
        ("100000 dong", "100000 dong"),
        ("جـــميل", "جميل"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\u202eabc\u202c\ufeff\u200b", "abc"),
        ("broken \ud83d pair", "broken pair"),
        ("see https://example.org/a?b=1 now", "see http now"),
        ("😡😡😡😡😡", "😡😡😡"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
    ],
)
def test_cleaning(text: str, expected: str) -> None:
    assert cleaned(text) == expected


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\x00", "\u200b\u200e", "\ud800", "\u200c\u200d"])
def test_a_text_without_legible_characters_is_refused(text: str) -> None:
    with pytest.raises(TextError) as refused:
        cleaned(text)
    assert refused.value.code == "empty_text"


@pytest.mark.parametrize("text", [None, 3, 2.5, b"bytes", ["list"], {"a": 1}])
def test_what_is_no_text_is_refused(text: object) -> None:
    with pytest.raises(TextError) as refused:
        cleaned(text)
    assert refused.value.code == "not_text"


def test_a_long_text_is_cut_and_says_so() -> None:
    assert normalise("ab" * 600, max_characters=1000)[1] is True
    assert normalise("ab" * 500, max_characters=1000)[1] is False


def test_blanks_around_a_text_do_not_count_towards_its_length() -> None:
    assert normalise(" " * 5000 + "late" + "\n" * 5000, max_characters=1000) == ("late", False)


def test_arabic_short_vowels_do_not_matter() -> None:
    vowelled = "الْخِدْمَةُ مُمْتَازَةٌ"
    assert normalise(vowelled, max_characters=100)[0] == "الخدمة ممتازة"


def test_an_emoji_that_the_encoder_does_not_know_becomes_the_nearest_one_that_it_does() -> None:
    assert normalise("🤬🤬 ok 🥳", max_characters=100)[0] == "😡😡 ok 🎉"


def test_every_emoji_put_in_another_ones_place_is_in_the_shipped_vocabulary() -> None:
    tokenizer = read_tokenizer(SHIPPED_WEIGHTS / TOKENIZER)
    unknown = tokenizer.token_to_id("<unk>")
    for emoji in set(NEAREST_KNOWN.values()):
        assert unknown not in tokenizer.encode(emoji, add_special_tokens=False).ids
    for code in NEAREST_KNOWN:
        assert unknown in tokenizer.encode(chr(code), add_special_tokens=False).ids
