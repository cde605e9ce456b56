"""`rida compare`: what a swap of weights would change, on labelled texts and on others."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time

import pytest
from other_weights import changed, with_own_topic
from server_processes import ROOT
from table_files import write_rows

from model.labels import MOODS, TOPICS
from serving.cli import main
from serving.tables.added import ADDED
from tests.conftest import feedback_rows

CANARY = "xyzzyplugh"
ROWS = [
    {"id": each["id"], "text": each["text"], "language": each["lang"], "mood": each["mood"],
     "topics": ";".join(each["topics"])}
    for each in feedback_rows(seed=4)[::3]
]  # fmt: skip
TEXTS = [{"text": each["text"]} for each in ROWS]


@pytest.fixture(scope="module")
def folders(tiny_weights, tmp_path_factory):
    """The tiny weights, and some that call every text angry and find every text about facilities."""
    root = tmp_path_factory.mktemp("folders")
    return tiny_weights, changed(tiny_weights, root / "furious", angry=0.0, topics={"facility": 0.0})


@pytest.fixture
def compare(folders, tmp_path, capsys):
    """Runs the command and gives what it wrote, read as JSON if it is that, and what it said."""

    def run(rows, *options, name="in.csv", output="out.json", first=folders[0], second=folders[1], code=0):
        source = write_rows(tmp_path / name, rows) if isinstance(rows, list) else str(rows)
        target = tmp_path / output
        assert main(["compare", str(first), str(second), "--data", source, "-o", str(target), *options]) == code
        said = capsys.readouterr().err
        if not target.exists():
            return None, said
        written = target.read_text(encoding="utf-8")
        return (json.loads(written) if target.suffix == ".json" else written), said

    return run


@pytest.fixture(scope="module")
def labelled(folders, tmp_path_factory):
    """A comparison of labelled texts in each form."""
    folder = tmp_path_factory.mktemp("labelled")
    source = write_rows(folder / "in.csv", ROWS)
    found = {}
    for form in ("json", "md", "html"):
        command = ["compare", *map(str, folders), "--data", source, "-o", str(folder / f"out.{form}")]
        assert main(command) == 0
        found[form] = (folder / f"out.{form}").read_text(encoding="utf-8")
    return json.loads(found["json"]), found["md"], found["html"]


def measure(told, name, topic=None):
    (found,) = [each for each in told["measures"] if (each["measure"], each["topic"]) == (name, topic)]
    return found


def test_labelled_texts_say_which_of_the_two_is_better(labelled):
    told, _, _ = labelled
    assert (told["texts"], told["compared"]) == (len(ROWS), len(ROWS))
    accuracy = measure(told, "accuracy")
    assert accuracy["a"] > 0.9
    assert accuracy["b"] == pytest.approx(sum(row["mood"] == "angry" for row in ROWS) / len(ROWS))
    assert accuracy["difference"] == pytest.approx(accuracy["b"] - accuracy["a"])
    assert accuracy["low"] <= accuracy["difference"] <= accuracy["high"] < 0
    assert accuracy["b_is"] == "worse"
    alarms = measure(told, "false_alarms_at_threshold")
    assert (alarms["b"], alarms["less_is_better"], alarms["b_is"]) == (1, True, "worse")
    assert measure(told, "average_precision")["b_is"] == "the same"
    assert measure(told, "f1", "delivery")["b_is"] == "the same"
    assert {part["language"]: part["texts"] for part in told["languages"]} == {
        lang: sum(row["language"] == lang for row in ROWS) for lang in ("ar", "en", "fa", "vi")
    }
    assert all(part["measures"][0]["b"] < part["measures"][0]["a"] for part in told["languages"]), (
        "mood macro-F1 of each language"
    )
    assert sum(told["confusion"]["b"][mood]["angry"] for mood in MOODS) == len(ROWS)
    assert told["changed_and_labelled"]["now_wrong"] > told["changed_and_labelled"]["now_right"]
    assert "worse in" in told["headline"][0]


def test_what_changes_is_counted_and_listed_with_the_worst_first(labelled, compare, folders):
    told, _, _ = labelled
    moved = sum(told["moods"][mood]["angry"] for mood in MOODS if mood != "angry")
    assert told["moods_changed"]["count"] == told["alarms"]["gained"] == moved > 0
    assert told["alarms"]["lost"] == 0
    assert told["topics"]["facility"]["b"] == len(ROWS)
    assert len(told["changed_texts"]) == moved
    back, _ = compare(ROWS, first=folders[1], second=folders[0])
    assert back["alarms"] == {"lost": moved, "gained": 0}
    labels = [each["label"] for each in back["changed_texts"]]
    assert labels == sorted(labels, key=lambda label: label != "angry"), "what is truly angry comes first"
    assert all(each["a"]["mood"] == "angry" != each["b"]["mood"] for each in back["changed_texts"])
    assert (
        back["changed_texts"][0]["place"].startswith("in.csv, line ") or "in.csv" in back["changed_texts"][0]["place"]
    )


def test_texts_without_labels_say_what_changes_alone(compare):
    told, said = compare(TEXTS)
    assert told["measures"] is told["confusion"] is told["changed_and_labelled"] is None
    assert told["moods_changed"]["count"] > 0
    assert set(told["mean_probability"]) == set(MOODS)
    assert told["needs_review"]["a"] <= len(TEXTS)
    assert "no labels" in told["headline"][0]
    assert told["headline"][0] in said


def test_languages_are_guessed_where_no_column_tells_them(compare):
    told, _ = compare(TEXTS)
    assert {part["language"] for part in told["languages"]} >= {"ar", "vi"}
    assert any("guessed" in note for note in told["notes"])


def test_without_the_library_that_guesses_languages_are_not_known(compare, monkeypatch):
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    monkeypatch.delitem(sys.modules, "serving.hooks.languages", raising=False)
    told, _ = compare(TEXTS)
    assert [part["language"] for part in told["languages"]] == [None]
    assert any("rida[inbox]" in note for note in told["notes"])


def test_what_rida_score_wrote_is_not_taken_for_labels(compare, folders, tmp_path):
    source = write_rows(tmp_path / "plain.csv", TEXTS)
    scored = tmp_path / "scored.csv"
    assert main(["score", source, "--output", str(scored), "--weights", str(folders[0])]) == 0
    told, said = compare(scored)
    assert set(ADDED) <= set(scored.read_text(encoding="utf-8").splitlines()[0].split(","))
    assert told["measures"] is None
    assert "written by rida score and do not count as labels" in said
    told, said = compare(scored, "--mood-column", "mood")
    assert measure(told, "accuracy")["a"] == 1
    assert "do not count" not in said


def test_texts_are_left_out_where_asked(compare):
    rows = [{"text": f"{row['text']} {CANARY}"} for row in TEXTS]
    for form in ("json", "md", "html"):
        written, said = compare(rows, "--no-texts", output=f"out.{form}")
        assert CANARY not in f"{written}{said}"
        written, _ = compare(rows, output=f"out.{form}")
        assert CANARY in str(written)


def test_own_topics_are_named_and_measured_for_those_who_know_them(compare, folders, tmp_path):
    mine = with_own_topic(folders[0], tmp_path / "mine", "lost baggage", logit=5.0)
    rows = [{"text": row["text"], "topics": "lost baggage" if at % 2 else ""} for at, row in enumerate(ROWS)]
    told, _ = compare(rows, second=mine)
    assert told["b"]["topics_that_only_it_knows"] == ["lost baggage"]
    assert "Only B knows the topic lost baggage." in told["headline"]
    own = measure(told, "f1", "lost baggage")
    assert (own["a"], own["b_is"]) == (None, "only B knows it")
    assert own["b"] == pytest.approx(2 / 3, abs=0.01)
    assert "lost baggage" not in told["topics"]
    both, _ = compare(
        rows, first=mine, second=with_own_topic(folders[0], tmp_path / "less", "lost baggage", logit=-5.0)
    )
    assert (measure(both, "f1", "lost baggage")["a"], measure(both, "f1", "lost baggage")["b"]) == (own["b"], 0)
    assert both["topics"]["lost baggage"] == {"a": len(rows), "b": 0, "gained": 0, "lost": len(rows)}
    none, _ = compare(rows, second=folders[0])
    assert none["labelled_topics_that_neither_knows"] == ["lost baggage"]
    assert any("lost baggage" in note for note in none["notes"])


def test_the_same_weights_and_the_same_network_are_said_to_be_so(compare, folders):
    told, said = compare(ROWS, second=folders[0])
    assert told["alike"] == "weights"
    assert "A and B are the same weights" in said
    assert {each["b_is"] for each in told["measures"]} <= {"the same"}
    assert compare(ROWS)[0]["alike"] == "network"


def test_stars_and_a_map_of_labels_are_read_as_everywhere_else(compare, tmp_path):
    stars = {"satisfied": 5, "neutral": 3, "dissatisfied": 1, "angry": 1}
    rows = [{"text": row["text"], "stars": stars[row["mood"]]} for row in ROWS]
    told, _ = compare(rows, "--stars-column", "stars")
    assert [each["head"] for each in told["measures"]] == ["satisfaction"]
    assert any("satisfaction takes the two together" in note for note in told["notes"])
    mapped = tmp_path / "labels.toml"
    mapped.write_text("[mood]\n" + "".join(f'"{mood} indeed" = "{mood}"\n' for mood in MOODS), encoding="utf-8")
    rows = [{"text": row["text"], "verdict": f"{row['mood']} indeed"} for row in ROWS]
    told, _ = compare(rows, "--mood-column", "verdict", "--labels", str(mapped))
    assert measure(told, "accuracy")["texts"] == len(rows)


def test_sources_are_compared_on_their_test_rows(compare, data_root, tmp_path):
    told, _ = compare("annotated", "--data-root", str(data_root))
    assert measure(told, "accuracy")["texts"] == told["texts"] == len(feedback_rows(seed=2)[::5])
    assert told["changed_texts"][0]["place"].startswith("annotated, row ")
    _, said = compare("stars", "--data-root", str(data_root), output="other.json", code=2)
    assert "no labelled test row in stars" in said
    _, said = compare("nothing", "--data-root", str(data_root), output="other.json", code=2)
    assert "nothing" in said


def test_rows_that_a_file_gives_to_training_are_left_out(compare):
    rows = [{**row, "split": ("train", "validation", "test", "")[at % 4]} for at, row in enumerate(ROWS)]
    told, said = compare(rows)
    left = sum(row["split"] in ("test", "") for row in rows)
    assert told["texts"] == left
    assert f"{len(rows) - left:,} rows of the splits train and validation are left out" in said
    told, _ = compare([{**row, "split": "train"} for row in ROWS])
    assert told["texts"] == len(ROWS)


def test_texts_that_only_one_can_score_are_left_out_aloud(compare):
    told, _ = compare([*TEXTS, {"text": "\u200b\u200b"}, {"text": "…"}])
    assert told["texts"] >= len(TEXTS)
    assert told["compared"] == told["texts"] - sum(told["not_scorable"].values())
    assert sum(told["not_scorable"].values()) > 0
    assert any("left out" in note for note in told["notes"])


def test_repeated_texts_are_told(compare):
    told, _ = compare([*ROWS, *ROWS[:5]])
    assert any(note.startswith("5 texts stand there more than once") for note in told["notes"])


def test_markdown_and_page_say_the_same_as_json(labelled):
    told, markdown, page = labelled
    for form in (markdown, page):
        for sentence in told["headline"]:
            assert sentence.split("(")[0] in form.replace("&#39;", "'")
        assert "not enough data to tell" in form or "the same" in form
        assert "angry, average precision" in form
        assert f"{measure(told, 'accuracy')['a'] * 100:.1f}\u00a0%" in form
    assert markdown.count("\n## ") == 5
    assert "| language | texts |" in markdown


def test_json_goes_to_a_pipe_and_numbers_are_numbers(folders, tmp_path):
    source = write_rows(tmp_path / "in.jsonl", TEXTS[:4])
    command = [sys.executable, "-m", "serving.cli", "compare", *map(str, folders), "--data", source, "-o", "-"]
    done = subprocess.run([*command, "--format", "json"], cwd=ROOT, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["a"]["texts_per_second"] > 0
    assert told["a"]["megabytes"] == pytest.approx(told["b"]["megabytes"], rel=0.01)
    assert told["format"] == 1


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"text": "", "mood": "angry"}], "in.csv has no texts, so there is nothing to compare."),
        ([{"text": "\u200b\u200b", "mood": "angry"}], "There is no text that both weights can score"),
        ([{"text": "fine", "mood": "angyr"}], "'angyr' is no mood"),
        ([{"text": "fine", "mood": "angry", "split": "later"}], "the split is 'later'"),
    ],
    ids=["empty", "illegible", "misspelt", "split"],
)
def test_what_cannot_be_compared_is_said_in_one_line(compare, rows, said):
    written, line = compare(rows, code=2)
    assert written is None
    assert said in line
    assert line.splitlines()[-1].startswith("rida: ")


def test_weights_files_and_outputs_that_cannot_be_used(compare, folders, tmp_path):
    damaged = tmp_path / "damaged"
    shutil.copytree(folders[0], damaged)
    (damaged / "config.json").write_text("{}")
    for weights in (damaged, tmp_path / "nowhere"):
        assert str(weights) in compare(ROWS, second=weights, code=2)[1]
        assert str(weights) in compare(ROWS, first=weights, code=2)[1]
    assert "must end in .html, .md or .json" in compare(ROWS, output="out.txt", code=2)[1]
    assert "Make it first" in compare(ROWS, output="no/out.json", code=2)[1]
    assert "no column is named 'verdict'" in compare(ROWS, "--mood-column", "verdict", code=2)[1]
    assert (
        "cannot be read" in compare(tmp_path / "no.csv", code=2)[1]
        or "no.csv" in compare(tmp_path / "no.csv", code=2)[1]
    )
    target = tmp_path / "out.json"
    target.write_text("before")
    assert compare([{"text": "", "mood": "angry"}], output="out.md", code=2)[0] is None
    assert main(["compare", *map(str, folders), "--data", str(tmp_path / "in.csv"), "-o", str(target)]) == 2
    assert target.read_text() == "before"
    assert not list(tmp_path.glob(".rida-*"))


def test_one_that_is_stopped_leaves_nothing_behind(folders, tmp_path):
    source = write_rows(tmp_path / "in.csv", TEXTS * 200)
    target = tmp_path / "out.md"
    target.write_text("before")
    command = [sys.executable, "-m", "serving.cli", "compare", *map(str, folders), "--data", source, "-o", str(target)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as running:
        until = time.monotonic() + 60
        while not list(tmp_path.glob(".rida-*")):
            assert time.monotonic() < until, "it does not begin"
            time.sleep(0.01)
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=60) == 130
        assert running.stderr.read().splitlines()[-1] == "rida: interrupted"
    assert target.read_text() == "before"
    assert not list(tmp_path.glob(".rida-*"))


@pytest.mark.parametrize(
    ("missing", "form", "said"), [("jinja2", "html", "rida[report]"), ("scipy", "md", "rida[train]")]
)
def test_a_missing_extra_is_named(folders, tmp_path, missing, form, said):
    source = write_rows(tmp_path / "in.csv", TEXTS[:4])
    code = (
        f"import sys; sys.modules[{missing!r}] = None; from serving.cli import main; "
        f"sys.exit(main({['compare', *map(str, folders), '--data', source, '-o', str(tmp_path / f'out.{form}')]!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_every_shipped_topic_has_its_line(labelled):
    assert set(labelled[0]["topics"]) == set(TOPICS)
