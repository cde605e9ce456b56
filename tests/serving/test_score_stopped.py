"""What is left behind when scoring stops midway, and how much memory and which libraries it takes."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from table_files import Stub, read_rows, write_rows

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


class Stopping(Stub):
    """Stops after the first chunk, as a user, a bug or a full disk would."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def classify(self, texts, *, ids=None):
        if self.calls:
            raise self.error
        return super().classify(texts, ids=ids)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("broken")])
def test_a_stopped_run_leaves_no_trace_and_keeps_what_was_there(tmp_path, target, error):
    name = write_rows(tmp_path / "in.csv", ROWS)
    output = tmp_path / f"out.{target}"
    output.write_bytes(b"the result of an earlier run")
    with pytest.raises(type(error)):
        run([name], output, Stopping(error))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", output.name]
    assert output.read_bytes() == b"the result of an earlier run"


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("target", FORMATS)
def test_nothing_stands_under_the_final_name_while_scoring(tmp_path, target):
    class Looking(Stub):
        def classify(self, texts, *, ids=None):
            assert not output.exists()
            return super().classify(texts, ids=ids)

    output = tmp_path / f"out.{target}"
    run([write_rows(tmp_path / "in.csv", ROWS)], output, Looking())
    assert len(read_rows(output)) == 4


LIMITED = """
import resource, sys
from model.prediction import Rejection
from serving.score import score

class Refusing:
    def classify(self, texts, *, ids):
        return [Rejection(key, "empty_text", "nothing") for key in ids]

resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    score([sys.argv[1]], sys.argv[2], classifier=Refusing())
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("target", ["csv", "jsonl.gz", "parquet", "xlsx"])
def test_a_full_disk_is_an_input_error_and_leaves_no_trace(tmp_path, target):
    name = write_rows(tmp_path / "in.csv", [{"text": str(hash((i, "noise")))} for i in range(3000)])
    said = in_a_process(LIMITED, name, str(tmp_path / f"out.{target}"))
    assert said == f"InputError {tmp_path}/out.{target} cannot be written: File too large. Nothing was written."
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


class Forgetful(Stub):
    """Remembers nothing, so that only scoring itself takes memory."""

    def classify(self, texts, *, ids=None):
        return [self._one(text, key) for text, key in zip(texts, ids, strict=True)]


def peak_memory(name, output):
    tracemalloc.start()
    run([name], output, Forgetful())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("kind", ["csv", "jsonl", "csv.gz"])
def test_memory_stays_flat_however_many_rows(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(table, "CHUNK_ROWS", 64)
    monkeypatch.setattr(source, "HEAD", 4096)  # what is read once and for all would hide the growth
    rows = [{"id": str(i), "text": f"text number {i} " * 20} for i in range(2400)]
    few = write_rows(tmp_path / f"few.{kind}", rows[:400])
    many = write_rows(tmp_path / f"many.{kind}", rows)
    small, large = peak_memory(few, tmp_path / "o.csv"), peak_memory(many, tmp_path / "o.csv")
    assert large < 1.2 * small


LIGHT = """
import sys
from model.prediction import Rejection
from serving.score import score

class Refusing:
    def classify(self, texts, *, ids):
        return [Rejection(key, "empty_text", "nothing") for key in ids]

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
