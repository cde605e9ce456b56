"""Labelled texts with topics that the shipped weights were never taught, and few-shot draws of them."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SIZES: Final = (8, 16, 32)
_LABELS: Final = 10
_LEAST_TEST: Final = 10
_TESTED: Final = 1500
_SHIPPED: Final = ("product_quality", "price", "delivery", "customer_service", "billing", "app_website", "facility")
# Domains and acts of a dialogue, which are no topics.
_ACTS: Final = frozenset({
    "banking", "hotels", "request_info", "affirm", "deny", "dont_know", "thank", "greet", "end_call", "acknowledge",
    "repeat", "handoff", "how", "why", "when", "how_much", "how_long", "wrong_notworking_notshowing",
    "more_higher_after",
    "less_lower_before", "make_open_apply_setup_get_activate", "change", "new", "existing", "current", "not",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and its labels."""

    text: str
    labels: frozenset[str]


@dataclass(frozen=True, slots=True)
class FewShotSet:
    """One source: `one_of_many` texts have exactly one of the labels, else any number of them."""

    name: str
    what: str
    one_of_many: bool
    labels: tuple[str, ...]
    train: list[Labelled]
    tests: dict[str, list[Labelled]]


def few_shot_sets(data_root: Path) -> list[FewShotSet]:
    """The sets that are compared on."""
    return [
        _one_of_many("banking77", "ten of its intents", data_root, lambda row: row["raw"][0], ten=True),
        _any_number("nlupp", "ten of its intents and things", data_root),
        _one_of_many("vi_uit_vsfc", "topics of students' feedback", data_root, lambda row: row["raw"][0]),
        _one_of_many("tweets_airline", "reasons of complaints", data_root, _reason),
    ]


def cross_lingual_sets(data_root: Path) -> list[FewShotSet]:
    """English examples, tests in other languages: translated reviews by aspect, and annotated feedback by topic."""
    aspects = _rows(data_root / "mabsa", ("en", "ar", "vi"))
    common = Counter(
        label for row in aspects if row["split"] == "train" and row["lang"] == "en" for label in _aspects(row)
    )
    names = tuple(name for name, _ in common.most_common(_LABELS))
    annotated = _rows(data_root / "annotated", ("en", "ar", "fa", "vi"))
    return [
        _by_language("mabsa", "aspects of reviews, machine-translated from English", aspects, names, _aspects),
        _by_language("annotated", "shipped topics, as if they were own ones", annotated, _SHIPPED,
                     lambda row: frozenset(row["topics"])),
    ]  # fmt: skip


def drawn(found: FewShotSet, size: int, seed: int) -> list[Labelled]:
    """So many examples of each label and, where a text may have none, as many without."""
    chance = random.Random(seed)
    chosen: dict[str, Labelled] = {}
    for label in (*found.labels, *(() if found.one_of_many else (None,))):
        having = [each for each in found.train if (label in each.labels if label else not each.labels)]
        chosen |= {each.text: each for each in chance.sample(having, min(size, len(having)))}
    return list(chosen.values())


def _one_of_many(name: str, what: str, data_root: Path, label_of: Any, *, ten: bool = False) -> FewShotSet:
    found: dict[str, list[Labelled]] = {"train": [], "validation": [], "test": []}
    for row in _rows(data_root / name):
        if label := label_of(row):
            found[row["split"]].append(Labelled(row["text"], frozenset({label})))
    counts = Counter(next(iter(each.labels)) for each in found["train"])
    tested = Counter(next(iter(each.labels)) for each in found["test"])
    labels = sorted(label for label in counts if counts[label] >= SIZES[-1] and tested[label] >= _LEAST_TEST)
    if ten:
        labels = sorted(random.Random(1).sample(labels, _LABELS))
    known = frozenset(labels)
    kept = {split: [each for each in listed if each.labels <= known] for split, listed in found.items()}
    return FewShotSet(name, what, True, tuple(labels), kept["train"], {"": _some(kept["test"])})


def _any_number(name: str, what: str, data_root: Path) -> FewShotSet:
    rows = _rows(data_root / name)
    counts = {split: Counter(label for row in rows if row["split"] == split for label in row["raw"])
              for split in ("train", "test")}  # fmt: skip
    enough = [label for label, count in counts["train"].most_common()
              if label not in _ACTS and count >= SIZES[-1] and counts["test"][label] >= _LEAST_TEST]  # fmt: skip
    labels = tuple(sorted(enough[:_LABELS]))
    kept: dict[str, list[Labelled]] = {"train": [], "validation": [], "test": []}
    for row in rows:
        kept[row["split"]].append(Labelled(row["text"], frozenset(row["raw"]) & frozenset(labels)))
    return FewShotSet(name, what, False, labels, kept["train"], {"": _some(kept["test"])})


def _by_language(
    name: str, what: str, rows: list[dict[str, Any]], labels: tuple[str, ...], label_of: Any
) -> FewShotSet:
    known = frozenset(labels)

    def of(lang: str, split: str) -> list[Labelled]:
        return [
            Labelled(row["text"], label_of(row) & known)
            for row in rows
            if row["lang"] == lang and row["split"] == split
        ]

    languages = sorted({row["lang"] for row in rows}, key=lambda lang: (lang != "en", lang))
    return FewShotSet(
        name, what, False, labels, of("en", "train"), {lang: _some(of(lang, "test")) for lang in languages}
    )


def _reason(row: dict[str, Any]) -> str | None:
    first, _, rest = str(row["raw"][0]).partition(":")
    reason = rest.rpartition(":")[0]
    return reason if first == "negativereason" and reason != "Can't Tell" else None


def _aspects(row: dict[str, Any]) -> frozenset[str]:
    return frozenset(label.rpartition(":")[0] for label in row["raw"] if ":" in label)


def _some(rows: list[Labelled]) -> list[Labelled]:
    return random.Random(2).sample(rows, min(_TESTED, len(rows)))


def _rows(folder: Path, languages: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    return [
        row for row in _all_rows(folder) if row.get("text", "").strip() and (not languages or row["lang"] in languages)
    ]


def _all_rows(folder: Path) -> Iterator[dict[str, Any]]:
    files = {"": folder / "data.jsonl.gz", "train": folder / "train.jsonl.gz", "test": folder / "test.jsonl.gz"}
    for split, path in files.items():
        if path.exists():
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                yield from ({"split": split} | json.loads(line) for line in lines)
