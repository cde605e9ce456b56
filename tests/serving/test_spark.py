"""The lines for Spark in docs/beyond-one-machine.md, run as they stand there with Spark on this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model.classifier import load
from serving.score import score

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "beyond-one-machine.md"


def lines_of_the_page():
    shown = PAGE.read_text(encoding="utf-8").split("<!-- spark -->\n")[1]
    return shown.removeprefix("```python\n").removesuffix("```\n")


@pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="Spark is not installed: pip install pyspark")
@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java, and there is no `java` here")
def test_the_lines_of_the_page_give_what_rida_score_gives(tmp_path, tiny_weights):
    words = ["great parcel thanks", "the app was late", None, "", "you thieves!!!", "\u0000", "ممتاز شكرا"]
    rows = [{"id": n, "text": words[n % 7] and f"{words[n % 7]} {n}", "a shop": "x"} for n in range(300)]
    (tmp_path / "feedback").mkdir()
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, tmp_path / "feedback" / "a.parquet")
    # As a program of its own, with small partitions on two cores; the tiny weights stand in for the shipped ones.
    (tmp_path / "program.py").write_text(lines_of_the_page(), encoding="utf-8")
    (tmp_path / "sitecustomize.py").write_text(
        f"import pathlib, model.classifier\nmodel.classifier.SHIPPED_WEIGHTS = pathlib.Path({str(tiny_weights)!r})\n"
    )
    settings = (
        "--conf spark.ui.enabled=false --conf spark.driver.bindAddress=127.0.0.1 --conf spark.driver.host=127.0.0.1"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": f"{tmp_path}:{ROOT}",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_SUBMIT_ARGS": f"--master local[2] {settings} pyspark-shell",
    }
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]

    score([str(tmp_path / "feedback" / "a.parquet")], str(tmp_path / "here.parquet"), classifier=load(tiny_weights))
    here = pq.read_table(tmp_path / "here.parquet")
    spark = pq.read_table(tmp_path / "scored").sort_by("id")
    assert spark.column_names == here.column_names
    assert spark.to_pylist() == here.to_pylist()
    assert [str(kind) for kind in spark.schema.types[3:-4]] == [str(kind) for kind in here.schema.types[3:-4]]


def test_the_lines_are_about_ten():
    assert len([line for line in lines_of_the_page().splitlines() if line.strip()]) <= 10
