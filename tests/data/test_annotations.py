from dataclasses import replace
from pathlib import Path

import pytest

from data.annotations import Annotation, annotated_rows, read_annotations, text_digest
from data.errors import SourceError
from data.rows import FeedbackRow

ROW = FeedbackRow("1", "The parcel came LATE!", "en", "stars", "train", "neutral", None, None, ("price",))
DIGEST = text_digest(ROW.text)


TOPICS = ("price", "delivery", "customer_service")


def read(path: Path) -> dict[str, Annotation]:
    return read_annotations(path, topics=TOPICS)


def written(tmp_path: Path, *lines: str, header: str = "text,mood,topics") -> Path:
    path = tmp_path / "annotations.csv"
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return path


def test_an_annotated_text_becomes_a_row_more_with_the_annotations_labels(tmp_path: Path) -> None:
    annotations = read(written(tmp_path, f"{DIGEST},angry,delivery customer_service"))
    other = replace(ROW, id="2", text="something else")
    (row,) = annotated_rows([ROW, other], annotations)
    assert (row.mood, row.topics, row.topics_covered) == ("angry", ("delivery", "customer_service"), None)
    assert (row.source, row.origin, row.text) == ("annotations", "stars", ROW.text)


def test_a_text_is_found_whatever_its_case_and_punctuation_and_only_once(tmp_path: Path) -> None:
    annotations = read(written(tmp_path, f"{DIGEST},dissatisfied,"))
    rows = list(annotated_rows([replace(ROW, text="the parcel, came late"), ROW], annotations))
    assert [(row.text, row.mood, row.topics) for row in rows] == [("the parcel, came late", "dissatisfied", ())]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([f"{DIGEST},furious,"], "line 2: mood is 'furious'"),
        ([f"{DIGEST},,"], "line 2: mood is ''"),
        ([f"{DIGEST},angry"], "line 2: it needs exactly the fields text, mood, topics"),
        ([f"{DIGEST},angry,,price"], "line 2: it needs exactly the fields"),
        ([f"{DIGEST},angry,delivry"], r"line 2: unknown topic \['delivry'\]"),
        ([f"{DIGEST},angry,delivery;price"], "line 2: unknown topic"),
        (["NOTADIGEST,angry,"], "line 2: 'NOTADIGEST' is not the digest of a text"),
        ([f"{DIGEST},angry,", f"{DIGEST},neutral,"], "line 3: the text [0-9a-f]+ stands there twice"),
    ],
)
def test_a_faulty_line_is_named(lines: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=said):
        read(written(tmp_path, *lines))


def test_a_missing_or_foreign_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        read(tmp_path / "absent.csv")
    with pytest.raises(SourceError, match="the columns are"):
        read(written(tmp_path, header="id,label"))
