"""What the journal of a run does when it is interrupted, where it is refused, and when it is made safe."""

from __future__ import annotations

import errno
import fcntl
import os
from types import SimpleNamespace

import pytest
from table_files import Stopping, Stub, read_rows, write_rows

from model.errors import InputError
from serving.batch import job, journal
from serving.batch.journal import SUFFIX, Journal
from serving.score import _Run, score
from serving.tables import table


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with an input of six rows, read two at a time."""
    monkeypatch.setattr(table, "CHUNK_ROWS", 2)
    write_rows(tmp_path / "in.csv", [{"text": f"words {n}"} for n in range(6)])
    return tmp_path


def run(folder, stub=None, names=("in.csv",), **options):
    inputs = [str(folder / name) for name in names]
    return score(inputs, str(folder / "out.csv"), classifier=stub or Stub(), progress=False, **options)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("when", ["written", "made_safe"])
def test_an_interrupt_while_the_first_chunk_is_kept_keeps_it(folder, monkeypatch, when):
    def interrupted(do):
        def doing(self, *arguments):
            do(self, *arguments)
            if self.path.stat().st_size > self._begin > 0:
                raise KeyboardInterrupt

        return doing

    step = "_write" if when == "written" else "_make_safe"
    with monkeypatch.context() as patched:
        patched.setattr(journal, "_SAFE_EVERY", 0.0)
        patched.setattr(Journal, step, interrupted(getattr(Journal, step)))
        said = []
        with pytest.raises(KeyboardInterrupt):
            run(folder, say=said.append)
    kept = "2 of 6 rows are scored and kept in out.csv.rida-journal; the same command goes on from there."
    assert said == [kept]
    assert run(folder).resumed == 2


def test_small_chunks_do_not_wait_for_the_disk_each(folder, monkeypatch):
    synced = []
    real = os.fsync
    monkeypatch.setattr(journal.os, "fsync", lambda file: (synced.append(file), real(file)))
    now = iter(range(1000))
    monkeypatch.setattr(journal, "time", SimpleNamespace(monotonic=lambda: next(now) / 4))
    write_rows(folder / "in.csv", [{"text": f"words {n}"} for n in range(80)])
    with pytest.raises(KeyboardInterrupt):
        run(folder, type("Late", (Stub,), {"classify": stops_after(40)})())
    assert 5 < len(synced) < 15


def stops_after(chunks):
    def classify(self, texts):
        if len(self.scored) == chunks - 1:
            raise KeyboardInterrupt
        return Stub.classify(self, texts)

    return classify


def no_look(*arguments):
    raise AssertionError("the inputs are looked through")


@pytest.mark.parametrize("case", ["weights", "options", "version", "size", "another run", "no journal", "no right"])
def test_what_cannot_be_gone_on_with_is_refused_before_the_inputs_are_read(folder, monkeypatch, case):
    path = folder / f"out.csv{SUFFIX}"
    with pytest.raises(KeyboardInterrupt):
        run(folder, Stopping())
    stub, options, message = Stub(), {}, "cannot go on with"
    if case == "weights":
        stub.info = SimpleNamespace(answers_by="of others")
    elif case == "options":
        options = {"encoding": "utf-8"}
    elif case == "version":
        monkeypatch.setattr(job, "__version__", "9.9")
    elif case == "size":
        with (folder / "in.csv").open("a") as file:
            file.write("more\n")
    elif case == "no journal":
        path.write_text("my diary")
        message = "is no journal"
    elif case == "no right":
        monkeypatch.setattr(journal.os, "open", refusing)
        message = "out.csv cannot be written: Permission denied"
    elif case == "another run":
        other = path.open("rb")
        fcntl.flock(other, fcntl.LOCK_EX)
        message = "Another run is writing this output"
    before = path.read_bytes()
    monkeypatch.setattr("serving.score.look_through", no_look)
    monkeypatch.setattr("serving.score.Inputs", no_look)
    with pytest.raises(InputError, match=message):
        run(folder, stub, **options)
    assert path.read_bytes() == before
    if case == "another run":
        other.close()


def refusing(path, *arguments):
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def test_restart_keeps_what_there_is_until_the_inputs_are_found_good(folder):
    path = folder / f"out.csv{SUFFIX}"
    with pytest.raises(KeyboardInterrupt):
        run(folder, Stopping())
    before = path.read_bytes()
    with pytest.raises(InputError, match="no column is named"):
        run(folder, restart=True, text_column="missing")
    assert path.read_bytes() == before


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.ENOSYS, errno.ENOLCK])
def test_a_disk_without_locks_is_said_and_written_nevertheless(folder, monkeypatch, number):
    def flock(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    said = []
    assert run(folder, say=said.append).rows == 6
    assert said == [f"{folder} knows no locks: see to it that no second run writes this output."]


def test_a_run_killed_before_it_took_its_journal_away_only_writes_again(folder, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "remove", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(folder)
    before = (folder / "out.csv").read_bytes()
    stub, said = Stub(), []
    summary = run(folder, stub, say=said.append)
    assert (summary.resumed, stub.scored, said) == (6, [], [])
    assert (folder / "out.csv").read_bytes() == before
    assert names(folder) == ["in.csv", "out.csv"]


def interrupt(*arguments):
    raise KeyboardInterrupt


def before_writing(monkeypatch, do):
    real = _Run._write_all

    def write_all(self, *arguments):
        do()
        real(self, *arguments)

    monkeypatch.setattr(_Run, "_write_all", write_all)


@pytest.mark.parametrize("kind", ["csv", "jsonl.gz", "parquet", "xlsx"])
def test_an_input_that_is_gone_before_the_output_is_written_is_named(folder, monkeypatch, kind):
    name = f"gone.{kind}"
    write_rows(folder / name, [{"text": f"words {n}"} for n in range(6)])
    before_writing(monkeypatch, (folder / name).unlink)
    with pytest.raises(InputError, match=rf"/{name} cannot be read: No such file or directory"):
        run(folder, names=[name])


def test_rows_that_are_not_those_scored_need_a_restart_and_are_not_said_to_go_on(folder, monkeypatch):
    monkeypatch.setattr("serving.score.Inputs.check_all", lambda self, thoroughly: None)
    before_writing(monkeypatch, lambda: write_rows(folder / "in.csv", [{"text": "words 0"}, {"text": "words 1"}]))
    said = []
    with pytest.raises(InputError, match=r"results of other rows than are read now.*--restart"):
        run(folder, say=said.append)
    assert said == []
    assert not (folder / "out.csv").exists()


def test_only_the_inputs_in_hand_are_looked_at_while_scoring(tmp_path, monkeypatch):
    for number in range(30):
        write_rows(tmp_path / f"{number}.csv", [{"text": f"words {number}"}])
    looked_at = []
    real = job._stat
    monkeypatch.setattr(job, "_stat", lambda name: (looked_at.append(name), real(name))[1])
    run(tmp_path, names=[f"{number}.csv" for number in range(30)])
    assert len(looked_at) <= 5 * 30


@pytest.mark.parametrize("kind", ["fifo", "link to a device"])
def test_an_output_that_is_no_plain_file_is_left_as_it_is(folder, kind):
    if kind == "fifo":
        os.mkfifo(folder / "out.csv")
    else:
        (folder / "out.csv").symlink_to(os.devnull)
    with pytest.raises(InputError, match=r"out.csv is not a plain file\. .* name the output -"):
        run(folder)
    assert not (folder / "out.csv").is_file()
    assert names(folder) == ["in.csv", "out.csv"]


def test_results_stand_as_they_were_scored(folder):
    with pytest.raises(KeyboardInterrupt):
        run(folder, Stopping())
    run(folder)
    assert [row["text"] for row in read_rows(folder / "out.csv")] == [f"words {n}" for n in range(6)]
