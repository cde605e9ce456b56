"""`rida report`: the numbers are those of the file, in every format, and nothing is shown that should not be."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scored_files import as_json, failed_row, scored_row, written, year_of_feedback
from table_files import Stub

from serving.cli import main
from serving.report.columns import Asked
from serving.report.counts import Values
from serving.report.report import read_report
from serving.score import score

ROOT = Path(__file__).parents[2]
CANARY = "xyzzyplugh"


@pytest.mark.parametrize("name", ["in.csv", "in.tsv", "in.csv.gz", "in.jsonl", "in.jsonl.gz", "in.parquet", "in.xlsx"])
def test_every_format_that_scoring_writes_gives_the_same_report(tmp_path, name):
    source = written(
        tmp_path / "source.csv",
        [{"id": n, "text": f"the delivery number {n} " + "x" * (7 * n % 97), "shop": "ab"[n % 2]} for n in range(200)]
        + [{"id": 200, "text": "", "shop": "a"}],
    )
    expected = None
    for output in ("reference.csv", name):
        score([source], str(tmp_path / output), classifier=Stub(), progress=False)
        asked = Asked(groups=("shop",))
        report = read_report([str(tmp_path / output)], asked)
        numbers = (report.moods, report.topics, report.breakdowns, report.findings, report.examples, report.sureness)
        expected = expected or numbers
        assert numbers == expected
        assert (report.rows, report.scored, report.errors) == (201, 200, {"empty_text": 1})


def test_counts_are_those_of_the_file(tmp_path):
    rows = [scored_row("angry", ["delivery", "price"])] * 3 + [scored_row("angry")] * 1
    rows += [scored_row("satisfied", ["price"], probability=0.5)] * 4 + [failed_row(), failed_row("not_text")]
    found = as_json(tmp_path, rows)
    assert (found["rows"], found["scored"], found["errors"]) == (10, 8, {"empty_text": 1, "not_text": 1})
    assert found["moods"]["angry"] == {"count": 4, "of": 8, "share": 0.5, "low": 0.215216, "high": 0.784784}
    topics = {part["topic"]: part for part in found["topics"]}
    assert list(topics) == ["price", "delivery", None]
    assert topics["price"]["texts"]["count"] == 7
    assert topics["price"]["moods"]["satisfied"]["count"] == 4
    assert topics["delivery"]["of_angry"]["share"] == 0.75
    assert topics["price"]["of_others"]["share"] == 1.0
    sure = found["sureness"]
    assert sure["mean_probability"] == pytest.approx((4 * 0.85 + 4 * 0.5) / 8)
    assert sure["needs_review"]["count"] == 4
    assert sure["needs_review_by_mood"]["satisfied"]["count"] == 4
    assert [share["count"] for share in sure["by_probability"]] == [0, 0, 0, 0, 0, 4, 0, 0, 4, 0]
    assert sure["expected_moods"]["angry"] == pytest.approx((4 * 0.85 + 4 * 0.5 / 3) / 8, abs=1e-5)


def test_the_headline_says_the_main_things_in_words(tmp_path):
    found = as_json(tmp_path, year_of_feedback(), "--group-by", "store")
    first, angry, changed, differs = (line.replace("\u00a0", " ") for line in found["headline"])
    moods = found["moods"]
    assert first.startswith(f"Of 1,200 texts, {100 * moods['satisfied']['share']:.0f} % are satisfied, ")
    assert angry.startswith("Angry customers write most about price (43 % of angry texts), delivery (")
    assert changed.startswith("It changed most in the week of 21 April 2025: ")
    assert differs.startswith("It differs most for store ")


def headline_of(tmp_path, rows, *options):
    return [line.replace("\u00a0", " ") for line in as_json(tmp_path, rows, *options)["headline"]]


def test_a_topic_of_few_angry_texts_is_not_called_what_they_write_about(tmp_path):
    rows = [scored_row("angry", ["price"])] * 4 + [scored_row("angry")] * 4
    assert "In the 8 angry texts no one topic stands out." in headline_of(tmp_path, rows)
    rows = [scored_row("angry", ["price"])] * 9 + [scored_row("angry")] * 91
    assert "In the 100 angry texts no one topic stands out." in headline_of(tmp_path, rows)
    rows = [scored_row("angry", ["price"])] * 10 + [scored_row("angry")] * 90
    assert "Angry customers write most about price (10 % of angry texts)." in headline_of(tmp_path, rows)


MOST = ["satisfied"] * 9 + ["angry"]


@pytest.mark.parametrize(
    ("loud", "quiet", "said"),
    [
        (["2025-03-01"], ["2025-03-02", "2025-03-03"], "on 1 March 2025: "),
        (["2025-03-01", "2025-03-02"], ["2025-03-03", "2025-03-04", "2025-03-05"], "from 1 March 2025 to 2 March 2025"),
        (["2025-03-03"], ["2025-06-02", "2025-07-07"], "in the week of 3 March 2025: "),
        (["2022-03-01"], ["2022-07-01", "2025-03-01"], "in March 2022: "),
        (["2012-03-01"], ["2019-07-01", "2025-03-01"], "in Q1 2012: "),
        (["2001-03-01"], ["2019-07-01", "2025-03-01"], "in 2001: "),
        (["2001-03-01", "2002-03-01"], ["2019-07-01", "2025-03-01", "2026-03-01"], "from 2001 to 2002: "),
    ],
)
def test_every_unit_of_time_takes_its_preposition(tmp_path, loud, quiet, said):
    rows = [scored_row("angry", date=day) for day in loud] * 700
    rows += [scored_row(mood, date=day) for day in quiet for mood in MOST] * 70
    (changed,) = [line for line in headline_of(tmp_path, rows) if "changed most" in line]
    assert changed.startswith(f"It changed most {said}")


@pytest.mark.parametrize("form", ["html", "md", "json"])
def test_what_was_not_compared_is_not_said_to_be_alike(tmp_path, form):
    rows = [scored_row(MOST[number % 10], date=f"2025-03-0{1 + number // 100}") for number in range(300)]
    for number, row in enumerate(rows):
        row["shop"] = "a" if number < 20 else "b"
    output = tmp_path / f"report.{form}"
    assert main(["report", written(tmp_path / "in.csv", rows), "-o", str(output), "--group-by", "shop"]) == 0
    shown = output.read_text(encoding="utf-8")
    assert "No period differs from the others by more than chance and two points." in shown
    assert "There are too few texts to compare groups: 30 are needed on either side." in shown


@pytest.mark.parametrize("form", ["html", "md"])
def test_where_nothing_could_be_compared_the_differences_say_so(tmp_path, form):
    rows = [scored_row(shop=shop) for shop in "abab"]
    output = tmp_path / f"report.{form}"
    assert main(["report", written(tmp_path / "in.csv", rows), "-o", str(output), "--group-by", "shop"]) == 0
    differences = output.read_text(encoding="utf-8").split("Drops and spikes that matter")[1]
    assert "There are too few texts to compare groups" in differences


def test_no_number_and_no_value_in_parquet_are_no_group(tmp_path):
    rows = [scored_row(shop=shop) for shop in (1.0, 2.0, float("nan"), None)]
    (by,) = as_json(tmp_path, rows, "--group-by", "shop", name="in.parquet")["breakdowns"]
    assert [(part["value"], part["texts"]) for part in by["parts"]] == [(None, 2), ("1.0", 1), ("2.0", 1)]


def test_what_is_left_out_is_said(tmp_path):
    notes = " ".join(as_json(tmp_path, [scored_row(shop="one")] * 3, "--group-by", "shop")["notes"])
    assert "Changes over time are left out" in notes
    assert "Languages are left out" in notes
    assert "Column shop is left out: all its cells are alike." in notes


def test_languages_come_from_their_column(tmp_path, capsys):
    rows = [scored_row(lang=lang) for lang in ("ar", "ar", "vi")]
    (by,) = as_json(tmp_path, rows)["breakdowns"]
    assert (by["by"], [(part["value"], part["texts"]) for part in by["parts"]]) == ("language", [("ar", 2), ("vi", 1)])
    assert "languages are read from column 'lang'" in capsys.readouterr().err


def test_many_groups_become_the_largest_and_others(tmp_path):
    rows = [scored_row(shop=f"shop {number}") for number in range(40) for _ in range(number + 1)] + [
        scored_row(shop="")
    ]
    (by,) = as_json(tmp_path, rows, "--group-by", "shop")["breakdowns"]
    assert [part["value"] for part in by["parts"]][:2] == ["shop 39", "shop 38"]
    assert len(by["parts"]) == 12
    assert by["others"]["values"] == 29
    assert by["others"]["texts"] + sum(part["texts"] for part in by["parts"]) == len(rows)


def test_an_empty_cell_is_a_group_of_its_own(tmp_path):
    rows = [scored_row(shop="a"), scored_row(shop=" "), scored_row(shop="")]
    (by,) = as_json(tmp_path, rows, "--group-by", "shop")["breakdowns"]
    assert [(part["value"], part["texts"]) for part in by["parts"]] == [(None, 2), ("a", 1)]


def test_values_beyond_those_counted_apart_are_among_the_others(monkeypatch, tmp_path):
    monkeypatch.setattr(Values.__init__, "__defaults__", (15,))
    rows = [scored_row(shop=f"s{number}") for number in range(20)]
    found = as_json(tmp_path, rows, "--group-by", "shop")
    assert found["breakdowns"][0]["others"]["texts"] == 8
    assert any("more different values" in note for note in found["notes"])


def test_several_inputs_are_one_report(tmp_path):
    one = written(tmp_path / "one.csv", [scored_row("angry", shop="a")] * 2)
    two = written(tmp_path / "two.jsonl", [scored_row("satisfied", shop="b")] * 3)
    output = tmp_path / "report.json"
    assert main(["report", one, two, "-o", str(output), "--group-by", "shop"]) == 0
    found = json.loads(output.read_text(encoding="utf-8"))
    assert found["sources"] == ["one.csv", "two.jsonl"]
    assert [(part["value"], part["texts"]) for part in found["breakdowns"][0]["parts"]] == [("b", 3), ("a", 2)]


def test_the_documents_name_every_key_and_option_of_a_report(tmp_path):
    page = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
    found = as_json(tmp_path, year_of_feedback(), "--group-by", "store")
    keys = {*found, *found["moods"]["angry"], *found["time"], *found["sureness"], *found["topics"][0]}
    keys |= {*found["breakdowns"][0], *found["findings"][0], *found["findings"][0]["measures"][0]}
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []
    usage = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8").split("<!-- rida report -->")[1]
    options = set(re.findall(r"--[a-z-]+", usage)) - {"--help", "--output"}
    as_for_scoring = {"--encoding", "--delimiter"}
    assert [option for option in sorted(options - as_for_scoring) if f"`{option}`" not in page] == []


def test_a_report_goes_to_a_pipe(tmp_path, capfdbinary):
    assert main(["report", written(tmp_path / "in.csv", [scored_row()]), "-o", "-", "--format", "md"]) == 0
    assert capfdbinary.readouterr().out.startswith(b"# What customers say\n")


@pytest.mark.parametrize("form", ["html", "md", "json"])
def test_the_same_input_gives_the_same_bytes(tmp_path, form):
    source = written(tmp_path / "in.csv", year_of_feedback(300))
    made = []
    for seed in ("1", "2"):
        output = tmp_path / f"{seed}.{form}"
        command = [sys.executable, "-m", "serving.cli", "report", source, "-o", str(output), "--group-by", "store"]
        subprocess.run(command, check=True, cwd=ROOT, capture_output=True, env={"PYTHONHASHSEED": seed})
        made.append(output.read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize("form", ["html", "md", "json"])
@pytest.mark.parametrize("column", ["text", "comment"])
def test_no_texts_means_none_at_all(tmp_path, capfd, form, column):
    rows = year_of_feedback(200)
    for number, row in enumerate(rows):
        row["text"] = f"{row['text']} {CANARY}{number}"
    rows = [{column if name == "text" else name: value for name, value in row.items()} for row in rows]
    source, output = written(tmp_path / "in.csv", rows), tmp_path / f"out.{form}"
    assert main(["report", source, "-o", str(output), "--group-by", "store"]) == 0
    assert CANARY in output.read_text(encoding="utf-8")
    assert main(["report", source, "-o", str(output), "--group-by", "store", "--no-texts"]) == 0
    assert CANARY not in output.read_text(encoding="utf-8")
    assert CANARY not in "".join(capfd.readouterr())


def test_markdown_shows_texts_and_names_as_they_are_and_never_as_markup(tmp_path):
    hostile = (
        "<script>alert(1)</script> [link](http://evil.example) ![x](y) | a `` b ` *c* www.evil.example a@evil.example"
    )
    rows = [scored_row("angry", ["price"], text=hostile, shop=shop) for shop in ("`|` [x](y)", "# b\n\n## c") * 3]
    output = tmp_path / "report.md"
    assert main(["report", written(tmp_path / "in.jsonl", rows), "-o", str(output), "--group-by", "shop"]) == 0
    lines = output.read_text(encoding="utf-8").splitlines()
    (shown,) = {line for line in lines if "alert" in line}
    assert shown == f"- angry: ```{hostile}```"
    assert not [line for line in lines if "## c" in line and not re.search(r"`[^`]*## c[^`]*`", line)]
    (row,) = [line for line in lines if "[x](y)" in line and line.startswith("|")]
    assert row.startswith(r"| `` `\|` [x](y) `` |")
    assert len(re.findall(r"(?<!\\)\|", row)) == 7


def test_three_hundred_thousand_rows_take_little_memory_and_time(tmp_path):
    source, output = tmp_path / "in.csv", tmp_path / "report.html"
    lines = [
        f"{number},2025-{1 + number % 12:02}-{1 + number % 28:02},shop {number % 500}," for number in range(300_000)
    ]
    moods = ["satisfied,0.9,0.05,0.03,0.02,price,false,false,", "angry,0.01,0.01,0.03,0.95,delivery;price,true,false,"]
    with source.open("w", encoding="utf-8") as file:
        file.write("id,date,shop,text,mood,satisfied,neutral,dissatisfied,angry,topics,needs_review,truncated,error\n")
        file.writelines(f"{line}my parcel number {n} is late,{moods[n % 3 % 2]}\n" for n, line in enumerate(lines))
    code = (
        "import sys; from serving.cli import main; code = main(sys.argv[1:]); print(code);"
        "print([line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')][0])"
    )
    began = time.monotonic()
    command = [sys.executable, "-c", code, "report", str(source), "-o", str(output), "--group-by", "shop"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    ended, kilobytes = map(int, done.stdout.split())
    assert ended == 0
    assert kilobytes < 250_000
    assert time.monotonic() - began < 60
    assert "300,000 rows" in output.read_text(encoding="utf-8")
