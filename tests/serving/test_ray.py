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

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model.errors import InputError, RidaError
from serving.cli import main
from serving.cluster import ray_engine
from serving.cluster.assemble import Run, assemble, find_runs
from serving.cluster.inputs import Input, find_inputs
from serving.cluster.job import JOB, begin, fingerprint, locked, parts_folder
from serving.cluster.scorer import Identity, Scorer
from serving.score import score as score_here

ROOT = Path(__file__).parents[2]
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason='Ray is not installed: pip install "rida[ray]"'
)

WORDS = [
    "great parcel thanks",
    "the app was late and broken",
    "you thieves the price is a scam!!!",
    "",
    None,
    "ممتاز شكرا",
]


def texts(count, start=0):
    return [
        None if (word := WORDS[n % 6]) is None else word and f"{word} {n % 40}" for n in range(start, start + count)
    ]


def write(path, count, *, start=0, name="text", row_group_size=50):
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {
        "id": pa.array(range(count), pa.int16()),
        name: pa.array(texts(count, start), pa.string()),
        "shop": pa.array(["a"] * count, pa.string()).dictionary_encode(),
    }
    pq.write_table(pa.table(columns), path, row_group_size=row_group_size)
    return path


@pytest.fixture
def feedback(tmp_path):
    """A folder of five files, one of them empty, one in a folder of its own."""
    counts = {"a.parquet": 130, "b c.parquet": 1, "empty.parquet": 0, "year=2024/a.parquet": 300, "z%1.parquet": 70}
    for at, (name, count) in enumerate(counts.items()):
        write(tmp_path / "feedback" / name, count, start=at)
    (tmp_path / "feedback" / "_SUCCESS").touch()
    return tmp_path / "feedback"


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


def start(tmp_path, inputs, *, weights="w1", version="1", column="text", restart=False):
    scored_by = Identity(weights, {"onnxruntime": version})
    return begin(tmp_path / "out", inputs, scored_by=scored_by, text_column=column, restart=restart)


def pending(job):
    return [one.name for one, _ in job.pending]


def finish(job, *names):
    """As outputs stand before they get their names."""
    written = {name: write(job.folder / "staged" / name, 9) for name in names}
    job.finish({name: fingerprint(path) for name, path in written.items()}, job.folder / "staged")


@pytest.fixture
def inputs(tmp_path):
    (tmp_path / "out").mkdir()
    return [
        Input(write(tmp_path / f"{name}.parquet", count), f"{name}.parquet") for name, count in (("a", 9), ("b", 5))
    ]


def test_a_job_goes_on_with_what_is_not_done_and_takes_new_files(tmp_path, inputs):
    job = start(tmp_path, inputs)
    assert pending(job) == ["a.parquet", "b.parquet"]
    finish(job, "a.parquet")
    assert pending(start(tmp_path, inputs)) == ["b.parquet"]
    more = [*inputs, Input(write(tmp_path / "c.parquet", 1), "c.parquet")]
    assert pending(start(tmp_path, more)) == ["b.parquet", "c.parquet"]


def test_a_file_that_is_not_done_may_be_exported_again_or_left_out(tmp_path, inputs):
    finish(start(tmp_path, inputs), "a.parquet")
    write(inputs[1].path, 7, start=3)
    again = start(tmp_path, inputs)
    assert again.pending == [(inputs[1], fingerprint(inputs[1].path))]
    assert pending(start(tmp_path, inputs[:1])) == []


def test_an_output_that_was_removed_is_scored_again(tmp_path, inputs):
    finish(start(tmp_path, inputs), "a.parquet", "b.parquet")
    (tmp_path / "out" / "a.parquet").unlink()
    write(inputs[0].path, 7, start=3)
    assert pending(start(tmp_path, inputs)) == ["a.parquet"]


