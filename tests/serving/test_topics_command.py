"""`rida topics fit`: from a file of examples to a weights folder that every command takes."""

from __future__ import annotations

import csv
import json

import pytest

from model.classifier import load
from model.manifest import write_manifest
from serving.cli import main
from tests.training.test_own_topics import BAGGAGE, CRASHES, OTHERS
from training.card import write_card


@pytest.fixture
def examples(tmp_path):
    path = tmp_path / "examples.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["text", "topics"])
        writer.writerows([text, "gepäck"] for text in BAGGAGE)
        writer.writerows([text, "app crash"] for text in CRASHES)
        writer.writerows([text, ""] for text in OTHERS)
    return path


def test_examples_in_a_file_become_topics_of_every_command(examples, tmp_path, tiny_weights, capsys):
    output = tmp_path / "mine"
    assert main(["topics", "fit", str(examples), "-o", str(output), "--weights", str(tiny_weights)]) == 0
    shown = capsys.readouterr().out
    assert "gepäck" in shown
    assert f"--weights {output}" in shown
    assert main(["classify", "--json", "--all-topics", "My bag is lost", "--weights", str(output)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {"gepäck", "app crash"} <= {topic["name"] for topic in answer["all_topics"]}
    assert main(["model", "--json", "--weights", str(output)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["labels"]["topics"][-2:] == ["app crash", "gepäck"]
    assert (told["name"], told["version"]) == ("mine", "1")


def test_weights_fitted_again_are_told_from_those_before_and_their_card_keeps_the_topics_that_stay(
    examples, tmp_path, tiny_weights, capsys
):
    def fit(file, weights, output, *more):
        assert main(["topics", "fit", str(file), "-o", str(output), "--weights", str(weights), *more]) == 0
        capsys.readouterr()
        assert main(["model", "--json", "--weights", str(output)]) == 0
        told = json.loads(capsys.readouterr().out)
        return told["name"], told["version"], (output / "README.md").read_text(encoding="utf-8")

    meals = tmp_path / "meals.csv"
    rows = [f"The mensa {meal} was bad,mensa" for meal in ("soup", "rice", "fish", "cake", "salad", "bread", "tea")]
    rows += ["The mensa pasta was bad,mensa", *(f'"{text}",' for text in OTHERS)]
    meals.write_text("\n".join(["text,topics", *rows]), encoding="utf-8")
    mine = tmp_path / "mine"

    base = load(tiny_weights).info
    name, version, card = fit(examples, tiny_weights, mine)
    assert (name, version) == ("mine", "1")
    assert card.startswith("# mine 1\n")
    assert f"beginning with {base.name} {base.version}, from" in card

    name, version, card = fit(meals, mine, mine)
    assert (name, version) == ("mine", "2")
    assert card.startswith("# mine 2\n")
    assert card.count("## Own topics") == 1
    assert [card.count(f"| {topic} ") for topic in ("gepäck", "app crash", "mensa")] == [1, 1, 1]
    write_card(mine, evaluations=[])
    write_manifest(mine)
    assert [(mine / "README.md").read_text(encoding="utf-8").count(f"| {t} ") for t in ("gepäck", "mensa")] == [1, 1]

    name, version, card = fit(examples, mine, tmp_path / "b", "--name", "bags", "--version", "2026-11")
    assert (name, version) == ("bags", "2026-11")
    assert [card.count(f"| {topic} ") for topic in ("gepäck", "app crash", "mensa")] == [1, 1, 1]


def test_what_was_learned_as_json(examples, tmp_path, tiny_weights, capsys):
    output = str(tmp_path / "mine")
    assert main(["topics", "fit", str(examples), "-o", output, "--weights", str(tiny_weights), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["texts"], told["without_topic"]) == (len(BAGGAGE) + len(CRASHES) + len(OTHERS), len(OTHERS))
    assert {topic["verdict"] for topic in told["topics"]} <= {"good", "fair", "weak"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("text,topics\n", "no text has an own topic"),
        ("words,label\na b c,bag\n", "no column of labels is named 'mood' or 'topics'"),
        ("text,topics\nmy bag is lost,baggage\n", "needs 8 different texts"),
    ],
)
def test_a_file_that_teaches_nothing_is_refused_and_nothing_is_written(content, said, tmp_path, tiny_weights, capsys):
    path = tmp_path / "few.csv"
    path.write_text(content, encoding="utf-8")
    assert main(["topics", "fit", str(path), "-o", str(tmp_path / "mine"), "--weights", str(tiny_weights)]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()


def test_rows_of_other_splits_are_not_learned_and_a_mood_column_may_hold_anything(tmp_path, tiny_weights, capsys):
    path = tmp_path / "split.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "topics", "split", "mood"])
        writer.writerows([text, "baggage", "train", "grumpy"] for text in BAGGAGE)
        writer.writerows([text, "", "", ""] for text in OTHERS)
        writer.writerows([text, "baggage", "test", "cheerful"] for text in CRASHES)
    output = str(tmp_path / "mine")
    assert main(["topics", "fit", str(path), "-o", output, "--weights", str(tiny_weights), "--json"]) == 0
    shown = capsys.readouterr()
    assert f"{len(CRASHES)} rows of the splits validation and test are not learned" in shown.err
    assert json.loads(shown.out)["texts"] == len(BAGGAGE) + len(OTHERS)
