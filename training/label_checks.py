"""What is wrong with labelled rows beside single labels: repeats that disagree, leaks, classes too small, odd texts."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from data.cleaning import same_text_key
from data.rows import FeedbackRow, Split
from model.labels import MOODS, TOPICS
from training.label_errors import LabelError
from training.near_duplicates import exact_key
from training.topic_names import plain

Kind = Literal[
    "leak", "conflict", "label", "near_leak", "near_conflict", "topic_name", "class", "encoding", "unreadable", "cut",
    "language",
]  # fmt: skip

KINDS: Final[dict[Kind, str]] = {
    "leak": "the same text in several splits: what is measured there flatters",
    "conflict": "the same text with different labels",
    "label": "labels that are probably wrong",
    "near_leak": "nearly the same text in several splits",
    "near_conflict": "nearly the same text with different labels",
    "topic_name": "names of topics that are probably misspelt",
    "class": "labels with too few rows to learn or to measure",
    "encoding": "texts in a broken encoding",
    "unreadable": "texts in which there is nothing to read",
    "cut": "texts that were probably cut off",
    "language": "languages with hardly any text",
}
"""What can be found, the worst first."""

LEAST: Final = 8
"""Rows of a label from which there is something to learn: as many as own topics need."""

_ALIKE: Final = 0.85  # of names, as difflib measures: one wrong letter in seven
_CUT_TEXTS: Final = 3  # texts of the very same, greatest length: not by chance
_SHORTEST_CUT: Final = 50  # characters; shorter texts often have the same length
_MEANT: Final = ("cp1252", "latin-1")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with `rows`, positions, of which the first is to be looked at first; none of a whole label.

    `label` is what is given, `suggestion` what may be meant, each empty where there is none. `weight` orders the
    findings of one kind, the largest first. `repaired` is a text as it may have been meant.
    """

    kind: Kind
    rows: tuple[int, ...]
    message: str
    label: str = ""
    suggestion: str = ""
    weight: float = 0.0
    repaired: str = ""


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Findings in the order of KINDS, and of one kind by weight, then as their rows come."""
    order = {kind: at for at, kind in enumerate(KINDS)}
    return sorted(findings, key=lambda each: (order[each.kind], -each.weight, each.rows, each.label))


def repeats(
    rows: Sequence[FeedbackRow], splits: Sequence[Split | None], first_alike: Sequence[int]
) -> Iterator[Finding]:
    """Leaks between splits and labels that disagree, of texts that are the same and of those that nearly are.

    `first_alike` holds for each row the position of the first that it repeats or nearly repeats, or its own.
    """
    leaking = set()
    for group in _groups(rows, lambda at: same_text_key(rows[at].text)):
        if finding := _leak("leak", "the same text", group, splits):
            leaking.update(group)
            yield finding
    disagreeing = set()
    for group in _groups(rows, lambda at: exact_key(rows[at].text)):
        if finding := _conflict("conflict", "the same text", group, rows):
            disagreeing.update(group)
            yield finding
    for group in _groups(rows, lambda at: first_alike[at]):
        if not leaking.issuperset(group) and (finding := _leak("near_leak", "nearly the same text", group, splits)):
            yield finding
        if not disagreeing.intersection(group) and (
            finding := _conflict("near_conflict", "nearly the same text", group, rows)
        ):
            yield finding


def _groups(rows: Sequence[FeedbackRow], key: Callable[[int], object]) -> Iterator[list[int]]:
    found = defaultdict(list)
    for at in range(len(rows)):
        found[key(at)].append(at)
    return (group for group in found.values() if len(group) > 1)


def _leak(kind: Kind, what: str, group: Sequence[int], splits: Sequence[Split | None]) -> Finding | None:
    stands_in = sorted({str(splits[at]) for at in group if splits[at] is not None}, key=_SPLIT_ORDER.index)
    if len(stands_in) < 2:
        return None
    # Rows of train come first: they are the ones to take out, as test rows make figures comparable.
    rows = tuple(sorted((at for at in group if splits[at]), key=lambda at: (_SPLIT_ORDER.index(str(splits[at])), at)))
    advice = f"take it out of {' and '.join(stands_in[:-1])}"
    return Finding(kind, rows, f"{what} stands in {' and '.join(stands_in)}: {advice}", weight=len(rows))


_SPLIT_ORDER: Final = ("train", "validation", "test")


def _conflict(kind: Kind, what: str, group: Sequence[int], rows: Sequence[FeedbackRow]) -> Finding | None:
    said = {at: label for at in group if (label := label_of(rows[at]))}
    disagree = _disagree([rows[at] for at in said])
    if not disagree:
        return None
    counts = Counter(said.values()).most_common()
    told = ", ".join(f"{label} ({count})" for label, count in counts)
    # Rows of the rarer label come first: they are likelier to be wrong.
    ordered = tuple(sorted(said, key=lambda at: (dict(counts)[said[at]], at)))
    # Labels that differ may read alike, as a topic named like what is said of none.
    rarer = counts[1][1] if len(counts) > 1 else counts[0][1]
    majority = counts[0][0] if counts[0][1] > rarer else ""
    advice = "decide for one" if kind == "conflict" else "right only if the difference decides"
    return Finding(
        kind, ordered, f"{what} has different {disagree}: {told}; {advice}", said[ordered[0]], majority, len(ordered)
    )


def _disagree(rows: Sequence[FeedbackRow]) -> str:
    """What rows that say something do not agree on."""
    moods = {row.mood or row.sentiment for row in rows if row.sentiment}
    topics = {frozenset(row.topics) for row in rows if row.topics is not None}
    if moods == {"dissatisfied", "angry"} and any(row.sentiment and row.angry is None for row in rows):
        moods = {"dissatisfied"}  # one star, and angry: both can be right
    return " and ".join(
        name for name, said in (("moods", moods), ("topics", topics)) if len(said) > 1
    )  # fmt: skip


def label_of(row: FeedbackRow) -> str:
    """A row's labels as a person would write them; empty where it has none."""
    unhappy = row.sentiment == "dissatisfied" and row.angry is None
    mood = "unhappy" if unhappy else row.mood or ""
    topics = ";".join(sorted(row.topics)) or "no topic" if row.topics is not None else ""
    return " · ".join(part for part in (mood, topics) if part)


