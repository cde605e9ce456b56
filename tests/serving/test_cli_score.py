"""`rida score` on the command line: exit codes, what is said, and the triage table."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from model.labels import MOODS
from model.prediction import Prediction, Rejection
from serving.cli import main
from serving.output import cells, one_line
from serving.triage import Triage, show_table

ROOT = Path(__file__).parents[2]
TEXTS = ["Great!", "أين طردي؟ أريد استرجاع مالي", "کیفیت خیلی پایین بود", "Giao hàng chậm", "Bad app"]


@pytest.fixture(autouse=True)
def _weights(monkeypatch, tiny_weights):
    monkeypatch.setenv("RIDA_WEIGHTS", str(tiny_weights))
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def table(tmp_path):
    def write(texts):
        path = tmp_path / "in.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("id", "text"), *((f"r{n}", text) for n, text in enumerate(texts))])
        return path

    return write


def read(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def angry(text):
    """The angrier the more exclamation marks."""
    if text == "":
        return Rejection("", "empty_text", "nothing to read")
    scores = {**dict.fromkeys(MOODS, 0.0), "angry": text.count("!") / 100}
    return Prediction("", "angry", scores, (), (), needs_review=False, truncated=False, tokens=1)


def test_scored_rows_end_in_0_and_say_what_was_done(table, tmp_path, capsys):
    output = tmp_path / "out.csv"
    assert main(["score", str(table(TEXTS)), "--output", str(output)]) == 0
    assert [row["text"] for row in read(output)] == TEXTS
    shown = capsys.readouterr()
    assert "5 rows in" in shown.err
    assert shown.out == ""


def test_rows_with_errors_end_in_1_and_are_named(table, tmp_path, capsys):
    output = tmp_path / "out.csv"
    assert main(["score", str(table([*TEXTS, " "])), "--output", str(output)]) == 1
    assert read(output)[5]["error"].startswith("empty_text")
    said = capsys.readouterr().err
    assert "rows with errors: 1" in said
    assert "r5: " in said


def test_unreadable_input_ends_in_2_and_writes_nothing(table, tmp_path, capsys):
    output = tmp_path / "out.csv"
    for wrong in (
        [str(tmp_path / "missing.csv")],
        [str(table(TEXTS)), "--text-column", "review"],
        [str(table(TEXTS)), "--encoding", "klingon"],
    ):
        assert main(["score", *wrong, "--output", str(output)]) == 2
        assert capsys.readouterr().err.startswith("rida: ")
        assert not output.exists()


def test_a_tab_can_be_written_as_people_write_it(tmp_path, capsys):
    path = tmp_path / "in.csv"
    path.write_text("id\ttext\n7\tGreat!\n", encoding="utf-8")
    output = tmp_path / "out.csv"
    assert main(["score", str(path), "--output", str(output), "--delimiter", r"\t"]) == 0
    assert "7" in output.read_text(encoding="utf-8-sig").splitlines()[1]


def test_triage_shows_the_angriest_rows_of_the_file(table, tmp_path, capsys):
    output = tmp_path / "out.csv"
    assert main(["score", str(table(TEXTS)), "--output", str(output), "--triage", "3"]) == 0
    rows = sorted(read(output), key=lambda row: -float(row["angry"]))
    shown = re.findall(r"\br\d\b", capsys.readouterr().out)
    assert shown == [row["id"] for row in rows[:3]]


def test_triage_goes_to_stderr_where_stdout_carries_the_rows(table, capfd):
    assert main(["score", str(table(TEXTS)), "--output", "-", "--triage", "2"]) == 0
    shown = capfd.readouterr()
    assert [json.loads(line)["text"] for line in shown.out.splitlines()] == TEXTS
    assert len(re.findall(r"\br\d\b", shown.err)) == 2


def test_the_angriest_are_kept_across_batches_without_those_that_have_errors():
    triage = Triage(3)
    texts = ["!" * many for many in (10, 0, 90, 20, 90, 30, 5)]
    for start in range(0, len(texts), 2):
        part = texts[start : start + 2]
        triage.watch([str(start + n) for n in range(len(part))], part, [angry(text) for text in part])
    kept = [(len(row.text), row.id) for row in triage.angriest()]
    assert kept == [(90, "2"), (90, "4"), (30, "5")]


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_text_breaks_a_line_of_the_table(columns):
    texts = [
        *TEXTS,
        "配送太慢了",
        "two\nlines\tand\r\x1b[31m red",
        "\u202eevil\u202c",
        "[bold]x[/bold] :smile:",
        "a" * 5000,
    ]
    triage = Triage(50)
    triage.watch([*map(str, range(len(texts) - 1)), "معرف"], texts, [angry(text) for text in texts])
    stream = io.StringIO()
    show_table(triage.angriest(), stream, columns)
    shown = stream.getvalue()
    assert all(cells(line.rstrip()) <= columns for line in shown.splitlines())
    assert sum(bool(re.match(r"\s*\u200e\d", line)) for line in shown.splitlines()) == len(texts)
    assert not set("\x1b\u202e\u202c") & set(shown)
    assert shown.count("\u2068") == shown.count("\u2069") == 3
    if columns == 120:
        assert "[bold]x[/bold] :smile:" in shown


def test_a_right_to_left_text_is_isolated_and_an_ordinary_one_is_not():
    assert one_line("سيئ جدا!", 20) == "\u2068سيئ جدا!\u2069"
    assert one_line("very bad!", 20) == "very bad!"


def test_a_text_is_shortened_by_what_it_takes_on_screen():
    assert one_line("配送太慢了", 10) == "配送太慢了"
    assert one_line("配送太慢了", 9) == "配送太慢…"
    assert one_line("a" * 20, 5) == "aaaa…"
    assert one_line("e\u0301" * 5, 5) == "e\u0301" * 5
    assert one_line("نمی\u200cخرم", 20) == "\u2068نمی\u200cخرم\u2069"


def test_a_run_that_is_told_to_stop_leaves_nothing_behind(tmp_path):
    output = tmp_path / "out" / "scored.jsonl"
    output.parent.mkdir()
    command = [sys.executable, "-m", "serving.cli", "score", "-", "--output", str(output)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as run:
        run.stdin.write(b'{"text": "Great!"}\n')
        run.stdin.flush()
        deadline = time.monotonic() + 30
        while not list(output.parent.iterdir()):
            assert time.monotonic() < deadline, "the run does not begin"
            time.sleep(0.02)
        run.send_signal(signal.SIGTERM)
        _, said = run.communicate(timeout=30)
    assert run.returncode == 130
    assert b"interrupted" in said
    assert list(output.parent.iterdir()) == []


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_that_the_same_command_goes_on(tmp_path, table, told):
    path, output = table([f"{text} {n}" for n in range(3000) for text in TEXTS]), tmp_path / "out.csv"
    journal = tmp_path / "out.csv.rida-journal"
    # In the background of a shell, where tests may run, Ctrl-C is ignored from the start.
    code = "import signal, sys, serving.cli; signal.signal(2, signal.default_int_handler); sys.exit(serving.cli.main())"
    command = [sys.executable, "-c", code, "score", str(path), "--output", str(output)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as run:
        deadline = time.monotonic() + 60
        while not journal.exists() or journal.stat().st_size < 5_000:
            assert time.monotonic() < deadline, "nothing is scored"
            time.sleep(0.005)
        run.send_signal(told)
        began = time.monotonic()
        _, said = run.communicate(timeout=30)
    assert run.returncode == 130
    assert time.monotonic() - began < 5
    kept = re.search(
        r"([\d,]+) of 15,000 rows are scored and kept in out.csv.rida-journal; the same command goes on", said
    )
    assert kept is not None, said
    assert said.endswith("rida: interrupted\n")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["in.csv", journal.name]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert f"resuming at row {int(kept[1].replace(',', '')) + 1:,} of 15,000" in done.stderr
    assert f"15,000 rows, {kept[1]} of them before this run, in" in done.stderr
    assert [row["id"] for row in read(output)] == [f"r{n}" for n in range(15_000)]
    assert not journal.exists()


def test_restart_on_the_command_line_throws_an_unfinished_run_away(tmp_path, table, capsys):
    path, output = table(TEXTS), tmp_path / "out.csv"
    (tmp_path / "out.csv.rida-journal").write_text("from another version")
    assert main(["score", str(path), "--output", str(output)]) == 2
    assert "or give --restart" in capsys.readouterr().err
    assert main(["score", str(path), "--output", str(output), "--restart"]) == 0
    assert len(read(output)) == 5
    assert not (tmp_path / "out.csv.rida-journal").exists()


def test_triage_after_going_on_shows_rows_scored_before(tmp_path, table, capsys, monkeypatch, tiny_classifier):
    class Stopping:
        info = tiny_classifier.info

        def __init__(self):
            self.chunks = 0

        def start(self, texts):
            self.chunks += 1
            if self.chunks == 3:
                raise KeyboardInterrupt
            return tiny_classifier.start(texts)

    monkeypatch.setattr("serving.tables.table.CHUNK_ROWS", 2)
    path, output = table(TEXTS), tmp_path / "out.csv"
    monkeypatch.setattr("serving.commands.load", lambda *_, **__: Stopping())
    assert main(["score", str(path), "--output", str(output)]) == 130
    monkeypatch.setattr("serving.commands.load", lambda *_, **__: tiny_classifier)
    assert main(["score", str(path), "--output", str(output), "--triage", "5"]) == 0
    rows = sorted(read(output), key=lambda row: -float(row["angry"]))
    assert re.findall(r"\br\d\b", capsys.readouterr().out) == [row["id"] for row in rows]
