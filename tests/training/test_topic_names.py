"""Names of topics: what is said of those that cannot be meant so."""

from __future__ import annotations

import pytest

from training.topic_names import faults, plain


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("Lost-Parcel", "'Lost-Parcel' is not 'lost parcel'"),
        ("ｐｒｉｃｅ", "is not 'price'"),
        ("price, lost parcel", "looks like several"),
        ("x" * 61, "is longer than 60 characters; rename it"),
        (" price", "begins or ends with white space"),
    ],
)
def test_names_that_cannot_be_meant_are_told(new: str, said: str) -> None:
    assert said in "; ".join(faults([new], ["price", "lost parcel", new]))


def test_names_of_marks_alone_are_different_names() -> None:
    assert plain("👍") != plain("👎")
    assert list(faults(["👍", "👎"], ["price", "👍", "👎"])) == []
