from dataclasses import replace

from data.rows import FeedbackRow
from data.unmarked import unmarked_rows, without_marks

ROW = FeedbackRow("1", "Dịch vụ quá tệ, Đừng mua!", "vi", "annotated", "train", "dissatisfied", True, ("price",), None)


def test_vietnamese_loses_its_marks_and_nothing_else() -> None:
    assert without_marks("Dịch vụ quá tệ, ĐỪNG mua 2 lần 😡") == "Dich vu qua te, DUNG mua 2 lan 😡"


def test_an_annotated_text_comes_again_without_marks_and_with_its_labels() -> None:
    (row,) = unmarked_rows([ROW], ["vi"])
    assert row == replace(ROW, text="Dich vu qua te, Dung mua!", source="unmarked", origin="annotated")


def test_other_languages_half_labelled_texts_and_texts_without_marks_do_not() -> None:
    rows = [replace(ROW, lang="fr"), replace(ROW, angry=None), replace(ROW, text="khong co dau")]
    assert list(unmarked_rows(rows, ["vi"])) == []
