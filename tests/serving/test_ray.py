"""`rida score --engine ray`: real Ray on this machine, killed, resumed and refused."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from parquet_files import write

from model.errors import RidaError
from serving.cli import main
from serving.cluster import ray_engine
from serving.cluster.job import JOB
from serving.cluster.scorer import Identity, Scorer
from serving.score import score as score_here

ROOT = Path(__file__).parents[2]
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason='Ray is not installed: pip install "rida[ray]"'
)


def outputs(folder):
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet"))
    return {name: (folder / name).read_bytes() for name in names if not name.startswith("_")}


def scored_here(folder, output, weights):
    """What `rida score` makes of each file of a folder by itself."""
    from rida import load

    classifier = load(weights, threads=1)
    for path in sorted(folder.rglob("*.parquet")):
        target = output / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        score_here([str(path)], str(target), classifier=classifier, progress=False)
    return outputs(output)


def command(*words, code="from serving.cli import main; import sys; sys.exit(main())"):
    return [sys.executable, "-c", code, "score", *map(str, words), "--engine", "ray"]


# One file a pipeline, and slowly, so that there is a moment at which some files are done and others not.
SLOWLY = """
import sys, time
from serving import cli
from serving.cluster import ray_engine
ray_engine._GROUP_ROWS = 1
once = ray_engine._score_group
ray_engine._score_group = lambda *all: (once(*all), time.sleep(1))
sys.exit(cli.main())
"""


@needs_ray
def test_a_killed_job_goes_on_and_gives_what_scoring_each_file_here_gives(tmp_path, feedback, tiny_weights):
    out = tmp_path / "out"
    words = [feedback, "--output", out, "--weights", tiny_weights, "--workers", "2"]
    with (tmp_path / "said").open("wb") as said:
        first = subprocess.Popen(command(*words, code=SLOWLY), cwd=ROOT, stderr=said)
    deadline = time.monotonic() + 60
    while not outputs(out):
        assert first.poll() is None, (tmp_path / "said").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait()
    done = {name: (out / name).stat().st_mtime_ns for name in outputs(out)}
    assert 0 < len(done) < 5

    again = subprocess.run(command(*words), cwd=ROOT, capture_output=True, text=True, check=False)
    assert again.returncode == 1, again.stderr  # some rows have errors
    assert f"{len(done)} of 5 files" in again.stderr
    assert {name: (out / name).stat().st_mtime_ns for name in done} == done
    assert outputs(out) == scored_here(feedback, tmp_path / "here", tiny_weights)
    assert sorted(path.name for path in out.iterdir()) == [JOB, *sorted({n.split("/")[0] for n in outputs(out)})]

    pq.write_table(pq.read_table(out / "a.parquet").slice(1), tmp_path / "shorter.parquet")
    (tmp_path / "shorter.parquet").rename(out / "a.parquet")
    third = subprocess.run(command(*words), cwd=ROOT, capture_output=True, text=True, check=False)
    assert third.returncode == 2
    assert "a.parquet was changed since it was scored" in third.stderr
    (out / "a.parquet").write_bytes((tmp_path / "here" / "a.parquet").read_bytes())
    fourth = subprocess.run(command(*words), cwd=ROOT, capture_output=True, text=True, check=False)
    assert fourth.returncode == 1
    assert "5 of 5 files (501 rows) are done already" in fourth.stderr
    assert "rows with errors in the files that were done before: 166" in fourth.stderr


@needs_ray
def test_a_file_that_is_damaged_inside_is_named(tmp_path, tiny_weights):
    write(tmp_path / "in" / "a.parquet", 20)
    data = bytearray(write(tmp_path / "in" / "bad.parquet", 400).read_bytes())
    data[40:600] = b"\xff" * 560
    (tmp_path / "in" / "bad.parquet").write_bytes(data)
    words = [tmp_path / "in", "--output", tmp_path / "out", "--weights", tiny_weights, "--workers", "1"]
    done = subprocess.run(command(*words), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "bad.parquet is not a sound Parquet file" in done.stderr
    assert outputs(tmp_path / "out") == {}


@needs_ray
def test_an_address_at_which_nobody_answers_is_refused_before_anything_is_removed(tmp_path, capsys, tiny_weights):
    source, out = write(tmp_path / "a.parquet", 3), tmp_path / "out"
    out.mkdir()
    (out / "a.parquet").write_text("precious")
    words = [str(source), "--output", str(out), "--weights", str(tiny_weights), "--restart", "--address", "127.0.0.1:9"]
    assert main(["score", *words, "--engine", "ray"]) == 2
    assert "No Ray cluster answers at 127.0.0.1:9" in capsys.readouterr().err
    assert (out / "a.parquet").read_text() == "precious"


def test_without_ray_the_command_says_what_to_install(tmp_path, monkeypatch, capsys, tiny_weights):
    monkeypatch.setattr("serving.cluster.ray_engine.find_spec", lambda name: None)
    source = write(tmp_path / "a.parquet", 3)
    assert main(["score", str(source), "--output", str(tmp_path / "out"), "--engine", "ray"]) == 2
    assert 'pip install "rida[ray]"' in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--workers", "2"], "--workers needs --engine ray"),
        (["--engine", "ray", "--triage", "3"], "--triage works without --engine ray"),
        (["--engine", "ray", "--delimiter", ";"], "--delimiter works without --engine ray"),
        (["--engine", "ray", "--workers", "0"], "must be a whole number from 1"),
    ],
)
def test_a_flag_of_the_other_engine_is_refused(tmp_path, capsys, words, message):
    source = write(tmp_path / "a.parquet", 3)
    assert main(["score", str(source), "--output", str(tmp_path / "out"), *words]) == 2
    assert message in capsys.readouterr().err


@needs_ray
def test_a_file_that_cannot_be_finished_leaves_its_neighbours_done(tmp_path, tiny_weights):
    for name in "abc":
        write(tmp_path / "in" / f"{name}.parquet", 30)
    code = """
