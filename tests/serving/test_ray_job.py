"""What a job beyond one machine keeps, takes in and puts together; none of it needs Ray."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from parquet_files import write

from model.errors import InputError, RidaError
from serving.cluster.assemble import Run, assemble, find_runs
from serving.cluster.inputs import Input, find_inputs
from serving.cluster.job import begin, fingerprint, locked, parts_folder
from serving.cluster.scorer import Identity, Scorer


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
