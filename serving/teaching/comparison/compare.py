"""Reads texts, scores them with two sets of weights, and puts together what is to be said of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Final

import numpy as np

from data.errors import SourceError
from data.rows import FeedbackRow
from model.classifier import Classifier, load
from model.errors import InputError, RecipeError
from model.labels import MOODS
from serving.document.file import document_file, libraries_of_html
from serving.document.forms import Form, form_of
from serving.output import plain
from serving.report.intervals import share_of
from serving.tables.files import check_own_file
from serving.tables.inputs import expanded
from serving.tables.progress import Show
from serving.tables.source import PIPE
from serving.tables.table import Say
from serving.teaching.comparison.content import ChangedText, Comparison, LanguagePart, Weights
from serving.teaching.comparison.scored import Scored, score_both
from serving.teaching.comparison.words import headline
from serving.teaching.labelled import Asked, read_labelled
from training.changed_answers import changes, worst_first
from training.evaluate import rows_to_measure
from training.gold import Gold, gold_of
from training.side_by_side import SideBySide, side_by_side
from training.targets import UNKNOWN

MOST_TEXTS: Final = 200
"""Texts shown; whoever reads more has decided by then."""

_MOST_LANGUAGES: Final = 30
_LONGEST: Final = 300
_MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Data:
    """What is compared on: files with their columns or, with a `root`, the test rows of sources in that folder."""

    names: Sequence[str]
    columns: Asked
    root: Path | None = None


def write_comparison(
    folders: tuple[Path, Path],
    data: Data,
    output: str,
    *,
    form: Form | None = None,
    texts: bool = True,
    show: Show = lambda rows, fraction: None,
    say: Say = lambda message: None,
) -> Comparison:
    """Compares two weights folders on the same texts.

    `output` `-` is standard output; `form` None goes by the name of `output`; without `texts` no text is shown.

    Raises:
        InputError: A file, a column or an option cannot be used, no text can be compared, or the output cannot be
            written. What stood under the output's name before still does.
        WeightsError: One of the folders cannot be used.
    """
    render = _renderer(form_of(output, form))
    if data.root is None:
        data = replace(data, names=expanded(data.names, output, say))
        check_own_file(output, data.names)
    both = (load(folders[0]), load(folders[1]))
    with document_file(output) as write:
        rows, places = _rows_of_files(data, say) if data.root is None else _rows_of_sources(data, data.root, both[0])
        comparison = _compared(folders, both, rows, places, data.names, texts=texts, show=show)
        write(render(comparison))
    return comparison


def _rows_of_files(data: Data, say: Say) -> tuple[list[FeedbackRow], list[str]]:
    """Rows and places; where files say which rows are for testing, those that they give to training are left out."""
    read = read_labelled(data.names, data.columns, say, keep_unlabelled=True)
    learned = [split in ("train", "validation") for split in read.splits]
    if any(learned) and "test" not in read.splits:
        say("No row is of the split test: what weights learned from proves nothing about them.")
    if "test" not in read.splits or not any(learned):
        return read.rows, read.places
    say(f"{sum(learned):,} rows of the splits train and validation are left out: what was learned from proves nothing.")
    return (
        [row for row, out in zip(read.rows, learned, strict=True) if not out],
        [place for place, out in zip(read.places, learned, strict=True) if not out],
    )


def _rows_of_sources(data: Data, root: Path, classifier: Classifier) -> tuple[list[FeedbackRow], list[str]]:
    share = classifier.info.config.validation_share
    try:
        rows = rows_to_measure(root, data.names, split="test", validation_share=share)
    except (SourceError, RecipeError) as error:
        raise InputError(str(error)) from error
    return rows, [f"{row.source}, row {row.id}" for row in rows]


def _compared(
    folders: tuple[Path, Path],
    both: tuple[Classifier, Classifier],
    rows: Sequence[FeedbackRow],
    places: Sequence[str],
    sources: Sequence[str],
    *,
    texts: bool,
    show: Show,
) -> Comparison:
    if not rows:
        raise InputError(f"{sources[0]} has no texts, so there is nothing to compare.")
    scored = score_both([row.text for row in rows], *both, show)
    if not scored.kept.size:
        raise InputError("There is no text that both weights can score, so there is nothing to compare.")
    kept = [rows[at] for at in scored.kept]
    languages, notes = _languages(kept, both)
    known = [each.info.config.topics for each in both]
    gold = gold_of(kept, {*known[0], *known[1]})
    changed = changes(scored.first, scored.second, gold.moods)
    measured = _measured(gold, languages, scored)
    parts, other_languages = _by_language(languages, scored, measured)
    weights = tuple(
        _weights(folder, each, speed)
        for folder, each, speed in zip(folders, both, scored.texts_per_second, strict=True)
    )
    only = tuple(tuple(name for name in mine if name not in others) for mine, others in (known, known[::-1]))
    comparison = Comparison(
        first=weights[0],
        second=weights[1],
        alike="weights"
        if weights[0].sha256 == weights[1].sha256
        else "network"
        if both[0].info.graph_sha256 == both[1].info.graph_sha256
        else None,
        sources=tuple(plain(PurePath(name).name) if name != PIPE else "standard input" for name in sources),
        rows=len(rows),
        unscored=scored.unscored,
        repeated=len(kept) - len({row.text for row in kept}),
        headline=(),
        labelled=measured,
        changes=changed,
        moods_changed=share_of(changed.moods_changed, changed.texts),
        languages=parts,
        other_languages=other_languages,
        topics_of_one=(only[0], only[1]),
        topics_of_none=gold.strange,
        texts=_changed_texts(kept, [places[at] for at in scored.kept], languages, scored, gold) if texts else None,
        notes=notes,
    )
    return replace(comparison, headline=headline(comparison))


def _measured(gold: Gold, languages: Sequence[str | None], scored: Scored) -> SideBySide | None:
    """None where no row has a label that could be measured."""
    frequent = {name for name, _ in Counter(languages).most_common(_MOST_LANGUAGES)}
    shown = [name if name in frequent else None for name in languages]
    found = side_by_side(gold, shown, scored.first, scored.second)
    return found if found.measured else None


def _by_language(
    languages: Sequence[str | None], scored: Scored, measured: SideBySide | None
) -> tuple[tuple[LanguagePart, ...], int]:
    """The most frequent languages, each with its changed moods and what was measured; and how many others there are."""
    counted = Counter(languages)
    changed = scored.first.decided != scored.second.decided
    parts = []
    for name, texts in counted.most_common(_MOST_LANGUAGES):
        here = np.array([each == name for each in languages])
        found = measured.languages.get(name, ()) if measured and name is not None else ()
        parts.append(LanguagePart(name, share_of(int(changed[here].sum()), texts), found))
    return tuple(parts), max(0, len(counted) - _MOST_LANGUAGES)


def _languages(
    rows: Sequence[FeedbackRow], both: tuple[Classifier, Classifier]
) -> tuple[list[str | None], tuple[str, ...]]:
    """The language of each row, by its column or else by what it looks like; and how that was found out."""
    missing = sum(not row.lang for row in rows)
    if not missing:
        return [row.lang for row in rows], ()
    try:
        from serving.hooks.languages import Languages
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != "py3langid":
            raise
        note = 'The language of texts without a language column is not known here: pip install "rida[inbox]" tells it.'
        return [row.lang or None for row in rows], (note,)
    known = {
        code
        for each in both
        for group in (each.info.config.languages.first_class, each.info.config.languages.supported)
        for code in group
    }
    guess = Languages(known)
    found = [row.lang or guess.of(row.text) for row in rows]
    return found, (f"The language of {missing:,} texts is guessed from their letters and words (py3langid).",)


def _weights(folder: Path, classifier: Classifier, texts_per_second: float) -> Weights:
    info = classifier.info
    return Weights(
        folder=plain(folder.resolve().name),
        name=info.name,
        version=info.version,
        sha256=info.sha256,
        own_topics=info.config.own_topics,
        megabytes=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / _MEGABYTE,
        texts_per_second=texts_per_second,
    )


def _changed_texts(
    rows: Sequence[FeedbackRow], places: Sequence[str], languages: Sequence[str | None], scored: Scored, gold: Gold
) -> tuple[ChangedText, ...]:
    first, second = scored.first, scored.second
    return tuple(
        ChangedText(
            text=_shortened(plain(rows[at].text[: 4 * _LONGEST])),
            place=plain(places[at]),
            id=plain(rows[at].id),
            language=languages[at],
            label=MOODS[gold.moods[at]] if gold.moods[at] != UNKNOWN else None,
            before=MOODS[first.decided[at]],
            after=MOODS[second.decided[at]],
            before_probability=float(first.moods[at, first.decided[at]]),
            after_probability=float(second.moods[at, second.decided[at]]),
        )
        for at in worst_first(first, second, gold.moods)[:MOST_TEXTS]
    )


def _shortened(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    start, _, _ = text[:_LONGEST].rpartition(" ")
    return f"{start if len(start) > _LONGEST // 2 else text[:_LONGEST]}…"


def _renderer(form: Form) -> Callable[[Comparison], str]:
    """The function that writes a comparison out; what it needs is imported now, and not after an hour of scoring."""
    if form == "json":
        from serving.teaching.comparison.as_json import as_json

        return as_json
    if form == "md":
        from serving.teaching.comparison.markdown import as_markdown

        return as_markdown
    with libraries_of_html("a comparison"):
        from serving.teaching.comparison.page import as_page
    return as_page
