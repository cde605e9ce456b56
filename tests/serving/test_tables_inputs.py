"""Several inputs as one job: patterns, folders of Parquet, and files compressed in all usual ways."""

from __future__ import annotations

import bz2
import gzip
import lzma

import pyarrow as pa
import pytest
from table_files import Stopping, Stub, read_rows, write_rows

from model.errors import InputError
from serving.score import score
from serving.tables import table
from serving.tables.inputs import expanded


def found(folder, *names, output="out.csv"):
    said = []
    files = expanded([str(folder / name) for name in names], str(folder / output), said.append)
    return [file.replace(f"{folder}/", "") for file in files], [line.replace(f"{folder}/", "") for line in said]


def test_a_pattern_is_its_files_as_people_count(tmp_path):
    for name in ("part-10.csv", "part-2.csv", "part-1.csv", "other.txt", "deep/part-3.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert found(tmp_path, "part-*.csv") == (["part-1.csv", "part-2.csv", "part-10.csv"], [])
    assert found(tmp_path, "**/part-?.csv") == (["deep/part-3.csv", "part-1.csv", "part-2.csv"], [])
    assert found(tmp_path, "part-2.csv", "part-1*.csv") == (["part-2.csv", "part-1.csv", "part-10.csv"], [])


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path):
    (tmp_path / "a[1].csv").touch()
    (tmp_path / "a1.csv").touch()
    assert found(tmp_path, "a[1].csv") == (["a[1].csv"], [])


def test_the_output_is_not_among_its_inputs(tmp_path):
    for name in ("in.csv", "out.csv"):
        (tmp_path / name).touch()
    assert found(tmp_path, "*.csv") == (["in.csv"], ["out.csv is left out of *.csv: it is the output."])


def test_what_runs_leave_behind_is_no_input(tmp_path):
    for name in ("in.csv", "out.csv.rida-journal", ".rida-out.csv.part", "other.csv.rida-journal"):
        (tmp_path / name).touch()
    assert found(tmp_path, "*") == (["in.csv"], [])
    assert found(tmp_path, "[.io]*") == (["in.csv"], [])


def test_a_run_of_a_pattern_that_its_journal_fits_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "CHUNK_ROWS", 2)
    write_rows(tmp_path / "in.csv", [{"text": f"words {n}"} for n in range(6)])
    with pytest.raises(KeyboardInterrupt):
        score([str(tmp_path / "*")], str(tmp_path / "out.csv"), classifier=Stopping(), progress=False)
    summary = score([str(tmp_path / "*")], str(tmp_path / "out.csv"), classifier=Stub(), progress=False)
    assert (summary.rows, summary.resumed) == (6, 2)


def test_a_file_found_through_several_folders_is_read_once(tmp_path):
    (tmp_path / "x" / "2024").mkdir(parents=True)
    (tmp_path / "x" / "2024" / "a.csv").touch()
    (tmp_path / "x" / "latest").symlink_to("2024")
    left_out = "x/latest/a.csv of x/**/*.csv left out: found before, under this or another name."
    assert found(tmp_path, "x/**/*.csv") == (["x/2024/a.csv"], [left_out])


def test_a_file_that_is_named_and_matched_is_read_once(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).touch()
    left_out = "b.csv of *.csv left out: found before, under this or another name."
    assert found(tmp_path, "b.csv", "*.csv") == (["b.csv", "a.csv"], [left_out])
    assert found(tmp_path, "*.csv", "b.csv") == (
        ["a.csv", "b.csv"],
        ["b.csv is read once: a pattern or a folder before it stands for it too."],
    )
    assert found(tmp_path, "b.csv", "b.csv") == (["b.csv", "b.csv"], [])


def test_a_folder_is_the_parquet_files_in_it(tmp_path):
    for name in (
        "t/b.parquet",
        "t/a10.parquet",
        "t/a9.parquet",
        "t/_SUCCESS",
        "t/.x.parquet",
        "t/_tmp/c.parquet",
        "t/d.csv",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert found(tmp_path, "t") == (["t/a9.parquet", "t/a10.parquet", "t/b.parquet"], [])


def test_columns_in_the_names_of_folders_are_said_not_to_be_read(tmp_path):
    (tmp_path / "t" / "year=2024").mkdir(parents=True)
    (tmp_path / "t" / "year=2024" / "a.parquet").touch()
    assert found(tmp_path, "t") == (
        ["t/year=2024/a.parquet"],
        ["t: what its folders' names say, such as year=2024, is not read as a column."],
    )


def test_a_folder_of_parquet_is_scored_as_one_job(tmp_path):
    (tmp_path / "table").mkdir()
    for number in (10, 9, 1):
        write_rows(
            tmp_path / "table" / f"{number}.parquet", [{"id": f"{number}-{n}", "text": f"words {n}"} for n in range(3)]
        )
    summary = score([str(tmp_path / "table")], str(tmp_path / "out.parquet"), classifier=Stub(), progress=False)
    assert summary.rows == 9
    ids = [row["id"] for row in read_rows(tmp_path / "out.parquet")]
    assert ids == [f"{number}-{n}" for number in (1, 9, 10) for n in range(3)]


def zstd(data):
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as stream:
        stream.write(data)
    return out.getvalue().to_pybytes()


PACKED = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd}
LINES = {
    "csv": "id,text\n" + "".join(f"{n},text number {n} كلمات\n" for n in range(5000)),
    "jsonl": "".join(f'{{"id": "{n}", "text": "text number {n} كلمات"}}\n' for n in range(5000)),
}


@pytest.mark.parametrize("ending", PACKED)
@pytest.mark.parametrize("kind", LINES)
def test_compressed_inputs_are_read(tmp_path, ending, kind):
    name = tmp_path / f"in.{kind}.{ending}"
    name.write_bytes(PACKED[ending](LINES[kind].encode()))
    score([str(name)], str(tmp_path / "out.csv"), classifier=Stub(), progress=False)
    rows = read_rows(tmp_path / "out.csv")
    assert [(row["id"], row["text"]) for row in rows] == [(str(n), f"text number {n} كلمات") for n in range(5000)]


@pytest.mark.parametrize("ending", PACKED)
@pytest.mark.parametrize("damage", [lambda data: data[: len(data) * 2 // 3], lambda data: b"id,text\n" * 99])
def test_damaged_compressed_inputs_are_refused_before_anything_is_scored(tmp_path, ending, damage):
    name = tmp_path / f"in.csv.{ending}"
    name.write_bytes(damage(PACKED[ending](LINES["csv"].encode())))
    stub = Stub()
    with pytest.raises(InputError, match=rf"in.csv.{ending} is (cut short|not a sound \w+ file)"):
        score([str(name)], str(tmp_path / "out.csv"), classifier=stub, progress=False)
    assert stub.scored == []


@pytest.mark.parametrize("ending", PACKED)
def test_a_compressed_file_under_a_plain_name_is_told_its_name(tmp_path, ending):
    (tmp_path / "in.csv").write_bytes(PACKED[ending](LINES["csv"].encode()))
    with pytest.raises(InputError, match=rf"in.csv is compressed with \w+: add .{ending} to its name"):
        score([str(tmp_path / "in.csv")], str(tmp_path / "out.csv"), classifier=Stub(), progress=False)
