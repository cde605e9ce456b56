from collections import Counter
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models

from model.errors import WeightsError
from model.tokenizer import tokenizer_of_encoder
from tests.conftest import feedback_rows
from training.vocabulary import count_pieces, trim

TEXTS = [row["text"] for row in feedback_rows()]


@pytest.fixture
def tokenizer(tiny_encoder: Path) -> Tokenizer:
    return tokenizer_of_encoder(str(tiny_encoder))


def test_texts_of_kept_pieces_are_cut_as_before(tokenizer: Tokenizer) -> None:
    counts = count_pieces(tokenizer, TEXTS)
    trimmed = trim(tokenizer, counts, pieces=tokenizer.get_vocab_size()).tokenizer
    for text in TEXTS[:50]:
        assert trimmed.encode(text).tokens == tokenizer.encode(text).tokens


def test_rows_of_the_table_stay_with_their_pieces(tokenizer: Tokenizer) -> None:
    trimmed = trim(tokenizer, count_pieces(tokenizer, TEXTS), pieces=120)
    vocabulary = trimmed.tokenizer.get_vocab()
    for piece, new in vocabulary.items():
        assert tokenizer.token_to_id(piece) == trimmed.original_ids[new]


def test_every_single_character_is_kept_however_few_pieces_are_asked_for(tokenizer: Tokenizer) -> None:
    trimmed = trim(tokenizer, Counter(), pieces=1).tokenizer
    kept = set(trimmed.get_vocab())
    assert {piece for piece in tokenizer.get_vocab() if len(piece.removeprefix("▁")) <= 1} <= kept
    unknown = trimmed.token_to_id("<unk>")
    assert all(unknown not in trimmed.encode(text).ids for text in TEXTS)


def test_texts_still_begin_and_end_as_they_should(tokenizer: Tokenizer) -> None:
    trimmed = trim(tokenizer, count_pieces(tokenizer, TEXTS), pieces=120).tokenizer
    assert trimmed.encode("parcel").tokens[0] == "<s>"
    assert trimmed.encode("parcel").tokens[-1] == "</s>"


def test_another_kind_of_tokenizer_is_refused() -> None:
    with pytest.raises(WeightsError, match="needs a Unigram one"):
        trim(Tokenizer(models.WordLevel({"a": 0}, unk_token="a")), Counter(), pieces=1)
