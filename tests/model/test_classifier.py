import math
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from model.classifier import Classifier, ReadText, load
from model.errors import InputError
from model.labels import MOODS, TOPICS
from model.prediction import Prediction, Rejection
from tests.conftest import feedback_rows

TEXTS = [row["text"] for row in feedback_rows(seed=7)]


def predictions(classifier: Classifier, texts: list[str]) -> list[Prediction]:
    results = classifier.classify(texts)
    assert all(isinstance(result, Prediction) for result in results)
    return [result for result in results if isinstance(result, Prediction)]


def test_it_learns_its_tiny_world(tiny_classifier: Classifier) -> None:
    rows = feedback_rows(seed=9)
    moods = [result.mood for result in predictions(tiny_classifier, [row["text"] for row in rows])]
    right = sum(mood == row["mood"] for mood, row in zip(moods, rows, strict=True))
    assert right / len(rows) > 0.9


def test_scores_of_a_text_do_not_depend_on_its_batch(tiny_classifier: Classifier) -> None:
    together = predictions(tiny_classifier, [*TEXTS, "long " * 300])
    shuffled = random.Random(1).sample(range(len(TEXTS)), 40)
    for at in shuffled:
        (alone,) = predictions(tiny_classifier, [TEXTS[at]])
        for mood in MOODS:
            assert math.isclose(alone.scores[mood], together[at].scores[mood], abs_tol=1e-4)
        ours, theirs = ({topic.name: topic.score for topic in each.all_topics} for each in (alone, together[at]))
        assert all(math.isclose(ours[name], theirs[name], abs_tol=1e-4) for name in TOPICS)


def test_results_keep_order_and_ids(tiny_classifier: Classifier) -> None:
    ids = [f"n{at}" for at in range(len(TEXTS))]
    assert [result.id for result in tiny_classifier.classify(TEXTS, ids=ids)] == ids
    assert [result.id for result in tiny_classifier.classify(TEXTS[:3])] == ["0", "1", "2"]


def test_a_bad_text_is_rejected_in_its_place_and_the_others_are_scored(tiny_classifier: Classifier) -> None:
    results = tiny_classifier.classify(["fine parcel", "", None, 7, "\ud800", "fine parcel"], ids=list("abcdef"))
    codes = [result.code if isinstance(result, Rejection) else "scored" for result in results]
    assert codes == ["scored", "empty_text", "not_text", "not_text", "empty_text", "scored"]
    assert [result.id for result in results] == list("abcdef")


def test_a_text_of_unknown_characters_alone_is_rejected(tiny_classifier: Classifier) -> None:
    (result,) = tiny_classifier.classify(["ꙮꙮ"])
    assert isinstance(result, Rejection)
    assert result.code == "unreadable_text"


def test_a_text_whose_score_is_no_number_is_rejected_and_the_others_are_scored(tiny_classifier: Classifier) -> None:
    texts = ["fine parcel", "", "long " * 300, "broken invoice"]
    read = tiny_classifier.read(texts)
    windows = [window for each in read if isinstance(each, ReadText) for window in each.windows]
    logits = tiny_classifier.score_windows(windows)
    logits[2, 0] = math.inf  # of a window of the long text, not the first
    results = tiny_classifier.predictions(list("abcd"), read, logits)
    codes = [result.code if isinstance(result, Rejection) else "scored" for result in results]
    assert codes == ["scored", "empty_text", "no_score", "scored"]
    assert results[3] == tiny_classifier.classify(texts, ids=list("abcd"))[3]


def test_a_long_text_is_read_in_windows_to_the_limit(tiny_classifier: Classifier) -> None:
    limits = tiny_classifier.info.config.limits
    within, beyond = predictions(tiny_classifier, ["parcel " * 20, "parcel " * 3000])
    assert limits.window_tokens < within.tokens <= limits.max_tokens
    assert not within.truncated
    assert beyond.truncated
    assert beyond.tokens <= limits.max_tokens


def test_a_megabyte_of_text_is_scored_not_choked_on(tiny_classifier: Classifier) -> None:
    (result,) = predictions(tiny_classifier, ["the parcel was late " * 50_000])
    assert result.truncated


def test_topics_over_their_thresholds_come_best_first(tiny_classifier: Classifier) -> None:
    for result in predictions(tiny_classifier, TEXTS):
        assert [topic.score for topic in result.all_topics] == sorted(
            (topic.score for topic in result.all_topics), reverse=True
        )
        assert {topic.name for topic in result.all_topics} == set(TOPICS)
        assert set(result.topics) <= set(result.all_topics)


def test_scores_sum_to_one_and_the_shape_is_json(tiny_classifier: Classifier) -> None:
    for result in predictions(tiny_classifier, TEXTS[:10]):
        assert sum(result.scores.values()) == pytest.approx(1)
        shape = result.as_dict(all_topics=True)
        assert list(shape) == [
            "id", "mood", "scores", "topics", "needs_review", "truncated", "tokens", "all_topics",
        ]  # fmt: skip


def test_no_texts_give_no_results(tiny_classifier: Classifier) -> None:
    assert tiny_classifier.classify([]) == []


def test_threads_share_a_classifier(tiny_classifier: Classifier) -> None:
    expected = tiny_classifier.classify(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: tiny_classifier.classify(TEXTS), range(8)):
            assert [each.as_dict() for each in result] == [each.as_dict() for each in expected]


def test_misuse_is_told_apart_from_bad_texts(tiny_classifier: Classifier) -> None:
    with pytest.raises(TypeError, match="give a list of texts"):
        tiny_classifier.classify("one string")
    with pytest.raises(ValueError, match="2 texts but 1 ids"):
        tiny_classifier.classify(["a", "b"], ids=["1"])


@pytest.mark.parametrize("piece", ["<s>", "</s>", "<pad>", "<unk>"])
def test_the_name_of_a_control_piece_is_read_as_text(tiny_classifier: Classifier, piece: str) -> None:
    (result,) = predictions(tiny_classifier, [f"ok {piece} ok"])
    (plain,) = predictions(tiny_classifier, ["ok ok"])
    assert result.tokens > plain.tokens + 1


def test_no_threads_are_refused(tiny_weights: Path) -> None:
    with pytest.raises(InputError, match="threads is 0"):
        load(tiny_weights, threads=0)
