from pathlib import Path

import numpy as np
import pytest

from data.rows import FeedbackRow
from model.errors import RecipeError
from model.tokenizer import tokenizer_of_encoder
from training.batches import collate, encode, plan_batches
from training.recipe import Text
from training.targets import UNKNOWN, topic_targets


def row(text: str, **said: object) -> FeedbackRow:
    fields = {"sentiment": None, "angry": None, "topics": None, "topics_covered": None} | said
    return FeedbackRow("1", text, "en", "stars", "train", **fields)  # type: ignore[arg-type]


def test_topics_that_a_source_cannot_label_are_unknown() -> None:
    targets = topic_targets([row("t", topics=("price",), topics_covered=("price", "delivery")), row("t")])
    assert targets[0].tolist() == [UNKNOWN, 1, 0, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]
    assert set(targets[1].tolist()) == {UNKNOWN}


def test_a_source_without_a_card_labels_every_topic() -> None:
    assert topic_targets([row("t", topics=())])[0].tolist() == [0] * 8


def test_a_topic_that_does_not_exist_is_refused() -> None:
    with pytest.raises(RecipeError, match="unknown topic"):
        topic_targets([row("t", topics=("weather",))])


@pytest.mark.parametrize("budget", [64, 200, 1000])
def test_batches_hold_every_row_once_within_the_budget(budget: int) -> None:
    lengths = np.random.default_rng(1).integers(0, 60, size=500).tolist()
    plan = plan_batches(lengths, tokens_per_batch=budget, seed=1)
    held = sorted(int(at) for batch in plan for at in batch)
    assert held == [at for at, length in enumerate(lengths) if length]
    assert all(len(batch) * max(lengths[at] for at in batch) <= max(budget, 60) for batch in plan)


def test_little_of_a_batch_is_padding() -> None:
    lengths = np.random.default_rng(1).integers(5, 96, size=4000).tolist()
    plan = plan_batches(lengths, tokens_per_batch=1500, seed=1)
    padded = sum(len(batch) * max(lengths[at] for at in batch) for batch in plan)
    assert sum(lengths) / padded > 0.95


def test_collating_pads_on_the_right_and_masks_it(tiny_encoder: Path) -> None:
    tokenizer = tokenizer_of_encoder(str(tiny_encoder))
    rows = [row("great parcel thanks", sentiment="satisfied"), row("app", angry=True), row("\ud800")]
    encoded = encode(rows, tokenizer, Text(max_tokens=8), {"stars": 0.5})
    assert encoded.ids[2] == []
    batch = collate(encoded, np.array([0, 1]), pad_id=1)
    lengths = [len(encoded.ids[0]), len(encoded.ids[1])]
    assert batch.attention_mask.sum(dim=1).tolist() == lengths
    assert max(lengths) <= 8
    assert batch.targets.satisfaction.tolist() == [0, UNKNOWN]
    assert batch.targets.anger.tolist() == [UNKNOWN, 1]
    assert batch.targets.trust.tolist() == [0.5, 0.5]
