"""Loading the tokenizer: of a pretrained encoder for training, of a weights folder for scoring."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from model.errors import WeightsError

WORD_START = "▁"
"""The piece that stands for a blank before a word."""


def read_tokenizer(path: Path) -> Tokenizer:
    """Reads a `tokenizer.json`.

    Raises:
        WeightsError: the file is missing or no tokenizer.
    """
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception for every fault
        raise WeightsError(f"{path}: cannot be read as a tokenizer ({error})") from error
    return _for_texts(tokenizer)


def tokenizer_of_encoder(encoder: str) -> Tokenizer:
    """The tokenizer that came with a pretrained encoder, given by folder or hub name.

    Raises:
        WeightsError: it has none that can be read.
    """
    path = Path(encoder) / "tokenizer.json"
    if path.exists():
        return read_tokenizer(path)
    try:
        return _for_texts(Tokenizer.from_pretrained(encoder))
    except Exception as error:  # as above; a hub that cannot be reached comes this way too
        raise WeightsError(f"encoder {encoder!r}: no tokenizer.json there ({error})") from error


def _for_texts(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.no_truncation()
    tokenizer.no_padding()
    # A customer who writes `<s>` or `<pad>` means just that, not the control piece of that name.
    tokenizer.encode_special_tokens = True
    return tokenizer


def id_of(tokenizer: Tokenizer, piece: str) -> int:
    """The id of a special piece.

    Raises:
        WeightsError: the tokenizer lacks it.
    """
    found = tokenizer.token_to_id(piece)
    if found is None:
        raise WeightsError(f"the tokenizer has no piece {piece!r}; use one made for this kind of encoder")
    return found
