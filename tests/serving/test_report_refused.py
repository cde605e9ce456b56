"""What a report cannot be made of ends in 2 with one clear line, and leaves what stood there before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from scored_files import failed_row, scored_row, written

from serving.cli import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def refused(tmp_path, capsys):
    def run(rows, *options, name="in.csv", output="report.md"):
        source = written(tmp_path / name, rows) if isinstance(rows, list) else str(rows)
        target = tmp_path / output
        if target.parent.is_dir():
            target.write_text("before", encoding="utf-8")
        assert main(["report", source, "-o", str(target), *options]) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.startswith("rida: ")
        if target.parent.is_dir():
            assert target.read_text(encoding="utf-8") == "before"
        assert not list(tmp_path.glob(".rida-*"))
        return said

    return run


def test_a_file_that_was_not_scored(refused):
    assert "is not an output of rida score: it has no column 'mood', 'satisfied'" in refused([{"text": "fine"}])


def test_a_file_that_lost_some_columns(refused):
    row = scored_row()
    del row["needs_review"], row["error"]
    assert "no column 'needs_review', 'error'" in refused([row])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mood": "furious"}, "mood is none of satisfied, neutral, dissatisfied, angry"),
        ({"mood": ""}, "there is neither a mood nor an error"),
        ({"angry": 1.5}, "column 'angry' must hold a probability, from 0 to 1"),
        ({"angry": -0.1}, "column 'angry' must hold a probability"),
        ({"angry": "nan"}, "column 'angry' must hold a probability"),
        ({"angry": "0,81"}, "column 'angry' holds no number"),
        ({"angry": ""}, "column 'angry' holds no number"),
        ({"angry": 0.9}, "do not add up to 1"),
        ({"topics": ["delivery", "weather " * 9]}, "a topic is longer than 60 characters"),
        ({"needs_review": "maybe"}, "column 'needs_review' is neither true nor false"),
        ({"truncated": ""}, "column 'truncated' is neither true nor false"),
    ],
)
def test_a_row_that_scoring_never_wrote_is_named_without_its_text(refused, change, said):
    secret = "my card is 4111"
    found = refused([scored_row(), failed_row(), scored_row(**{"text": secret, **change})])
    assert "in.csv, line 4: " in found
    assert said in found
    assert "Was the file changed" in found
    assert secret not in found


@pytest.mark.parametrize("value", [10**400, [0.05], {"p": 0.05}, [[]]], ids=["huge", "list", "object", "lists"])
def test_a_probability_that_is_no_number_in_jsonl(refused, value):
    bad = scored_row(angry=value)
    for rows in ([scored_row(), bad], [bad], [bad, bad]):
        found = refused(rows, name="in.jsonl")
        assert f"in.jsonl, line {1 + rows.index(bad)}: column 'angry' holds no number" in found


def test_a_cell_out_of_place_is_not_repeated(refused):
    assert "4111" not in refused([scored_row(mood="my card is 4111")])
    assert "4111" not in refused([scored_row(angry="my card is 4111")])


def test_a_file_without_rows(refused, tmp_path):
    source = tmp_path / "in.csv"
    source.write_text(",".join(scored_row()) + "\n", encoding="utf-8")
    assert "has no rows, so there is nothing to report" in refused(source)


def test_a_column_that_is_not_there_is_answered_with_those_that_are(refused):
    for option in ("--group-by", "--date-column", "--language-column"):
        found = refused([scored_row(shop="a", day="2025-01-01")], option, "store")
        assert f"no column is named 'store' ({option}). Its columns are: 'text', 'shop', 'day'." in found
    assert "(--text-column)" in refused([scored_row()], "--text-column", "store")


def test_what_scoring_added_is_no_group(refused):
    assert "no column is named 'mood' (--group-by)" in refused([scored_row()], "--group-by", "mood")


@pytest.mark.parametrize("more", [(), ("--no-texts",)])
def test_the_texts_are_no_group(refused, more):
    assert "holds the texts" in refused([scored_row()], "--group-by", "text", *more)


def test_no_texts_keeps_texts_out_of_groups_even_where_their_column_is_unclear(refused):
    rows = [
        {
            "one": f"some words {number} here",
            "two": f"other words {number} there",
            **scored_row(),
            "lang": f"so {number}",
        }
        for number in range(50)
    ]
    for row in rows:
        del row["text"]
    assert "no column is named 'txt' (--text-column)" in refused(rows, "--no-texts", "--text-column", "txt")
    for options in (("--group-by", "one"), ("--text-column", "one", "--group-by", "two"), ("--language-column", "two")):
        assert "reads like texts, and hardly two are alike" in refused(rows, "--no-texts", *options)


def test_no_texts_looks_at_all_rows_and_not_at_the_first_alone(refused):
    rows = [scored_row(shop="")] * 2100 + [scored_row(shop=f"my parcel {number} is late") for number in range(100)]
    assert "'shop' reads like texts" in refused(rows, "--no-texts", "--group-by", "shop")


def test_no_texts_lets_groups_of_several_words_through(tmp_path):
    rows = [scored_row(shop=shop) for shop in ("north harbour", "old centre")] * 3
    source = written(tmp_path / "in.csv", rows)
    assert main(["report", source, "-o", str(tmp_path / "r.md"), "--no-texts", "--group-by", "shop"]) == 0


def test_dates_in_both_orders_are_refused(refused):
    rows = [scored_row(day="31/01/2025")] * 2 + [scored_row(day="03/04/2025")] * 3000 + [scored_row(day="01/31/2025")]
    found = refused(rows)
    assert "column 'day' mixes orders: 2 of its dates can only be read with the day first, and 1 only" in found
    assert "--date-column" in found


def test_an_input_named_twice(tmp_path, capsys):
    source = written(tmp_path / "in.csv", [scored_row()])
    for other in (source, str(tmp_path / "." / "in.csv"), str(tmp_path / ".." / tmp_path.name / "in.csv")):
        assert main(["report", source, other, "-o", str(tmp_path / "r.md")]) == 2
        assert "is the same file as" in capsys.readouterr().err


def test_a_date_column_without_dates(refused):
    assert "holds no dates" in refused([scored_row(shop="a")], "--date-column", "shop")


def test_unclear_texts_can_be_named_or_left_out(refused, tmp_path):
    rows = [{"one": "some words here", "two": "other words there", **scored_row()} for _ in range(3)]
    for row in rows:
        del row["text"]
    found = refused(rows)
    assert "--text-column" in found
    assert "--no-texts" in found
    assert main(["report", str(tmp_path / "in.csv"), "-o", str(tmp_path / "r.md"), "--no-texts"]) == 0


def test_columns_of_one_name(refused, tmp_path):
    source = tmp_path / "in.csv"
    header = ",".join([*scored_row(), "mood"])
    source.write_text(f"{header}\n", encoding="utf-8")
    assert "several columns are named 'mood'" in refused(source)


def test_a_later_input_that_lacks_a_column(tmp_path, capsys):
    one = written(tmp_path / "one.csv", [scored_row(shop="a")])
    two = written(tmp_path / "two.csv", [scored_row()])
    assert main(["report", one, two, "-o", str(tmp_path / "r.md"), "--group-by", "shop"]) == 2
    assert "two.csv has no column 'shop'" in capsys.readouterr().err


def test_an_output_that_cannot_be(refused):
    assert "must end in .html, .md or .json, or --format" in refused([scored_row()], output="report.pdf")
    assert "does not exist. Make it first" in refused([scored_row()], output="nowhere/report.md")


def test_the_input_is_not_written_over(tmp_path, capsys):
    source = written(tmp_path / "in.jsonl", [scored_row()])
    before = Path(source).read_bytes()
    assert main(["report", source, "-o", source, "--format", "json"]) == 2
    assert "is also the input" in capsys.readouterr().err
    assert Path(source).read_bytes() == before


@pytest.mark.parametrize("missing", ["jinja2", "vl_convert"])
def test_without_the_extra_html_says_what_to_install_and_the_others_work(tmp_path, missing):
    source = written(tmp_path / "in.csv", [scored_row()])
    code = (
        "import sys; sys.modules[sys.argv[1]] = None; from serving.cli import main;"
        "sys.exit(main(['report', sys.argv[2], '-o', sys.argv[3]]))"
    )
    for form, expected in (("html", 2), ("md", 0), ("json", 0)):
        command = [sys.executable, "-c", code, missing, source, str(tmp_path / f"r.{form}")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == expected, done.stderr
        assert ('pip install "rida[report]"' in done.stderr) == (form == "html")


@pytest.mark.parametrize("form", ["html", "md", "json"])
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([failed_row()] * 3, "None of the 3 rows could be scored"),
        ([failed_row()], "The one row could not be scored"),
        ([scored_row("angry")], "The one text is angry."),
        ([scored_row("angry")] * 2 + [scored_row()], "So few texts say little about others"),
        ([scored_row(text="x" * 10**6, shop="y" * 10**6)] * 2, "2 texts"),
        ([scored_row(**{f"c{n}": n for n in range(500)})] * 2, "2 texts"),
    ],
    ids=["all errors", "one error", "one row", "few rows", "huge cells", "many columns"],
)
def test_odd_files_still_give_a_report_that_says_so(tmp_path, form, rows, said):
    output = tmp_path / f"report.{form}"
    group = ["--group-by", "shop"] if "shop" in rows[0] else []
    assert main(["report", written(tmp_path / "in.csv", rows), "-o", str(output), *group]) == 0
    shown = output.read_text(encoding="utf-8")
    assert said in shown
    assert len(shown) < 300_000
