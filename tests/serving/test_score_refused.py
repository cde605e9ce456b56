"""When an unfinished run is not gone on with, and what is said then."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
from table_files import Stopping, Stub, write_rows

from model.errors import InputError
from serving.batch import job
from serving.batch.journal import SUFFIX, opened_journal
from serving.score import score
from serving.tables import table


@pytest.fixture
def unfinished(tmp_path, monkeypatch):
    """A folder in which a run of two inputs was stopped after its first chunk."""
    monkeypatch.setattr(table, "CHUNK_ROWS", 2)
    for name in ("one", "two"):
        write_rows(tmp_path / f"{name}.csv", [{"text": f"{name} {n}", "more": "some words"} for n in range(4)])
    with pytest.raises(KeyboardInterrupt):
        again(tmp_path, Stopping())
    return tmp_path


def again(folder, stub=None, names=("one.csv", "two.csv"), **options):
    inputs = [str(folder / name) for name in names]
    return score(inputs, str(folder / "out.csv"), classifier=stub or Stub(), progress=False, **options)


def change_an_input(folder, monkeypatch):
    write_rows(folder / "two.csv", [{"text": "two 1", "more": "other words"}])
    return {}


def append_to_an_input(folder, monkeypatch):
    with (folder / "one.csv").open("a") as file:
        file.write("late,words\n")
    return {}


def rename_an_input(folder, monkeypatch):
    (folder / "two.csv").rename(folder / "three.csv")
    return {"names": ("one.csv", "three.csv")}


def other_weights(folder, monkeypatch):
    stub = Stub()
    stub.info = SimpleNamespace(answers_by="of others")
    return {"stub": stub}


def other_version(folder, monkeypatch):
    monkeypatch.setattr(job, "__version__", "9.9")
    return {}


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (change_an_input, "two.csv has changed (83 bytes, now 30)"),
        (append_to_an_input, "one.csv has changed (83 bytes, now 94)"),
        (rename_an_input, "three.csv stands where two.csv was"),
        (lambda *_: {"names": ("one.csv",)}, "there were 2 inputs and are 1"),
        (other_weights, "the weights are others"),
        (other_version, "rida was 0.1.0 and is 9.9"),
        (lambda *_: {"text_column": "more"}, "--text-column was text and is more"),
        (lambda *_: {"encoding": "utf-8"}, "--encoding was not given and is utf-8"),
        (lambda *_: {"delimiter": ","}, "--delimiter was not given and is ,"),
    ],
)
def test_another_job_is_refused_and_restart_begins_it_anew(unfinished, monkeypatch, change, difference):
    journal = unfinished / f"out.csv{SUFFIX}"
    before = journal.read_bytes()
    changed = change(unfinished, monkeypatch)
    with pytest.raises(InputError) as refused:
        again(unfinished, **changed)
    assert f"that this one cannot go on with: {difference}. Put that back" in str(refused.value)
    assert "--restart" in str(refused.value)
    assert journal.read_bytes() == before
    stub = changed.setdefault("stub", Stub())
    summary = again(unfinished, restart=True, **changed)
    assert summary.resumed == 0
    assert sum(map(len, stub.scored)) > 0
    assert not journal.exists()


@pytest.mark.parametrize(
    "options", [{}, {"id_column": "more"}, {"text_column": "text"}, {"watchers": [Stub()]}, {"progress": False}]
)
def test_what_does_not_change_the_output_may_change(unfinished, options):
    inputs = [str(unfinished / name) for name in ("one.csv", "two.csv")]
    summary = score(inputs, str(unfinished / "out.csv"), classifier=Stub(), **options)
    assert (summary.rows, summary.resumed) == (8, 2)


def test_the_inputs_may_have_moved_together(unfinished):
    (unfinished / "elsewhere").mkdir()
    for name in ("one.csv", "two.csv"):
        (unfinished / name).rename(unfinished / "elsewhere" / name)
    assert again(unfinished, names=("elsewhere/one.csv", "elsewhere/two.csv")).resumed == 2


@pytest.mark.parametrize("name", ["one.csv", "two.csv"])
@pytest.mark.parametrize("still_as_long", [True, False])
def test_an_input_changed_while_it_is_scored_is_noticed(tmp_path, monkeypatch, name, still_as_long):
    monkeypatch.setattr(table, "CHUNK_ROWS", 2)

    class Changing(Stub):
        def classify(self, texts):
            if len(self.scored) == 1:
                content = (tmp_path / name).read_text()
                (tmp_path / name).write_text(content.replace("2", "7") if still_as_long else content + "x,y\n")
            return super().classify(texts)

    for each in ("one", "two"):
        write_rows(tmp_path / f"{each}.csv", [{"text": f"{each} {n}", "more": ""} for n in range(4)])
    said = []
    with pytest.raises(InputError, match=rf"{name} was changed while it was scored.*--restart"):
        again(tmp_path, Changing(), say=said.append)
    assert said == []
    assert not (tmp_path / "out.csv").exists()


def test_an_input_that_is_only_touched_is_not_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "CHUNK_ROWS", 2)

    class Touching(Stub):
        def classify(self, texts):
            os.utime(tmp_path / "in.csv", (len(self.scored), 0))
            return super().classify(texts)

    write_rows(tmp_path / "in.csv", [{"text": f"{n}"} for n in range(6)])
    assert again(tmp_path, Touching(), names=["in.csv"]).rows == 6


def test_a_second_run_on_the_same_output_is_refused(unfinished):
    with (
        opened_journal(unfinished / f"out.csv{SUFFIX}"),
        pytest.raises(InputError, match=r"Another run is writing this output.*Wait until it ends"),
    ):
        again(unfinished)
    assert again(unfinished).resumed == 2


def test_a_file_that_is_no_journal_is_left_alone(tmp_path):
    write_rows(tmp_path / "in.csv", [{"text": "a"}])
    foreign = tmp_path / f"out.csv{SUFFIX}"
    foreign.write_text("my diary")
    with pytest.raises(InputError, match=r"is no journal that this version of Rida can read\. Move it away"):
        again(tmp_path, names=["in.csv"])
    assert foreign.read_text() == "my diary"


def test_the_journal_holds_no_text_of_a_customer(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "CHUNK_ROWS", 1)
    monkeypatch.setattr("serving.batch.results._QUICKLY", 0)  # uncompressed
    write_rows(tmp_path / "in.csv", [{"text": "SECRET words"}, {"text": "more"}])
    with pytest.raises(KeyboardInterrupt):
        again(tmp_path, Stopping(), names=["in.csv"])
    content = (tmp_path / f"out.csv{SUFFIX}").read_bytes()
    assert b"satisfied" in content
    assert b"SECRET" not in content