def test_a_run_killed_between_keeping_a_fingerprint_and_naming_the_output_scores_the_file_again(tmp_path, inputs):
    job = start(tmp_path, inputs)
    job.content["outputs"]["a.parquet"] = {"bytes": 1, "rows": 9, "footer_sha256": "x"}
    job.write()
    assert pending(start(tmp_path, inputs)) == ["a.parquet", "b.parquet"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda inputs: {"weights": "w2"}, "weights were w1 and are w2"),
        (lambda inputs: {"column": "body"}, "text_column was text and is body"),
        (lambda inputs: {"version": "2"}, "onnxruntime was 1 and is 2"),
        (lambda inputs: inputs.pop(0) and {}, "no longer an input: 'a.parquet'"),
        (lambda inputs: write(inputs[0].path, 9, start=1) and {}, "changed since: 'a.parquet'"),
    ],
)
def test_a_job_with_something_else_is_refused_until_it_is_begun_anew(tmp_path, inputs, change, message):
    finish(start(tmp_path, inputs), "a.parquet")
    changed = change(inputs)
    with pytest.raises(InputError, match=message) as refused:
        start(tmp_path, inputs, **changed)
    assert "--restart" in str(refused.value)
    assert pending(start(tmp_path, inputs, restart=True, **changed)) == [one.name for one in inputs]


@pytest.mark.parametrize("known_before", [[], ["a.parquet"], ["a.parquet", "b.parquet"]])
def test_files_that_no_job_wrote_are_neither_taken_for_done_nor_replaced_unasked(tmp_path, inputs, known_before):
    if known_before:
        start(tmp_path, [one for one in inputs if one.name in known_before])
    write(tmp_path / "out" / "b.parquet", 5)
    with pytest.raises(InputError, match=r"already holds 'b\.parquet', which no job there has written"):
        start(tmp_path, inputs)
    assert pending(start(tmp_path, inputs, restart=True)) == ["a.parquet", "b.parquet"]


def test_an_output_that_somebody_replaced_is_refused(tmp_path, inputs):
    finish(start(tmp_path, inputs), "a.parquet")
    write(tmp_path / "out" / "a.parquet", 9, start=1)
    with pytest.raises(InputError, match=r"a\.parquet was changed since it was scored"):
        start(tmp_path, inputs)


def test_runs_on_two_machines_leave_each_others_parts_alone(tmp_path, inputs, monkeypatch):
    job = start(tmp_path, inputs)
    with parts_folder(job.folder) as here, parts_folder(job.folder) as also_here:
        assert here != also_here
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr("platform.node", lambda: "some-other-machine")
            start(tmp_path, inputs)
        assert here.is_dir()
        start(tmp_path, inputs)
        assert not here.exists()