def small_classes(
    rows: Sequence[FeedbackRow], splits: Sequence[Split | None], topics: Sequence[str]
) -> Iterator[Finding]:
    """Moods and topics that no row, or hardly any, has; and those that a split for measuring lacks."""
    moods = Counter(row.mood for row in rows if row.sentiment is not None)
    named = Counter(topic for row in rows for topic in row.topics or ())
    labelled = sum(row.topics is not None for row in rows)
    if moods:
        # Stars do not say who is angry.
        wanted = MOODS if any(row.angry for row in rows) or None not in moods else ("satisfied", "neutral")
        for mood in wanted:
            if moods[mood] < LEAST:
                yield _few(mood, moods[mood], "mood")
    for topic in topics:
        if named[topic] < LEAST:
            yield _few(topic, named[topic], "topic")
        elif labelled - named[topic] < LEAST:
            rest = labelled - named[topic]
            message = f"{rest} rows lack the topic {topic}: nothing tells it from other texts; add texts without it"
            yield Finding("class", (), message, topic, weight=1)
    yield from _missing_in_splits(rows, splits)


def _few(name: str, count: int, kind: str) -> Finding:
    told = "no row has" if not count else f"only {count} {'row has' if count == 1 else 'rows have'}"
    advice = f"add some (from {LEAST} on there is something to learn), or leave it out"
    return Finding("class", (), f"{told} the {kind} {name}: {advice}", name, weight=LEAST - count)


def _missing_in_splits(rows: Sequence[FeedbackRow], splits: Sequence[Split | None]) -> Iterator[Finding]:
    in_split: dict[str, set[str]] = defaultdict(set)
    for row, split in zip(rows, splits, strict=True):
        if split is not None:
            in_split[split] |= {name for name in (row.mood, *(row.topics or ())) if name}
    learned = in_split.get("train", set())
    for split in ("validation", "test"):
        for name in sorted(learned - in_split[split]) if split in in_split else ():
            yield Finding(
                "class", (), f"no row of {split} has {name}: how well it is found cannot be measured there", name
            )


