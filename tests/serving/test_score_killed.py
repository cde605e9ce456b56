"""A run killed at any moment goes on with the same command, and its result is that of a run that was not."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from table_files import Stopping, Stub, read_rows, write_rows

from serving.batch.journal import SUFFIX
from serving.score import score
from serving.tables import table

ROOT = Path(__file__).parents[2]
KILLING = Path(__file__).with_name("killing.py")


@pytest.mark.parametrize(
    ("times", "source", "target"),
    [
        (90, "csv", "csv"),
        (80, "jsonl.gz", "jsonl.gz"),
        (20, "parquet", "parquet"),
        (10, "xlsx", "xlsx"),
        (20, "tsv", "csv.gz"),
    ],
)
def test_killed_at_random_calls_it_goes_on_and_gives_the_same_bytes(tmp_path, times, source, target):
    command = [sys.executable, str(KILLING), str(tmp_path), "7", str(times), source, target]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    cases = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(cases) == times
    assert [case for case in cases if not (case["ended"] and case["same"] and case["clean"])] == []
    killed = [case["left"] for case in cases if case["killed"] == [-9]]
    assert len(killed) > times / 2
    assert any(len(left) == 1 for left in killed), "none was killed while it scored"
    assert any(len(left) == 2 for left in killed), "none was killed while it wrote"


def stopped(name, output, chunks):
    """A run that is interrupted after some chunks."""
    with pytest.raises(KeyboardInterrupt):
        score([name], str(output), classifier=Stopping(chunks=chunks), progress=False)


def test_a_journal_torn_at_any_byte_is_gone_on_with(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "CHUNK_ROWS", 3)
    rows = [{"id": n, "text": f"delivery number {n}"} for n in range(20)]
    name = write_rows(tmp_path / "in.jsonl", rows)
    unstopped, output = tmp_path / "unstopped.jsonl", tmp_path / "out.jsonl"
    score([name], str(unstopped), classifier=Stub(), progress=False)
    stopped(name, output, 5)
    journal = tmp_path / f"out.jsonl{SUFFIX}"
    whole = journal.read_bytes()
    chance = random.Random(0)
    for cut in [*range(0, 20, 3), *chance.sample(range(len(whole)), 40), len(whole)]:
        torn = bytearray(whole[:cut])
        if cut % 3 == 0:
            torn += bytes(chance.randrange(40))  # a disk may have made the file longer before it was filled
        elif cut % 3 == 1 and cut > 20:
            torn[-1] ^= 0xFF
        journal.write_bytes(torn)
        stub = Stub()
        score([name], str(output), classifier=stub, progress=False)
        assert output.read_bytes() == unstopped.read_bytes()
        assert sum(map(len, stub.scored)) >= 5
        assert not journal.exists()
        output.unlink()


def test_what_was_scored_is_not_scored_again(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "CHUNK_ROWS", 3)
    name = write_rows(tmp_path / "in.csv", [{"text": f"delivery {n}"} for n in range(10)])
    stopped(name, tmp_path / "out.csv", 2)
    stub, said = Stub(), []
    summary = score(
        [name], str(tmp_path / "out.csv"), classifier=stub, watchers=[stub], progress=False, say=said.append
    )
    assert stub.scored == [["delivery 6", "delivery 7", "delivery 8"], ["delivery 9"]]
    assert said == ["resuming at row 7 of 10; the rows before it are scored."]
    assert (summary.rows, summary.resumed) == (10, 6)
    assert stub.ids == [str(n) for n in range(1, 11)]  # who watches sees all rows nevertheless
    assert [row["text"] for row in read_rows(tmp_path / "out.csv")] == [f"delivery {n}" for n in range(10)]


def test_the_command_killed_while_it_scores_goes_on(tmp_path, tiny_weights):
    name = write_rows(tmp_path / "in.csv", [{"text": f"the parcel was late, number {n}"} for n in range(9000)])
    command = [sys.executable, "-m", "serving.cli", "score", name, "--weights", str(tiny_weights), "--output"]
    output, journal = tmp_path / "out.csv", tmp_path / f"out.csv{SUFFIX}"
    before = 1000  # more than the first record takes
    for _ in range(2):
        with subprocess.Popen([*command, str(output)], cwd=ROOT, stderr=subprocess.DEVNULL) as run:
            deadline = time.monotonic() + 60
            while not journal.exists() or journal.stat().st_size <= before:
                assert time.monotonic() < deadline, "the journal does not grow"
                assert run.poll() is None, "the run ended before it could be killed"
                time.sleep(0.001)
            run.kill()
        before = journal.stat().st_size
        assert not output.exists()
    done = subprocess.run([*command, str(output)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "resuming at row" in done.stderr
    unkilled = tmp_path / "unkilled.csv"
    subprocess.run([*command, str(unkilled)], cwd=ROOT, capture_output=True, check=True)
    assert output.read_bytes() == unkilled.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", output.name, unkilled.name]
