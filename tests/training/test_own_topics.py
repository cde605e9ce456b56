"""Own topics from a handful of examples: learned in one language, found in others, and refused where nothing can be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from data.rows import FeedbackRow
from model.classifier import SHIPPED_WEIGHTS, load
from model.errors import InputError
from model.labels import MAX_OWN_TOPICS, TOPICS
from model.layers import feature_layers
from training.own_topics import fit_heads, fit_own_topics, said_by_others
from training.pooled import read_graph
from training.topic_examples import topic_examples
from training.topic_features import fit_whitening
from training.topic_head import TopicHead
from training.topic_quality import topic_qualities

BAGGAGE = [
    "My suitcase never came off the belt in Madrid.",
    "They lost both of our bags on the way to Rome.",
    "Two hours at the carousel and still no luggage.",
    "The wheel of my suitcase was broken when I got it back.",
    "Checked one bag, it arrived three days after me.",
    "Our luggage went to another country.",
    "Somebody opened my bag and things are missing.",
    "The bags came out quickly, thank you.",
    "No one at the lost luggage desk could tell where my case is.",
    "They charged me for hand luggage that fits under the seat.",
    "My rucksack arrived soaked and torn.",
    "Where is my suitcase? The tag number is 4471.",
]
CRASHES = [
    "The app closes itself as soon as I open it.",
    "It crashes every time I press pay.",
    "Since the update it freezes on the first screen.",
    "Keeps crashing on my phone, reinstalled twice.",
    "App hangs and I have to restart my phone.",
    "It shuts down when I try to upload a photo.",
    "The screen freezes and nothing responds any more.",
    "Crashed in the middle of my order.",
    "Unexpected error, then it quits.",
    "It stops working after a few seconds and closes.",
    "Every morning the same: open, crash, open, crash.",
    "No more crashes since the last version, well done.",
]
OTHERS = [
    "The soup was cold.",
    "Friendly staff, we will come again.",
    "Too expensive for what you get.",
    "I was billed twice in March.",
    "The room smelled of smoke.",
    "Great value, would recommend.",
    "Nobody answers my emails.",
    "The shirt shrank in the first wash.",
    "Refund took six weeks.",
    "The queue was long but it moved.",
    "What are your opening hours?",
    "The flight was on time and the crew was kind.",
    "Parking is hard to find.",
    "My parcel was left in the rain.",
]
IN_OTHER_LANGUAGES = {
    "baggage": ["ضاعت حقيبتي في المطار ولم تصل حتى الآن.", "چمدان من در فرودگاه گم شد و هنوز نرسیده است.",
                "Hành lý của tôi bị thất lạc ở sân bay, đến giờ vẫn chưa nhận được vali."],
    "app crash": ["التطبيق يتعطل ويغلق من نفسه كلما فتحته.", "برنامه هر بار که باز می‌کنم هنگ می‌کند و بسته می‌شود.",
                  "Ứng dụng cứ mở lên là bị văng, treo máy liên tục."],
    None: ["الطعام كان بارداً والنادل لطيف.", "قیمت‌ها خیلی بالاست.", "Phòng sạch sẽ, nhân viên thân thiện."],
}  # fmt: skip


def row(text: str, *topics: str) -> FeedbackRow:
    return FeedbackRow("1", text, "en", "examples.csv", "train", None, None, topics, None)


def rows_of(**topics: list[str]) -> list[FeedbackRow]:
    return [row(text, name) for name, texts in topics.items() for text in texts]


EXAMPLES = [
    *(row(text, "baggage") for text in BAGGAGE),
    *(row(text, "app crash") for text in CRASHES),
    *(row(text) for text in OTHERS),
]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory):
    output = tmp_path_factory.mktemp("own") / "weights"
    return output, fit_own_topics(EXAMPLES, weights=SHIPPED_WEIGHTS, output=output, threads=2)


def test_english_examples_are_enough_for_arabic_persian_and_vietnamese(fitted) -> None:
    classifier = load(fitted[0], threads=2)
    for topic, texts in IN_OTHER_LANGUAGES.items():
        for text, answer in zip(texts, classifier.classify(texts), strict=True):
            own = {each.name for each in answer.topics} - set(TOPICS)
            assert own == ({topic} if topic else set()), text


def test_all_else_stays_bit_for_bit_what_it_was(fitted) -> None:
    texts = BAGGAGE[:4] + OTHERS[:4]
    before, after = load(threads=1), load(fitted[0], threads=1)
    for old, new in zip(before.classify(texts), after.classify(texts), strict=True):
        assert (old.mood, old.scores) == (new.mood, new.scores)
        assert [each for each in new.all_topics if each.name in TOPICS] == list(old.all_topics)


def test_it_says_how_good_each_topic_is_on_texts_held_out(fitted) -> None:
    for quality in fitted[1].qualities:
        assert quality.examples == 12
        assert 0.4 <= quality.f1_low <= quality.f1 <= quality.f1_high <= 1
    card = (fitted[0] / "README.md").read_text(encoding="utf-8")
    assert "## Own topics" in card
    assert all(name in card for name in ("baggage", "app crash"))


def test_a_topic_fitted_again_takes_the_place_of_itself_and_others_stay(fitted, tmp_path: Path) -> None:
    meals = ["soup", "rice", "fish", "cake", "salad", "bread", "tea", "pasta"]
    again = rows_of(mensa=[f"The mensa {each} was bad" for each in meals])
    fit_own_topics([*again, *(row(text) for text in OTHERS)], weights=fitted[0], output=tmp_path / "b", threads=2)
    fit_own_topics(EXAMPLES, weights=tmp_path / "b", output=tmp_path / "b", threads=2)
    config = load(tmp_path / "b").info.config
    assert config.own_topics == ("mensa", "app crash", "baggage")
    nodes = [len(read_graph(folder / "model.onnx").graph.node) for folder in (fitted[0], tmp_path / "b")]
    assert nodes[0] == nodes[1]
    first, second = (load(folder, threads=1).classify(BAGGAGE[:3]) for folder in (fitted[0], tmp_path / "b"))
    for old, new in zip(first, second, strict=True):
        assert {each.name for each in old.topics} == {each.name for each in new.topics}
    assert (tmp_path / "b" / "README.md").read_text(encoding="utf-8").count("## Own topics") == 1


def test_labels_that_say_nothing_are_called_weak() -> None:
    chance = np.random.default_rng(1)
    gold = (chance.random((60, 2)) < 0.3).astype(np.int64)
    heads, held_out, _ = fit_heads(chance.normal(size=(60, 8)), gold, ("a", "b"))
    found = topic_qualities(heads, held_out, said_by_others(held_out, gold), gold)
    assert [quality.verdict for quality in found] == ["weak", "weak"]
    assert all(quality.needs_examples and quality.advice() for quality in found)


def test_a_topic_of_half_the_texts_is_not_called_fair_for_being_said_always() -> None:
    gold = np.array([[1], [0]] * 30)
    (found,) = topic_qualities([TopicHead("a", np.zeros(2), 0.0, 0.1)], gold * 0.0 + 0.5, gold >= 0, gold)
    assert found.f1 > 0.66
    assert found.verdict == "weak"
    assert found.needs_examples


def test_a_handful_without_a_fault_is_not_sure() -> None:
    gold = np.array([[1]] * 8 + [[0]] * 12)
    (found,) = topic_qualities([TopicHead("a", np.zeros(2), 0.0, 0.5)], gold * 1.0, gold == 1, gold)
    assert found.f1 == 1
    assert found.f1_low < 0.9


def test_many_texts_of_which_few_are_without_the_topic_can_be_learned_from() -> None:
    chance = np.random.default_rng(3)
    gold = np.ones((3000, 1), dtype=np.int64)
    gold[:8] = 0
    heads, _, _ = fit_heads(chance.normal(size=(3000, 4)), gold, ("a",))
    assert [head.name for head in heads] == ["a"]


def test_texts_that_nobody_can_read_are_no_examples() -> None:
    hieroglyphs = [row(chr(0x13000 + at) * 3, "glyphs") for at in range(10)]
    with pytest.raises(InputError, match="'glyphs' has 0"):
        fit_own_topics([*EXAMPLES, *hieroglyphs], weights=SHIPPED_WEIGHTS, output=Path("nowhere"), threads=2)


def test_backups_and_links_beside_the_output_stay(fitted, tmp_path: Path) -> None:
    (tmp_path / "mine.old").mkdir()
    (tmp_path / "mine.old" / "precious").write_text("kept", encoding="utf-8")
    (tmp_path / "real").mkdir()
    (tmp_path / "mine").symlink_to(tmp_path / "real")
    for _ in range(2):
        fit_own_topics(EXAMPLES, weights=fitted[0], output=tmp_path / "mine", threads=2)
    assert load(tmp_path / "mine").info.config.own_topics == ("app crash", "baggage")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "mine.old", "real"]
    assert (tmp_path / "mine").is_symlink()


def test_a_topic_whose_texts_are_given_another_one_is_named_with_it() -> None:
    gold = np.array([[1, 0]] * 10 + [[0, 1]] * 10)
    held_out = np.array([[0.1, 0.9]] * 8 + [[0.9, 0.1]] * 2 + [[0.1, 0.9]] * 10)
    heads = [TopicHead(name, np.zeros(2), 0.0, 0.5) for name in ("seat", "cabin")]
    first, second = topic_qualities(heads, held_out, held_out >= 0.5, gold)
    assert first.taken_for == "cabin"
    assert second.taken_for is None
    assert "'cabin'" in (first.advice() or "")


def test_whitened_features_give_what_the_unfolded_head_gives() -> None:
    chance = np.random.default_rng(2)
    vectors = chance.normal(size=(200, 12)) * np.arange(1, 13) + 3
    whitening = fit_whitening(vectors, 3)
    weights = chance.normal(size=12)
    on_vectors, bias = whitening.unfolded(weights, 0.7)
    assert np.allclose(whitening.features(vectors) @ weights + 0.7, vectors @ on_vectors + bias)
    assert np.isclose(np.square(whitening.features(vectors)).sum(axis=1).mean(), 1, atol=0.01)


@pytest.mark.parametrize(("depth", "layers"), [(12, (-1, 8, 11)), (2, (-1, 0, 1)), (1, (-1, 0))])
def test_features_come_from_embeddings_and_two_layers(depth: int, layers: tuple[int, ...]) -> None:
    assert feature_layers(depth) == layers


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "no text has an own topic"),
        ([row(text) for text in OTHERS], "no text has an own topic"),
        ([row(text, "delivery") for text in OTHERS], "no text has an own topic"),
        ([*EXAMPLES, row("my seat was dirty", "seat")], "'seat' has 1"),
        ([*EXAMPLES, row("my bag is gone", "bagage")], "'bagage' has 1 (is 'baggage' meant?)"),
        ([*EXAMPLES, row("not here yet", "delivry")], "is 'delivery' meant?"),
        (rows_of(baggage=BAGGAGE), "nothing tells texts with 'baggage' from texts without"),
        ([row(text, "baggage", "luggage") for text in BAGGAGE] + [row(text) for text in OTHERS],
         "'baggage' and 'luggage' stand at exactly the same texts"),
        ([row(f"text {at}", f"topic {at}") for at in range(10_000)], f"10,000 own topics are named ({'topic 0'!r}"),
        ([*EXAMPLES, *(row(text, "Delivery") for text in OTHERS)], "'Delivery' is not 'delivery'"),
        ([*EXAMPLES, *(row(text, "Baggage") for text in OTHERS)], "'baggage' is not 'Baggage'"),
        ([*EXAMPLES, *(row(text, "price, delivery") for text in OTHERS)], "looks like several"),
        (rows_of(**{"a\x07b": BAGGAGE}), "holds a control character"),
        (rows_of(**{"x" * 61: BAGGAGE}), "is longer than 60 characters"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_from_is_refused_with_what_to_mend(rows: list[FeedbackRow], said: str) -> None:
    with pytest.raises(InputError) as refused:
        topic_examples(rows)
    assert said in str(refused.value)


def test_most_own_topics_are_named_in_the_message() -> None:
    with pytest.raises(InputError, match=f"{MAX_OWN_TOPICS} are the most"):
        topic_examples([row(f"text {at}", f"topic {at}") for at in range(MAX_OWN_TOPICS + 1)])


def test_a_text_that_stands_twice_has_the_topics_of_both_rows() -> None:
    twice = [row(BAGGAGE[0], "app crash"), *EXAMPLES, row(BAGGAGE[0].upper(), "app crash")]
    examples = topic_examples(twice)
    assert len(examples.texts) == len(EXAMPLES)
    assert examples.gold[examples.texts.index(BAGGAGE[0])].tolist() == [1, 1]


def test_shipped_topics_among_the_labels_are_left_as_they_are(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        examples = topic_examples([*EXAMPLES, *(row(text, "price") for text in ("too dear", "a bargain"))])
    assert examples.names == ("app crash", "baggage")
    assert examples.without == len(OTHERS) + 2
    assert "price" in caplog.text


def test_a_folder_that_is_no_weights_folder_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"precious")
    with pytest.raises(InputError, match="no weights folder"):
        fit_own_topics(EXAMPLES, weights=SHIPPED_WEIGHTS, output=tmp_path)
    with pytest.raises(InputError, match="belong to rida"):
        fit_own_topics(EXAMPLES, weights=SHIPPED_WEIGHTS, output=SHIPPED_WEIGHTS)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


def test_config_and_graph_that_do_not_fit_are_refused(fitted, tmp_path: Path) -> None:
    import shutil

    from model.errors import WeightsError
    from model.manifest import write_manifest

    shutil.copytree(fitted[0], tmp_path / "w")
    path = tmp_path / "w" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["topics"].remove("baggage")
    del config["thresholds"]["topics"]["baggage"]
    path.write_text(json.dumps(config), encoding="utf-8")
    write_manifest(tmp_path / "w")
    with pytest.raises(WeightsError, match="do not belong together"):
        load(tmp_path / "w")