def test_two_runs_in_one_folder_are_one_too_many(tmp_path):
    with locked(tmp_path), pytest.raises(InputError, match="another run is writing there"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_folders_and_globs_keep_the_names_of_their_files(tmp_path, feedback):
    names = ["a.parquet", "b c.parquet", "empty.parquet", "year=2024/a.parquet", "z%1.parquet"]
    assert [one.name for one in find_inputs([str(feedback)], tmp_path / "out")] == names
    assert [one.name for one in find_inputs([f"{feedback}/*/*.parquet"], tmp_path / "out")] == ["year=2024/a.parquet"]
    assert [one.name for one in find_inputs([f"{feedback}/**/a.*"], tmp_path / "out")] == [names[0], names[3]]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["feedback/a.parquet", "feedback/year=2024/a.parquet"], "would both be written as"),
        (["feedback/none*.parquet"], "there is no Parquet file there"),
        (["feedback/none.parquet"], "does not exist"),
        (["notes.csv"], "--engine ray reads Parquet"),
        (["."], "is inside the input"),
        (["what?.parquet"], "Rename it"),
        (["out/a.parquet"], "is also an input"),
    ],
)
def test_inputs_that_cannot_be_scored_together_are_refused(tmp_path, monkeypatch, feedback, asked, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.csv").write_text("text\nx\n")
    write(tmp_path / "what?.parquet", 1)
    write(tmp_path / "out" / "a.parquet", 1)
    with pytest.raises(InputError, match=message):
        find_inputs(asked, tmp_path / "out")


def test_a_glob_that_would_find_outputs_is_refused_before_there_are_any(tmp_path, feedback):
    for asked in (["**/*.parquet"], ["z%1.parquet", "*/*.parquet"]):
        with pytest.raises(InputError, match="also finds the output"):
            find_inputs([f"{feedback}/{each}" for each in asked], feedback / "scored")
    assert find_inputs([f"{feedback}/*.parquet"], feedback / "scored")
    assert find_inputs([f"{feedback}/**/*.parquet"], feedback / "_scored")


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


def parts_of(path, folder, weights, *, change=lambda table: table):
    """Parts as Ray writes them: scored texts with the file's name, here 40 rows a part."""
    folder.mkdir()
    table = change(pq.read_table(path, columns=["text"]))
    table = table.add_column(0, "path", pa.array([str(path)] * len(table), pa.string()))
    scorer = Scorer(weights=str(weights), threads=1)
    for at in range(0, len(table), 40):
        pq.write_table(scorer(table.slice(at, 40)), folder / f"x_y_{at // 40:06}-0.parquet")
    return find_runs(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.slice(1), "in another order"),
        (lambda table: table.slice(0, 100), "other rows than the file's"),
        (lambda table: pa.concat_tables([table, table.slice(0, 1)]), "more rows than the file has"),
        (lambda table: table.take([1, 0, *range(2, len(table))]), "in another order"),
    ],
)
def test_a_row_lost_doubled_or_moved_on_the_way_stops_the_job(tmp_path, tiny_weights, change, message):
    one = Input(write(tmp_path / "a.parquet", 130), "a.parquet")
    runs = parts_of(one.path, tmp_path / "parts", tiny_weights, change=change)
    with pytest.raises(RidaError, match=message):
        assemble(one, fingerprint(one.path), runs[str(one.path)], tmp_path / "o.parquet", text_column="text")
    assert not (tmp_path / "o.parquet").exists()


def test_an_input_changed_while_it_is_scored_is_refused(tmp_path, tiny_weights):
    one = Input(write(tmp_path / "a.parquet", 130), "a.parquet")
    before = fingerprint(one.path)
    runs = parts_of(one.path, tmp_path / "parts", tiny_weights)
    write(one.path, 130, start=1)
    with pytest.raises(InputError, match="was changed since this run began"):
        assemble(one, before, runs[str(one.path)], tmp_path / "o.parquet", text_column="text")


def test_runs_follow_the_numbers_of_the_parts_and_keep_files_apart(tmp_path):
    for name, paths in {"u_w_000010-0": ["b"], "u_w_000002-0": ["a", "a", "b"], "u_w_000002-1": ["b"]}.items():
        pq.write_table(pa.table({"path": paths}), tmp_path / f"{name}.parquet")
    first, second, third = (tmp_path / f"u_w_{name}.parquet" for name in ("000002-0", "000002-1", "000010-0"))
    assert find_runs(tmp_path) == {
        "a": [Run(first, 0, 2)],
        "b": [Run(first, 2, 1), Run(second, 0, 1), Run(third, 0, 1)],
    }


def test_a_repeated_text_is_scored_once_and_a_missing_one_is_empty(tiny_weights, monkeypatch):
    monkeypatch.setattr(os, "environ", {**os.environ})
    scorer, seen = Scorer(weights=str(tiny_weights)), []
    begin_texts = scorer._classifier.start
    monkeypatch.setattr(scorer._classifier, "start", lambda texts: seen.extend(texts) or begin_texts(texts))
    columns = scorer.columns(["great parcel", None, "great parcel", float("nan"), ""])
    assert seen == ["great parcel", ""]
    assert columns["mood"][0] == columns["mood"][2] is not None
    assert [bool(error) for error in columns["error"]] == [False, True, False, True, True]
