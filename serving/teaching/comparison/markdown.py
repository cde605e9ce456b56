"""A comparison as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from model.labels import MOODS
from serving.document.markdown import as_document, table
from serving.document.marks import CLOSE, OPEN
from serving.teaching.comparison.content import Comparison, LanguagePart
from serving.teaching.comparison.words import (
    difference_text,
    exact,
    in_order,
    interval_text,
    language_name,
    many,
    measure_name,
    methods,
    part_measure,
    review_sentence,
    settled_sentence,
    share_text,
    text_about,
    topic_name,
    value_text,
    verdict_text,
    weights_name,
)


def as_markdown(comparison: Comparison) -> str:
    """Markdown with GitHub's tables."""
    return as_document(_lines(comparison))


def _lines(comparison: Comparison) -> Iterator[str]:
    first, second = comparison.first, comparison.second
    yield from ("# Two sets of weights, side by side", "")
    yield f"A is {weights_name(first)} in {value_text(first.folder)}, SHA-256 {first.sha256[:16]}; B is " + (
        f"{weights_name(second)} in {value_text(second.folder)}, SHA-256 {second.sha256[:16]}."
    )
    yield f"{many(comparison.rows, 'text')} from {', '.join(value_text(source) for source in comparison.sources)}."
    yield ""
    yield from (f"- {sentence}" for sentence in comparison.headline)
    yield from _measures(comparison)
    yield from _languages(comparison)
    yield from _changes(comparison)
    yield from _texts(comparison)
    yield from ("", "## How this was found", "")
    yield from (f"- {sentence}" for sentence in methods(comparison))


def _measures(comparison: Comparison) -> Iterator[str]:
    found = comparison.labelled
    if found is None:
        return
    yield from ("", "## How good both are", "")
    yield from table(
        ("measure", "texts", "A", "B", "B − A", "95 % interval", "B is"),
        (
            (
                measure_name(each),
                f"{each.texts:,}",
                share_text(each.first),
                share_text(each.second),
                difference_text(each),
                interval_text(each),
                verdict_text(each),
            )
            for each in in_order(found.measured)
        ),
    )
    for name, confusion in zip("AB", found.confusion or (), strict=False):
        yield from ("", f"### Labels and the moods that {name} gives", "")
        yield from _moods(confusion, "label", f"{name}: ")


def _moods(counts: Sequence[Sequence[int]], rows: str, columns: str) -> Iterator[str]:
    yield from table(
        (rows, *(f"{columns}{mood}" for mood in MOODS)),
        ((mood, *(f"{count:,}" for count in line)) for mood, line in zip(MOODS, counts, strict=True)),
    )


def _languages(comparison: Comparison) -> Iterator[str]:
    yield from ("", "## By language", "")
    heads = ("mood", "topics") if comparison.labelled else ()
    columns = [name for head in heads for name in (f"{head}, A", f"{head}, B", "B − A", "B is")]
    yield from table(
        ("language", "texts", "another mood", *columns),
        (
            (
                language_name(part),
                f"{part.changed.of:,}",
                exact(part.changed.share),
                *(cell for head in heads for cell in _cells(part, head)),
            )
            for part in comparison.languages
        ),
    )
    if comparison.other_languages:
        yield from ("", f"{many(comparison.other_languages, 'less frequent language')} not shown.")


def _cells(part: LanguagePart, head: str) -> tuple[str, ...]:
    found = part_measure(part, head)
    if found is None:
        return ("–", "–", "–", "")
    return share_text(found.first), share_text(found.second), difference_text(found), verdict_text(found)


def _changes(comparison: Comparison) -> Iterator[str]:
    changes = comparison.changes
    yield from ("", "## What changes", "")
    yield from _moods(changes.moods, "A says", "B: ")
    yield from ("", *(sentence for sentence in (settled_sentence(comparison), review_sentence(comparison)) if sentence))
    yield ""
    yield from table(
        ("topic", "with A", "with B", "gained", "lost"),
        (
            (topic_name(name), f"{each.first:,}", f"{each.second:,}", f"{each.gained:,}", f"{each.lost:,}")
            for name, each in changes.topics.items()
        ),
    )
    yield ""
    yield from table(
        ("probability of", "with A", "with B", "mean change"),
        (
            (mood, exact(means[0]), exact(means[1]), exact(changes.mean_change[mood]))
            for mood, means in changes.mean_probability.items()
        ),
    )


def _texts(comparison: Comparison) -> Iterator[str]:
    if not comparison.texts:
        return
    yield from ("", "## Texts whose mood changes", "")
    for text in comparison.texts:
        yield f"- {text_about(text)}, {value_text(text.place)}: {OPEN}{text.text}{CLOSE}"
    rest = comparison.moods_changed.count - len(comparison.texts)
    if rest:
        yield f"- {many(rest, 'more text')} not shown."