def misspelt_topics(rows: Sequence[FeedbackRow]) -> Iterator[Finding]:
    """Names of topics that differ from another only in case or signs, or are rare and nearly another's."""
    where: dict[str, list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        for topic in row.topics or ():
            where[topic].append(at)
    for topic, found in where.items():
        others = [name for name in {*where, *TOPICS} - {topic} if _is_known(name, topic, where)]
        same = sorted(name for name in others if plain(name) == plain(topic))
        near = difflib.get_close_matches(topic, sorted(others), n=1, cutoff=_ALIKE) if len(found) < LEAST else []
        if topic not in TOPICS and (meant := (same or near)[:1]):
            count = f"{len(found):,} {'row has' if len(found) == 1 else 'rows have'}"
            yield Finding(
                "topic_name", tuple(found), f"{count} the topic {topic!r}; is {meant[0]!r} meant?",
                topic, meant[0], len(found),
            )  # fmt: skip


def _is_known(name: str, topic: str, where: dict[str, list[int]]) -> bool:
    """Whether `name` can be what `topic` means: one of Rida's, or one that stands more often."""
    return name in TOPICS or len(where[name]) > len(where[topic])


def rare_languages(languages: Sequence[str | None]) -> Iterator[Finding]:
    """Languages with fewer than LEAST texts beside one that has them; None: not known."""
    where: dict[str, list[int]] = defaultdict(list)
    for at, language in enumerate(languages):
        if language:
            where[language].append(at)
    if not any(len(found) >= LEAST for found in where.values()):
        return
    for language, found in where.items():
        if len(found) < LEAST:
            texts = f"{len(found)} {'text is' if len(found) == 1 else 'texts are'}"
            yield Finding(
                "language", tuple(found), f"only {texts} in {language!r}: too few to learn or to measure; add more, or "
                "leave them out", language, weight=LEAST - len(found),
            )  # fmt: skip


def odd_texts(texts: Sequence[str], unreadable: Sequence[int], truncated: Sequence[int]) -> Iterator[Finding]:
    """Texts in a broken encoding, those in which the weights can read nothing, and those that are cut."""
    for at, text in enumerate(texts):
        if repaired := _repaired(text):
            yield Finding(
                "encoding", (at,), "its letters were read in a wrong encoding: export it as UTF-8", repaired=repaired
            )
        elif "\ufffd" in text:
            yield Finding("encoding", (at,), "letters were lost when it was read in a wrong encoding: export it again")
    for at in unreadable:
        yield Finding("unreadable", (at,), "there is nothing in it that the weights can read: leave it out")
    for at in truncated:
        yield Finding("cut", (at,), "it is longer than what is read of a text: shorten it to what the labels are about")
    longest = max(map(len, texts), default=0)
    cut = [at for at, text in enumerate(texts) if len(text) == longest]
    if longest >= _SHORTEST_CUT and len(cut) >= _CUT_TEXTS and len({texts[at] for at in cut}) >= _CUT_TEXTS:
        message = (
            f"{len(cut)} texts have exactly {longest:,} characters, and none has more: was their column cut short?"
        )
        yield Finding("cut", tuple(cut), message, weight=len(cut))


def _repaired(text: str) -> str:
    """The text as it was before UTF-8 was read as something else; empty where it was not."""
    if text.isascii():
        return ""
    for encoding in _MEANT:
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return ""


def label_findings(
    errors: Iterable[LabelError], beside: Iterable[Finding], positions: Sequence[int]
) -> Iterator[Finding]:
    """Probable label errors as findings, but for rows whose text stands with other labels: those are told apart.

    `positions` are those of the rows among which the errors were looked for.
    """
    told = {at for finding in beside if finding.kind == "conflict" for at in finding.rows}
    for error in errors:
        row = positions[error.row]
        if row in told:
            continue
        sure = f"{100 * error.probability:.0f} %"
        if not error.given:
            message = f"lacks the topic {error.likelier} ({sure})"
        elif not error.likelier:
            message = f"hardly has the topic {error.given} ({sure} that it has not)"
        else:
            message = (
                f"{error.likelier} ({sure}) is likelier than {error.given} ({100 * error.given_probability:.0f} %)"
            )
        yield Finding("label", (row,), message, error.given, error.likelier, 1 - error.given_probability)