import sys
from pathlib import Path
from serving import cli
from serving.cluster import ray_engine
once = ray_engine._run_pipeline
def then_changed(paths, *others):
    once(paths, *others)
    Path(paths[0]).write_bytes(Path(paths[0]).with_name("_new").read_bytes())
ray_engine._run_pipeline = then_changed
sys.exit(cli.main())
"""
    write(tmp_path / "in" / "_new", 31)
    words = [tmp_path / "in", "--output", tmp_path / "out", "--weights", tiny_weights, "--workers", "1"]
    done = subprocess.run(command(*words, code=code), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "a.parquet was changed since this run began" in done.stderr
    assert list(outputs(tmp_path / "out")) == ["b.parquet", "c.parquet"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [JOB, "b.parquet", "c.parquet"]


@needs_ray
def test_a_worker_that_would_score_otherwise_than_the_driver_is_refused(tmp_path, tiny_weights):
    source = write(tmp_path / "a.parquet", 30)
    code = """
import sys
from serving import cli
from serving.cluster import ray_engine
from serving.cluster.scorer import Identity
ray_engine.Identity = type("Other", (), {"here": lambda weights: Identity("0" * 64, {"rida": "0.0.1"})})
sys.exit(cli.main())
"""
    words = [source, "--output", tmp_path / "out", "--weights", tiny_weights, "--workers", "1"]
    done = subprocess.run(command(*words, code=code), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "would score otherwise than the machine that drives: rida is" in done.stderr
    assert "and not 0.0.1; weights are" in done.stderr


@pytest.mark.parametrize("own", [False, True])
def test_workers_look_for_the_shipped_weights_where_they_have_them(tmp_path, monkeypatch, tiny_weights, own):
    class AskedError(Exception):
        pass

    def stop(group, job, count, scorer):
        raise AskedError(scorer["weights"])

    monkeypatch.setattr(ray_engine, "find_spec", lambda name: name)
    monkeypatch.setattr(ray_engine, "_cluster", lambda *all: nullcontext(1))
    monkeypatch.setattr(ray_engine, "_score_group", stop)
    source = write(tmp_path / "a.parquet", 3)
    with pytest.raises(AskedError) as asked:
        ray_engine.score(
            [str(source)], str(tmp_path / "out"), workers=ray_engine.Workers(), weights=tiny_weights if own else None
        )
    assert asked.value.args == ((str(tiny_weights) if own else None),)


def test_of_a_worker_that_died_the_reason_is_said_and_not_that_it_died():
    died = (
        "The actor died unexpectedly before finishing this task.\n\tclass_name: X\nWorker exit detail: no memory.\n\n"
    )
    assert ray_engine._last_line(RuntimeError(died)) == "Worker exit detail: no memory."
    assert ray_engine._last_line(RuntimeError()) == "RuntimeError"


def test_a_scorer_with_what_is_expected_of_it_is_made(tiny_weights, monkeypatch):
    monkeypatch.setattr(os, "environ", {**os.environ})
    expected = Identity.here(tiny_weights)
    assert Scorer(weights=str(tiny_weights), expected=expected).columns(["great"])["mood"]
    with pytest.raises(RidaError, match="weights are"):
        Scorer(weights=str(tiny_weights), expected=Identity("0" * 64, expected.versions))


def test_a_repeated_text_is_scored_once_and_a_missing_one_is_empty(tiny_weights, monkeypatch):
    monkeypatch.setattr(os, "environ", {**os.environ})
    scorer, seen = Scorer(weights=str(tiny_weights)), []
    begin_texts = scorer._classifier.start
    monkeypatch.setattr(scorer._classifier, "start", lambda texts: seen.extend(texts) or begin_texts(texts))
    columns = scorer.columns(["great parcel", None, "great parcel", float("nan"), ""])
    assert seen == ["great parcel", ""]
    assert columns["mood"][0] == columns["mood"][2] is not None
    assert [bool(error) for error in columns["error"]] == [False, True, False, True, True]
