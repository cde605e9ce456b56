"""`rida data check`: what is wrong with a file of labels is named with its file and row, the worst first."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from table_files import read_rows, write_rows

from serving.cli import main

ROOT = Path(__file__).parents[2]
RIGHT = {
    "satisfied": [
        "Great service, thank you!", "The room was spotless and the staff lovely.", "Rất hài lòng với sản phẩm này",
        "خدمة ممتازة وسريعة شكرا لكم", "عالی بود ممنون از تیم شما", "Best coffee in town, we will be back.",
        "Fast delivery and exactly as described.", "Nhân viên nhiệt tình, đồ ăn ngon",
    ],
    "neutral": [
        "What are your opening hours on Sunday?", "Does this come in size 42?", "Shop còn màu đen không ạ?",
        "هل يوجد فرع في جدة؟", "ساعت کاری شعبه مرکزی چیست؟", "Can I pay with a gift card?",
        "Is breakfast part of the price?", "Cho mình hỏi giá loại 2 lít",
    ],
    "dissatisfied": [
        "The parcel came a week late.", "The soup was cold and rather bland.", "Giao hàng hơi chậm, hộp bị móp",
        "الطعام بارد والانتظار طويل", "کیفیت پارچه اصلا خوب نبود", "The app keeps logging me out.",
        "Battery lasts half as long as promised.", "Phòng hơi ồn và máy lạnh yếu",
    ],
    "angry": [
        "You thieves! Give me my money back NOW!!!", "This is a scam, I will see you in court!",
        "Lũ lừa đảo, trả tiền lại cho tôi ngay!!!", "لصوص نصابين حسبي الله عليكم!!!",
        "دزدهای بی شرف پولم را پس بدهید!!!", "Worst company ever, absolutely disgusting liars!!!",
        "I am FURIOUS. Three months of lies from you people!", "Quá khốn nạn, lừa khách trắng trợn, tẩy chay!!!",
    ],
}  # fmt: skip


def labels(**changes) -> list[dict]:
    """Rows with right labels; `changes` gives a text another mood."""
    return [
        {"text": text, "mood": changes.get(text, mood), "lang": "mul"}
        for mood, texts in RIGHT.items()
        for text in texts
    ]


@pytest.fixture
def check(tmp_path, capsys, tiny_weights):
    """Runs the command; gives its exit code, and what went to stdout and to stderr."""

    def run(rows, *options, name="labels.csv", weights=tiny_weights):
        files = [write_rows(tmp_path / name, rows)] if isinstance(rows, list) else [str(each) for each in rows]
        chosen = [] if weights is None else ["--weights", str(weights)]
        code = main(["data", "check", *files, *chosen, *options])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def findings(out: str) -> list[dict]:
    return json.loads(out)["findings"]


def test_planted_label_errors_come_first_with_their_place_and_what_is_meant(check):
    wrong = {"You thieves! Give me my money back NOW!!!": "satisfied", "عالی بود ممنون از تیم شما": "angry"}
    code, out, _ = check(labels(**wrong), "--json", weights=None)
    told = [each for each in findings(out) if each["kind"] == "label"]
    assert code == 1
    assert {each["text"]: each["label"] for each in told[:2]} == wrong
    assert {each["suggestion"] for each in told[:2]} == {"angry", "satisfied"}
    assert {each["place"].rpartition("/")[2] for each in told[:2]} == {"labels.csv, line 6", "labels.csv, line 26"}


def test_right_labels_are_left_in_peace(check):
    code, out, _ = check(labels(), weights=None)
    assert (code, out) == (0, "32 labelled texts: nothing found that looks wrong.\n")


def faulty() -> list[dict]:
    rows = [{"text": text, "mood": mood, "split": "train"} for mood, texts in RIGHT.items() for text in texts]
    rows += [
        {"text": "great service -- thank you", "mood": "satisfied", "split": "test"},
        {"text": "The parcel came a week late!", "mood": "angry", "split": "train"},
        {"text": "\u200f", "mood": "neutral", "split": "train"},
        {"text": "trÃ¨s dÃ©Ã§u du service", "mood": "dissatisfied", "split": "train"},
    ]
    return rows


def test_every_fault_is_told_the_worst_first_with_text_shortened(check):
    code, out, _ = check(faulty())
    assert code == 1
    lines = out.splitlines()
    titles = [line for line in lines if line and not line.startswith(" ")]
    assert titles[0].startswith("36 labelled texts, ")
    assert titles[1].startswith("the same text in several splits")
    assert titles[2].startswith("the same text with different labels")
    assert any("labels.csv, line 2 (and " in line and "line 34): the same text stands in train and test" in line
               for line in lines)  # fmt: skip
    assert any("→ très déçu du service" in line for line in lines)
    assert any("labels.csv, line 36: there is nothing in it that the weights can read" in line for line in lines)


def test_without_texts_no_text_is_shown_or_written_anywhere(check, tmp_path):
    _, shown, said = check(faulty(), "--no-texts", "--output", str(tmp_path / "issues.csv"))
    _, as_json, _ = check(faulty(), "--no-texts", "--json")
    everything = shown + said + as_json + (tmp_path / "issues.csv").read_text(encoding="utf-8")
    for row in faulty():
        assert row["text"].strip("\u200f")[:12] not in everything or not row["text"].strip("\u200f")
    assert "déçu" not in everything
    assert "text" not in read_rows(tmp_path / "issues.csv")[0]


@pytest.mark.parametrize("output", ["issues.csv", "issues.jsonl", "issues.parquet", "issues.xlsx"])
def test_findings_are_written_one_a_row(check, tmp_path, output):
    code, out, _ = check(faulty(), "--output", str(tmp_path / output))
    _, as_json, _ = check(faulty(), "--json")
    written = read_rows(tmp_path / output)
    assert code == 1
    assert out.startswith("36 labelled texts")
    assert [row["kind"] for row in written] == [each["kind"] for each in findings(as_json)]
    assert [int(row["rank"]) for row in written] == list(range(1, len(written) + 1))


def test_a_written_file_without_findings_has_its_header(check, tmp_path):
    code, _, _ = check(labels(), "--output", str(tmp_path / "issues.csv"), weights=None)
    assert code == 0
    assert (tmp_path / "issues.csv").read_text(encoding="utf-8").startswith("rank,kind,place,id,")


def test_the_json_counts_what_it_lists(check):
    _, out, _ = check(faulty(), "--json")
    shape = json.loads(out)
    assert shape["texts"] == 36
    assert sum(shape["counts"].values()) == len(shape["findings"])
    assert shape["counts"]["leak"] == 1


def test_splits_in_another_column_and_files_of_their_own(check, tmp_path):
    rows = [{"text": text, "mood": mood, "part": "train"} for mood, texts in RIGHT.items() for text in texts]
    one = write_rows(tmp_path / "one.csv", rows)
    two = write_rows(tmp_path / "two.jsonl", [{"text": rows[0]["text"], "mood": "satisfied", "part": "test"}])
    _, out, _ = check((one, two), "--split-column", "part", "--json")
    leak = findings(out)[0]
    assert leak["kind"] == "leak"
    assert leak["place"].endswith("one.csv, line 2")
    assert leak["other_places"][0].endswith("two.jsonl, line 1")


def test_topics_and_stars_are_checked_too(check):
    rows = [{"text": f"{text} {at}", "stars": str(1 + at % 5), "topics": "wifi" if at % 2 else ""}
            for at, text in enumerate(RIGHT["neutral"] * 4)]  # fmt: skip
    rows[0]["topics"] = "WiFi"
    _, out, _ = check(rows, "--stars-column", "stars", "--json")
    told = {each["kind"]: each for each in findings(out)}
    assert told["topic_name"]["suggestion"] == "wifi"
    assert not any(each["label"] == "angry" for each in findings(out))


def test_a_language_that_stands_apart_is_named(check):
    english = ["The coffee was good", "The room was fine", "The lady was kind", "The shop was clean"]
    german = ["Die Lieferung kam leider wieder viel zu spät an", "Der Kellner war unfreundlich und das Essen kalt"]
    rest = " and that is all there is to say about it, number"
    rows = [{"text": f"{text}{rest} {at}", "mood": "neutral"} for text in english for at in (1, 2)]
    rows += [{"text": text, "mood": "dissatisfied"} for text in german]
    _, out, _ = check(rows, "--json")
    assert "de" in {each["label"] for each in findings(out) if each["kind"] == "language"}


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        ([{"text": "fine", "mood": "hapy"}], (), "'hapy' is no mood"),
        ([{"text": "fine", "mood": "angri"}], (), "is 'angry' meant?"),
        ([{"text": "fine", "mood": ""}], (), "there is no labelled text to check"),
        ([{"text": "\u200f", "mood": "angry"}], (), "nothing in these texts that the weights can read"),
        ([{"text": "fine", "label": "x"}], (), "no column of labels is named 'mood' or 'topics'"),
        ([{"text": "fine", "mood": "angry", "split": "dev"}], (), "the split is 'dev'"),
        ([{"text": "fine", "mood": "angry"}], ("--json", "--output", "-"), "both write to standard output"),
        ([{"text": "fine", "mood": "angry"}], ("--output", "issues.txt"), "its name must end in"),
        ([{"text": "fine", "mood": "angry"}], ("--labels", "missing.toml"), "missing.toml cannot be read"),
        (("missing.csv",), (), "missing.csv does not exist"),
    ],
)
def test_wrong_use_ends_in_2_with_one_line(check, rows, options, said):
    code, out, told = check(rows, *options)
    assert (code, out) == (2, "")
    assert told.splitlines()[-1].startswith("rida: ")
    assert said in told


@pytest.mark.parametrize("count", [1, 2, 9])
def test_a_handful_of_rows_is_no_failure(check, count):
    rows = [{"text": f"a parcel number {at}", "mood": ("angry", "satisfied")[at % 2]} for at in range(count)]
    code, out, _ = check(rows)
    assert code == 1
    assert "rows have" in out or "row has" in out


@pytest.mark.parametrize(
    ("command", "library"), [("check", "cleanlab"), ("check", "datasketch"), ("suggest", "sklearn")]
)
def test_a_library_that_is_not_there_is_named_with_how_to_get_it_before_anything_is_read(tmp_path, command, library):
    code = (
        f"import sys; sys.modules[{library!r}] = None; from serving.cli import main; "
        f"sys.exit(main(['data', {command!r}, 'no-such-file.csv', '--output', 'x.csv']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"rida: rida data needs {library}")
    assert done.stderr.endswith(': pip install "rida[train]"\n')


def test_an_output_that_a_pattern_finds_is_not_read(check, tmp_path):
    for number in (1, 2):
        write_rows(tmp_path / f"labels-{number}.csv", labels())
    output = tmp_path / "labels-3.csv"
    first = check((tmp_path / "labels-*.csv",), "--output", str(output))
    again = check((tmp_path / "labels-*.csv",), "--output", str(output))
    assert first[0] == again[0] == 1
    assert f"{output} is left out" in again[2]
    assert "labels-3.csv" not in output.read_text(encoding="utf-8-sig")


def test_a_topic_named_like_none_at_all_is_a_topic(check):
    texts = ["the same words here", "the same words here"]
    code, told, _ = check(
        [{"text": text, "topics": topics} for text, topics in zip(texts, ("no topic", ""), strict=True)]
    )
    assert code == 1
    assert "has different topics" in told


def test_a_column_of_free_text_is_not_taken_for_topics(check):
    code, _, told = check([{"text": f"text number {at} about it", "topics": f"topic {at}"} for at in range(1200)])
    assert code == 2
    assert "1,200 different ones" in told
    assert "--topics-column" in told
