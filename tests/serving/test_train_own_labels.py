"""`rida train` on files of one's own labels, through the command line."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from serving.cli import main
from tests.conftest import feedback_rows
from training import adapt, rehearsal
from training.finetune import Settings
from training.recipe import Optimisation

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def quick(data_root, monkeypatch):
    monkeypatch.setattr(rehearsal, "WRITTEN", data_root / "annotated")
    optimisation = Optimisation(encoder_rate=2e-3, head_rate=1e-2, tokens_per_batch=512, precision="float32")
    monkeypatch.setattr(adapt, "Settings", lambda: Settings(optimisation=optimisation, epochs=2, rehearsed=(50, 50)))


def write(path: Path, rows: list[dict]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def feedback(**columns) -> list[dict]:
    return [{"text": row["text"], **{name: of(row) for name, of in columns.items()}} for row in feedback_rows(seed=4)]


def test_a_file_becomes_weights_that_score(tiny_weights, tmp_path, capfd):
    about = {"parcel": "delivery", "room": "rooms"}
    rows = feedback(
        feeling=lambda row: {"satisfied": "happy", "neutral": "meh"}.get(row["mood"], row["mood"]),
        about=lambda row: ";".join(topic for word, topic in about.items() if word in row["text"]),
    )
    data = write(tmp_path / "my.csv", rows)
    labels = tmp_path / "labels.toml"
    labels.write_text('[mood]\nhappy = "satisfied"\nmeh = "neutral"\n')
    output = tmp_path / "my-weights"
    columns = ["--mood-column", "feeling", "--topics-column", "about", "--labels", str(labels)]

    code = main(["train", "--data", str(data), *columns, "--weights", str(tiny_weights), "--output", str(output)])

    out, err = capfd.readouterr()
    assert code == 0, err
    assert "of your texts that were not learned, beside tiny 0.1.0:" in out
    assert "mood macro-F1" in out
    assert "new topic rooms: F1" in out
    assert "Verdict: " in out
    assert "texts to learn from" in err
    assert main(["model", "--weights", str(output), "--json"]) == 0
    model = json.loads(capfd.readouterr().out)
    assert (model["name"], model["version"]) == ("my-weights", "1")
    assert model["labels"]["topics"][-1] == "rooms"
    assert main(["score", str(data), "--weights", str(output), "--output", str(tmp_path / "scored.csv")]) == 0


def test_stars_teach_satisfaction(tiny_weights, tmp_path, capfd):
    stars = {"satisfied": "5", "neutral": "3.0", "dissatisfied": "2", "angry": "1"}
    data = write(tmp_path / "my.csv", feedback(rating=lambda row: stars[row["mood"]]))
    words = ["train", "--data", str(data), "--stars-column", "rating", "--weights", str(tiny_weights)]

    assert main([*words, "--output", str(tmp_path / "ours"), "--name", "star reader", "--version", "2.1"]) == 0

    out, err = capfd.readouterr()
    assert "satisfaction macro-F1" in out
    assert "Most unhappy texts do not say whether they are angry" in err
    assert "No text to learn from is" not in err
    config = json.loads((tmp_path / "ours" / "config.json").read_text())
    assert (config["name"], config["version"]) == ("star reader", "2.1")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give --data with files of your own labels, or --recipe with --data-root"),
        (["--data", "a.csv", "--recipe", "r.toml"], "not both"),
        (["--recipe", "r.toml"], "--recipe needs --data-root"),
        (
            ["--recipe", "r.toml", "--data-root", "d", "--text-column", "t"],
            "--text-column has a meaning only with --data",
        ),
        (["--data", "a.csv", "--data-root", "d"], "--data-root has a meaning only with --recipe"),
        (["--data", "absent.csv"], "absent.csv does not exist"),
        (["--data", "a.csv", "--weights", "absent"], "absent: no such weights folder"),
    ],
)
def test_wrong_use_is_told_in_one_line(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.csv", feedback(mood=lambda row: row["mood"]))

    assert main(["train", "--output", "ours", *words]) == 2

    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "ours").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows[:15], "15 different labelled texts are too few"),
        (lambda rows: [{**row, "mood": "angry"} for row in rows], "every text to learn from is 'angry'"),
        (lambda rows: [{**row, "text": "always the same"} for row in rows], "rows have the same text"),
        (lambda rows: [{**row, "mood": "angyr"} for row in rows], "'angyr' is no mood (384 rows); is 'angry' meant?"),
        (lambda rows: [{**row, "mood": ""} for row in rows], "there is no labelled text"),
        (lambda rows: [{**row, "split": "test"} for row in rows], "no text is left to learn from"),
        (
            lambda rows: [{**row, "topics": "wi-fi" if at < 3 else ""} for at, row in enumerate(rows)],
            "'wi-fi' has 3 texts",
        ),
    ],
)
def test_labels_that_teach_nothing_are_refused_with_the_reason(tiny_weights, tmp_path, capsys, change, said):
    data = write(tmp_path / "my.csv", change(feedback(mood=lambda row: row["mood"])))

    code = main(["train", "--data", str(data), "--weights", str(tiny_weights), "--output", str(tmp_path / "ours")])

    assert code == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["my.csv"]


def test_without_the_libraries_of_training_the_way_to_them_is_named(tmp_path):
    data = write(tmp_path / "a.csv", feedback(mood=lambda row: row["mood"]))
    code = (
        "import sys; sys.modules['onnx'] = None; from serving.cli import main; "
        f"sys.exit(main(['train', '--data', {str(data)!r}, '--output', {str(tmp_path / 'ours')!r}]))"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (2, 'rida: rida train needs onnx: pip install "rida[train]"\n')


def test_help_needs_none_of_them():
    code = (
        "import sys; sys.modules['torch'] = sys.modules['onnx'] = None; "
        "from serving.cli import main; main(['train', '--help'])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--mood-column" in done.stdout
