"""Trimming the vocabulary to the pieces that our languages use, without making anything illegible."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from model.errors import WeightsError
from model.tokenizer import WORD_START


@dataclass(frozen=True, slots=True)
class TrimmedVocabulary:
    """A tokenizer of fewer pieces, and for each of them its row in the original embedding table."""

    tokenizer: Tokenizer
    original_ids: npt.NDArray[np.int64]


def count_pieces(tokenizer: Tokenizer, texts: Sequence[str]) -> Counter[int]:
    """Counts how often each piece stands in the texts, a piece at most once a text."""
    counts: Counter[int] = Counter()
    for start in range(0, len(texts), 10_000):
        for encoding in tokenizer.encode_batch(texts[start : start + 10_000], add_special_tokens=False):
            counts.update(set(encoding.ids))
    return counts


def trim(tokenizer: Tokenizer, counts: Counter[int], *, pieces: int) -> TrimmedVocabulary:
    """Keeps special pieces, every single character, and the most used others, up to `pieces` in all.

    Kept pieces keep their order and their scores, so a text of kept pieces alone is cut as before; any
    other is cut into shorter kept pieces, at worst into characters.

    Raises:
        WeightsError: the tokenizer is no Unigram model (SentencePiece as XLM-R and multilingual E5 use it).
    """
    content = json.loads(tokenizer.to_str())
    model = content["model"]
    if model.get("type") != "Unigram":
        raise WeightsError(f"cannot trim a {model.get('type')} tokenizer; export needs a Unigram one")
    vocabulary: list[list[Any]] = model["vocab"]
    special = {token["id"] for token in content["added_tokens"]}
    kept = {at for at, (piece, _) in enumerate(vocabulary) if at in special or len(piece.removeprefix(WORD_START)) <= 1}
    used = (at for at, _ in counts.most_common() if at not in kept)
    kept.update(_first(used, max(0, pieces - len(kept))))
    order = sorted(kept)
    renumbered = {old: new for new, old in enumerate(order)}
    model["vocab"] = [vocabulary[at] for at in order]
    model["unk_id"] = renumbered[model["unk_id"]]
    for token in content["added_tokens"]:
        token["id"] = renumbered[token["id"]]
    for token in content["post_processor"]["special_tokens"].values():
        token["ids"] = [renumbered[at] for at in token["ids"]]
    content["truncation"] = content["padding"] = None
    return TrimmedVocabulary(Tokenizer.from_str(json.dumps(content)), np.array(order))


def _first(items: Iterable[int], count: int) -> list[int]:
    return [item for _, item in zip(range(count), items, strict=False)]
