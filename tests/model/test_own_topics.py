"""Which own topics a weights folder may have."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from model.classifier import load
from model.errors import WeightsError
from model.labels import MAX_OWN_TOPICS, TOPICS, own_topic_fault
from model.manifest import write_manifest
from tests.conftest import OWN_TOPICS


@pytest.mark.parametrize("name", ["app crash", "کیف\u200cپول", "क्\u200dष", "price, too high", "✈️ flights", "x" * 60])
def test_a_name_in_any_script_will_do(name: str) -> None:
    assert own_topic_fault(name) is None


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("price", "every weights folder has"),
        ("", "is empty"),
        (" crash", "white space"),
        ("crash\u3000", "white space"),
        ("کیف\u200c", "white space"),
        ("\u200d", "white space"),
        ("x" * 61, "longer than 60"),
        ("a;b", "semicolon"),
        ("a\nb", "control character"),
        ("a\u202eb", "invisible"),
        ("a\u200bb", "invisible"),
        ("a\ud800", "control character"),
    ],
)
def test_a_name_that_would_do_harm_elsewhere_is_refused(name: str, fault: str) -> None:
    assert fault in str(own_topic_fault(name))


def names(config: dict, *own: str) -> None:
    config["topics"] = [*TOPICS, *own]
    config["thresholds"]["topics"] = dict.fromkeys(config["topics"], 0.5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda config: names(config, *map(str, range(MAX_OWN_TOPICS + 1))),
            "topics has 101 own ones; 100 are the most",
        ),
        (lambda config: names(config, "a;b", "c"), "the topic 'a;b' holds a semicolon"),
        (lambda config: names(config, "a", "a"), "topics names one twice"),
        (
            lambda config: config["thresholds"]["topics"].pop(next(iter(OWN_TOPICS))),
            "must name exactly, and in this order",
        ),
        (lambda config: config["topics"].insert(0, "first"), "must begin with those of this version"),
        (lambda config: names(config, "a"), "gives 14 logits a text, and config.json names labels for 13"),
    ],
)
def test_a_folder_whose_topics_cannot_be_is_refused(
    own_topics_weights: Path, tmp_path: Path, change: Callable[[dict], object], said: str
) -> None:
    folder = Path(shutil.copytree(own_topics_weights, tmp_path / "weights"))
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    change(config)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    write_manifest(folder)
    with pytest.raises(WeightsError, match=said):
        load(folder)
