"""Labelled texts as examples of own topics: what can be learned from, and what has to be mended first."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.cleaning import same_text_key
from data.rows import FeedbackRow
from model.errors import InputError
from model.labels import MAX_OWN_TOPICS, TOPICS
from training.targets import Classes
from training.topic_names import faults as name_faults

log = logging.getLogger(__name__)

MIN_EXAMPLES = 8
"""Texts that a topic needs: with fewer, a fifth held out holds one or none, and nobody could say how good it is."""

_LISTED = 10


@dataclass(frozen=True, slots=True)
class TopicExamples:
    """Distinct texts, and which of them speak of which own topic: `gold` is 0 or 1, (texts, topics)."""

    texts: list[str]
    names: tuple[str, ...]
    gold: Classes

    @property
    def without(self) -> int:
        """Texts that speak of none."""
        return int((~self.gold.astype(bool).any(axis=1)).sum())


def topic_examples(rows: Sequence[FeedbackRow], own: Sequence[str] = ()) -> TopicExamples:
    """Gathers the examples of own topics; a text that several rows have gets the topics of all of them.

    Topics that every weights folder has are left as they are, and said so; `own` are those that these weights have
    beside them.

    Raises:
        InputError: there is nothing to learn from, or what there is contradicts itself; the message says what to mend.
    """
    labels: dict[str, set[str]] = {}
    texts: dict[str, str] = {}
    for row in rows:
        if row.topics is not None:
            key = same_text_key(row.text)
            texts.setdefault(key, row.text)
            labels.setdefault(key, set()).update(row.topics)
    found = {name for said in labels.values() for name in said}
    if shipped := sorted(found & set(TOPICS)):
        log.warning("left as they are, being topics of every weights folder: %s", ", ".join(shipped))
    names, known = tuple(sorted(found - set(TOPICS))), (*TOPICS, *own)
    gold = np.array([[name in said for name in names] for said in labels.values()], dtype=np.int64)
    examples = TopicExamples(list(texts.values()), names, gold.reshape(len(texts), len(names)))
    _check_names(names, known)
    check_examples(examples)
    return examples


def check_examples(examples: TopicExamples) -> None:
    """Whether there is enough of each topic, and something to tell them apart by.

    Raises:
        InputError: there is not; the message names the topics and says what to mend.
    """
    _check_counts(examples)
    _check_apart(examples)


def _check_names(names: Sequence[str], known: Sequence[str]) -> None:
    if not names:
        raise InputError(
            "no text has an own topic; name topics in the topics column, several joined with ;, beside those that "
            f"every weights folder has ({', '.join(TOPICS)})"
        )
    if len(names) > MAX_OWN_TOPICS:
        raise InputError(
            f"{len(names):,} own topics are named ({_listed(names)}); {MAX_OWN_TOPICS} are the most. Is the right "
            "column named with --topics-column? Else join rare topics into wider ones, with --labels TOML"
        )
    if faults := [*name_faults([name for name in names if name not in known], [*known, *names])]:
        raise InputError("; ".join(faults[:_LISTED]))


def _check_counts(examples: TopicExamples) -> None:
    counts = dict(zip(examples.names, examples.gold.sum(axis=0).tolist(), strict=True))
    few = [name for name, count in counts.items() if count < MIN_EXAMPLES]
    if few:
        enough = [name for name in examples.names if name not in few]
        said = []
        for name in few[:_LISTED]:
            near = difflib.get_close_matches(name, (*enough, *TOPICS), n=1)
            said.append(f"{name!r} has {counts[name]}" + (f" (is {near[0]!r} meant?)" if near else ""))
        rest = f" and {len(few) - _LISTED} more" if len(few) > _LISTED else ""
        raise InputError(
            f"a topic needs {MIN_EXAMPLES} different texts at least, better 30: {'; '.join(said)}{rest}. Add texts, "
            "take the label out, or join topics with --labels TOML"
        )
    everywhere = [name for name, count in counts.items() if len(examples.texts) - count < MIN_EXAMPLES]
    if everywhere:
        raise InputError(
            f"nothing tells texts with {_listed(everywhere)} from texts without: {len(examples.texts)} texts are "
            f"given, and {MIN_EXAMPLES} at least must be without. Add texts on other things, with no topic or another"
        )


def _check_apart(examples: TopicExamples) -> None:
    first: dict[bytes, str] = {}
    for at, name in enumerate(examples.names):
        pattern = examples.gold[:, at].tobytes()
        if pattern in first:
            raise InputError(
                f"the topics {first[pattern]!r} and {name!r} stand at exactly the same texts, so that nothing tells "
                "them apart; add texts that have only one of them, or join them with --labels TOML"
            )
        first[pattern] = name


def _listed(names: Sequence[str]) -> str:
    rest = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return ", ".join(repr(name) for name in names[:_LISTED]) + rest
