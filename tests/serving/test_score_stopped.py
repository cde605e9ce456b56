"""What is left behind when scoring stops midway, and how much memory and which libraries it takes."""

from __future__ import annotations

import random
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from table_files import Stopping, Stub, read_rows, write_rows

from model.errors import InputError
from serving.batch import repeats
from serving.score import score
from serving.tables import source, table

ROOT = Path(__file__).parents[2]
FORMATS = ["csv", "tsv", "jsonl", "parquet", "xlsx", "csv.gz", "tsv.gz", "jsonl.gz"]
ROWS = [{"text": f"the delivery was late, says number {i}"} for i in range(4)]


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(table, "CHUNK_ROWS", 2)


def run(inputs, output, classifier):
    return score(inputs, str(output), classifier=classifier, progress=False)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("broken")])
def test_a_stopped_run_keeps_what_is_scored_and_what_was_there(tmp_path, target, error):
    name = write_rows(tmp_path / "in.csv", ROWS)
    output = tmp_path / f"out.{target}"
    output.write_bytes(b"the result of an earlier run")
    said = []
    with pytest.raises(type(error)):
        score([name], str(output), classifier=Stopping(error), say=said.append)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", output.name, f"{output.name}.rida-journal"]
    assert output.read_bytes() == b"the result of an earlier run"
    assert said == [
        f"2 of 4 rows are scored and kept in out.{target}.rida-journal; the same command goes on from there."
    ]


def test_a_run_stopped_before_anything_is_scored_leaves_no_trace(tmp_path):
    class Stopped(Stub):
        def classify(self, texts):
            raise KeyboardInterrupt

    name = write_rows(tmp_path / "in.csv", ROWS)
    with pytest.raises(KeyboardInterrupt):
        run([name], tmp_path / "out.csv", Stopped())
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("target", FORMATS)
def test_nothing_stands_under_the_final_name_while_scoring(tmp_path, target):
    class Looking(Stub):
        def classify(self, texts):
            assert not output.exists()
            return super().classify(texts)

    output = tmp_path / f"out.{target}"
    run([write_rows(tmp_path / "in.csv", ROWS)], output, Looking())
    assert len(read_rows(output)) == 4


LIMITED = """
import resource, sys
sys.path.insert(0, "tests/serving")
from table_files import Stub
from serving.score import score

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
try:
    score([sys.argv[1]], sys.argv[2], classifier=Stub())
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("target", ["csv", "jsonl.gz", "parquet", "xlsx"])
@pytest.mark.parametrize("room", [100, 40_000])
def test_a_full_disk_is_an_input_error_and_loses_nothing(tmp_path, target, room):
    name = write_rows(tmp_path / "in.csv", [{"text": random.Random(i).randbytes(30).hex()} for i in range(3000)])
    output, unstopped = tmp_path / f"out.{target}", tmp_path / f"unstopped.{target}"
    said = in_a_process(LIMITED, name, str(output), str(room))
    assert said == f"InputError {output} cannot be written: File too large."
    journal = [] if room == 100 else [f"{output.name}.rida-journal"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", *journal]
    stub = Stub()
    run([name], output, stub)
    run([name], unstopped, Stub())
    assert output.read_bytes() == unstopped.read_bytes()
    assert sum(map(len, stub.scored)) < 3000 or room == 100


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 KiB, as large as its data."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("ballast", [262_144, 215_000, 100_000])
def test_a_disk_that_is_full_loses_nothing(tmp_path, small_disk, monkeypatch, ballast):
    monkeypatch.setattr(table, "CHUNK_ROWS", 100)
    name = write_rows(tmp_path / "in.csv", [{"text": random.Random(i).randbytes(30).hex()} for i in range(2000)])
    (small_disk / "ballast").write_bytes(bytes(ballast))
    output = small_disk / "out.csv"
    with pytest.raises(InputError, match=r"out.csv cannot be written: No space left on device"):
        run([name], output, Stub())
    assert not output.exists()
    (small_disk / "ballast").unlink()
    summary = run([name], output, Stub())
    assert (summary.rows, summary.resumed > 0) == (2000, ballast < 262_144)
    run([name], tmp_path / "unstopped.csv", Stub())
    assert output.read_bytes() == (tmp_path / "unstopped.csv").read_bytes()
    assert [path.name for path in small_disk.iterdir()] == ["out.csv"]


class Forgetful(Stub):
    """Remembers nothing, so that only scoring itself takes memory."""

    def classify(self, texts):
        return [self._one(text, "") for text in texts]


def peak_memory(name, output):
    tracemalloc.start()
    run([name], output, Forgetful())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("kind", ["csv", "jsonl", "csv.gz"])
def test_memory_stays_flat_however_many_rows(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(table, "CHUNK_ROWS", 64)
    monkeypatch.setattr(repeats, "REMEMBERED", 64)
    monkeypatch.setattr(source, "HEAD", 4096)  # what is read once and for all would hide the growth
    rows = [{"id": str(i), "text": f"text number {i} " * 20} for i in range(2400)]
    few = write_rows(tmp_path / f"few.{kind}", rows[:400])
    many = write_rows(tmp_path / f"many.{kind}", rows)
    small, large = peak_memory(few, tmp_path / "o.csv"), peak_memory(many, tmp_path / "o.csv")
    assert large < 1.2 * small


LIGHT = """
import sys
from types import SimpleNamespace
from model.prediction import Rejection
from serving.score import score

class Refusing:
    info = SimpleNamespace(answers_by="none")

    def start(self, texts):
        return SimpleNamespace(predictions=lambda: [Rejection("", "empty_text", "nothing")] * len(texts))

score([sys.argv[1]], sys.argv[2], classifier=Refusing())
print([name for name in ("pyarrow", "openpyxl", "rich", "charset_normalizer") if name in sys.modules])
"""


def test_scoring_csv_loads_no_heavy_library(tmp_path):
    name = write_rows(tmp_path / "in.csv", [{"text": "some words"}])
    assert in_a_process(LIGHT, name, str(tmp_path / "out.csv")) == "[]"


def in_a_process(code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stderr == ""
    return done.stdout.strip()
