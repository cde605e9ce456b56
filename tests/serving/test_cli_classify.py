"""`rida classify` and `rida model`: answers for people and for scripts, and how they end."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from model.labels import MOODS, TOPICS
from rida import __version__
from serving.cli import main
from training.cli import add_commands

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _weights(monkeypatch, tiny_weights):
    monkeypatch.setenv("RIDA_WEIGHTS", str(tiny_weights))


@pytest.fixture
def piped(monkeypatch):
    def pipe(content: bytes):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return pipe


def run(*arguments, content=b"", **variables):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "serving.cli", *arguments],
        input=content,
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_each_text_has_a_readable_answer(capsys):
    assert main(["classify", "Great service!", "Where is my parcel?"]) == 0
    shown = capsys.readouterr()
    assert shown.out.count("  mood: ") == 2
    assert shown.out.index("Great service!") < shown.out.index("Where is my parcel?")
    assert all(len(re.findall(rf"\b{mood} ", shown.out)) == 2 for mood in MOODS)
    assert shown.err == ""


def test_json_is_the_shape_of_a_prediction_on_one_line_each(capsys, tiny_classifier):
    assert main(["classify", "--json", "Great service!", "Late."]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    expected = [answer.as_dict() for answer in tiny_classifier.classify(["Great service!", "Late."])]
    assert [answer["id"] for answer in answers] == ["0", "1"]
    for answer, one in zip(answers, expected, strict=True):
        assert answer["scores"] == pytest.approx(one["scores"], abs=1e-4)
        assert set(answer) == set(one)


def test_all_topics_are_shown_on_request(capsys):
    assert main(["classify", "--all-topics", "Great service!"]) == 0
    shown = capsys.readouterr().out
    assert all(topic in shown for topic in TOPICS)
    assert main(["classify", "--all-topics", "--json", "Great service!"]) == 0
    assert len(json.loads(capsys.readouterr().out)["all_topics"]) == len(TOPICS)


def test_a_text_that_cannot_be_scored_ends_in_1_and_the_others_are_scored(capsys):
    assert main(["classify", "", "Great service!"]) == 1
    shown = capsys.readouterr().out
    assert "not scored" in shown
    assert "empty_text" in shown
    assert "  mood: " in shown


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_one_text_a_line_is_read_from_a_pipe(piped, capsys, arguments):
    piped("\ufeffGreat!\r\nسيئ جدا\nLate.".encode())
    assert main(["classify", "--json", *arguments]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["id"] for answer in answers] == ["0", "1", "2"]


def test_more_lines_than_are_scored_at_once_keep_their_order(piped, capsys):
    piped(b"Great!\n" * 150)
    assert main(["classify", "--json"]) == 0
    ids = [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()]
    assert ids == [str(number) for number in range(150)]


def test_a_line_that_is_not_utf8_does_not_stop_the_others(piped, capsys):
    piped(b"caf\xe9 \xff\xfe\nGreat!\n")
    assert main(["classify", "--json"]) in (0, 1)
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["id"] for answer in answers] == ["0", "1"]
    assert "mood" in answers[1]


def test_nothing_to_read_is_wrong_use(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert main(["classify"]) == 2
    assert "give a text" in capsys.readouterr().err


def test_unusable_weights_are_one_line_on_stderr(tmp_path, capsys):
    score = ["score", "a.csv", "--output", "b.csv"]
    for command in (["classify", "Great!"], ["model"], score, ["serve", "--port", "0"]):
        assert main([*command, "--weights", str(tmp_path / "nowhere")]) == 2
        shown = capsys.readouterr()
        assert shown.out == ""
        assert shown.err.startswith("rida: ")
        assert shown.err.count("\n") == 1
        assert "nowhere" in shown.err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "required: COMMAND"),
        (["guess"], "invalid choice: 'guess'"),
        (["classify", "--jsn", "a"], "unrecognized arguments: --jsn"),
        (["classify", "a", "--threads", "many"], "--threads (RIDA_THREADS) must be a whole number from 1"),
        (["score", "a.csv"], "required: --output"),
        (["score", "a.csv", "--output", "b.csv", "--triage", "0"], "must be a whole number from 1 to 1000"),
        (["serve", "--port", "http"], "--port (RIDA_PORT) must be a whole number from 0 to 65535"),
        (["serve", "--host", "0.0.0.0"], "needs keys"),
    ],
    ids=str,
)
def test_wrong_use_is_one_line_on_stderr(capsys, arguments, reason):
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("rida: ")
    assert shown.err.count("\n") == 1
    assert reason in shown.err


def test_an_interruption_ends_in_130(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("serving.commands.load", interrupted)
    assert main(["classify", "Great!"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_the_model_is_described_for_people_and_scripts(capsys, tiny_classifier):
    info = tiny_classifier.info
    assert main(["model"]) == 0
    shown = capsys.readouterr().out
    assert all(said in shown for said in (info.name, info.version, info.sha256, *MOODS, *TOPICS))
    assert main(["model", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(info.as_dict()))


def test_training_without_its_libraries_says_how_to_get_them(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "training.cli", None)
    monkeypatch.setattr(sys.modules["serving.cli"], "make_parser", _without_torch)
    for command in ("train", "validate", "export", "evaluate", "published", "behaviour", "agreement"):
        assert main([command, "--help"]) == 2
        assert 'needs torch: pip install "rida[train]"' in capsys.readouterr().err


def _without_torch(**_):
    raise ModuleNotFoundError("No module named 'torch'", name="torch")


def test_help_and_version_are_answers(capsys):
    for arguments, said in ((["--version"], __version__), (["--help"], "train")):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
        assert said in capsys.readouterr().out


def test_a_closed_pipe_ends_quietly():
    command = f"{sys.executable} -m serving.cli classify --json | head -n 1"
    lines = b"Great service!\n" * 5000
    ended = subprocess.run(command, shell=True, input=lines, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert ended.stderr == b""
    assert len(ended.stdout.splitlines()) == 1


def test_any_text_can_be_shown_whatever_the_locale():
    ended = run("classify", "خدمات عالی 😡", content=b"", LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    assert ended.returncode in (0, 1), ended.stderr
    assert ended.stderr == b""
    ended.stdout.decode("utf-8")


def test_classify_imports_neither_the_server_nor_the_file_formats():
    code = (
        "import sys; from serving.cli import main; main(['classify', 'Great!']); "
        "heavy = {'fastapi', 'uvicorn', 'pyarrow', 'rich', 'torch', 'transformers'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_every_training_command_is_reached_from_the_command_line(capsys):
    subparsers = argparse.ArgumentParser().add_subparsers()
    add_commands(subparsers)
    for command in subparsers.choices:
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0
        assert f"usage: rida {command}" in capsys.readouterr().out
