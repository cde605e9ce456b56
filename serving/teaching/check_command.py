"""`rida data check`: what is probably wrong with a file of labelled texts, and what to mend first."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from string import ascii_lowercase
from typing import Any, Final

import numpy as np

from model.calibration import HeadLogits
from model.classifier import SHIPPED_WEIGHTS
from model.errors import InputError
from model.labels import MAX_OWN_TOPICS
from serving.hooks.languages import Languages
from serving.output import one_line, say, write
from serving.settings import read_settings
from serving.tables.inputs import expanded
from serving.tables.progress import shown_progress
from serving.tables.source import PIPE
from serving.tables.table import CHUNK_ROWS, Row
from serving.teaching.labelled import LabelledRows, asked_columns, read_labelled
from serving.teaching.rows_file import check_output, write_rows
from training.embedding import Embedded, Embedder
from training.label_checks import (
    KINDS,
    Finding,
    label_findings,
    label_of,
    misspelt_topics,
    odd_texts,
    rare_languages,
    repeats,
    small_classes,
    worst_first,
)
from training.label_errors import find_label_errors
from training.near_duplicates import first_alike

FORMAT: Final = 1
"""Of the JSON; rises when a key goes or changes its meaning."""

COLUMNS: Final = (
    "rank", "kind", "place", "id", "language", "split", "label", "suggestion", "message", "weight", "other_places",
    "text", "repaired",
)  # fmt: skip
_TEXTS: Final = ("text", "repaired")

_SHOWN: Final = 10
_OTHERS: Final = 20  # places of other rows that a cell names
_TEXT_COLUMNS: Final = 100
_MOST_TOPICS: Final = 10 * MAX_OWN_TOPICS  # of which many may be misspelt

_TELLING: Final = 40
"""Characters from which a text says which language it is in; shorter ones are often taken for another."""

_TWO_LETTERS: Final = tuple(map("".join, product(ascii_lowercase, repeat=2)))
"""Codes of the large languages; longer ones are mostly of their dialects, which a few words do not tell apart."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """Labelled rows, a language for each (None: not known), and what was found."""

    labelled: LabelledRows
    languages: list[str | None]
    findings: list[Finding]


def run(args: argparse.Namespace) -> int:
    """Checks labelled texts; 1 if something was found."""
    inputs = expanded(args.inputs, args.output or PIPE, say)
    if args.output is not None:
        check_output(args.output, inputs)
        if args.output == PIPE and args.json:
            raise InputError("--output - and --json would both write to standard output; give one of them")
    settings = read_settings(vars(args), os.environ, ("weights", "threads"))
    labelled = read_labelled(inputs, asked_columns(args), say)
    if len(labelled.topics) > _MOST_TOPICS:
        raise InputError(
            f"the column of topics has {len(labelled.topics):,} different ones, and weights have at most "
            f"{MAX_OWN_TOPICS} own ones; is it the right one (--topics-column)?"
        )
    if not labelled.rows:
        raise InputError("there is no labelled text to check.")
    checked = _check(labelled, Embedder(settings.weights or SHIPPED_WEIGHTS, threads=settings.threads))
    rows = [_row(rank, each, checked) for rank, each in enumerate(checked.findings, start=1)]
    if args.output is not None:
        columns = [name for name in COLUMNS if not (args.no_texts and name in _TEXTS)]
        write_rows(args.output, columns, rows, say)
    if args.json:
        hidden = _TEXTS if args.no_texts else ()
        shape = [{name: value for name, value in row.items() if name not in hidden} for row in rows]
        write(json.dumps(_summary(checked) | {"findings": shape}, ensure_ascii=False, indent=2))
    elif args.output != PIPE:
        write("\n".join(_told(checked, args.output, texts=not args.no_texts)))
    return 1 if checked.findings else 0


def _check(labelled: LabelledRows, embedder: Embedder) -> _Checked:
    rows = labelled.rows
    texts = [row.text for row in rows]
    alike = first_alike(texts)
    read = _embedded(embedder, texts)
    unreadable = sorted(set(range(len(rows))) - set(read.kept))
    config = embedder.info.config
    known = Languages([*config.languages.first_class, *config.languages.supported, *_TWO_LETTERS])
    languages = [row.lang or (known.of(row.text) if len(row.text) >= _TELLING else None) for row in rows]
    errors = find_label_errors(
        [rows[at] for at in read.kept], read.vectors, read.heads, [alike[at] for at in read.kept], config,
        labelled.topics,
    )  # fmt: skip
    found = [
        *repeats(rows, labelled.splits, alike),
        *small_classes(rows, labelled.splits, labelled.topics),
        *misspelt_topics(rows),
        *rare_languages(languages),
        *odd_texts(texts, unreadable, read.truncated),
    ]
    return _Checked(labelled, languages, worst_first([*found, *label_findings(errors, found, read.kept)]))


def _embedded(embedder: Embedder, texts: Sequence[str]) -> Embedded:
    """The vectors and logits of all texts, in parts, so that a terminal sees how far it is."""
    parts: list[Embedded] = []
    with shown_progress("scoring", wanted=sys.stderr.isatty()) as show:
        for start in range(0, len(texts), CHUNK_ROWS):
            parts.append(embedder.embed(texts[start : start + CHUNK_ROWS]))
            done = min(start + CHUNK_ROWS, len(texts))
            show(done, done / len(texts))
    read = [part for part in parts if part.kept]
    if not read:
        raise InputError("there is nothing in these texts that the weights can read.")
    starts = [number * CHUNK_ROWS for number in range(len(parts))]
    return Embedded(
        vectors=np.concatenate([part.vectors for part in read]),
        heads=HeadLogits(*(np.concatenate(logits) for logits in zip(*(part.heads for part in read), strict=True))),
        kept=[start + at for start, part in zip(starts, parts, strict=True) for at in part.kept],
        truncated=[start + at for start, part in zip(starts, parts, strict=True) for at in part.truncated],
    )


def _row(rank: int, finding: Finding, checked: _Checked) -> Row:
    at = finding.rows[0] if finding.rows else None
    row = None if at is None else checked.labelled.rows[at]
    places = [checked.labelled.places[other] for other in finding.rows[1:]]
    more = [f"and {len(places) - _OTHERS:,} more"] if len(places) > _OTHERS else []
    return {
        "rank": rank,
        "kind": finding.kind,
        "place": None if at is None else checked.labelled.places[at],
        "id": row and row.id,
        "language": None if at is None else checked.languages[at],
        "split": None if at is None else checked.labelled.splits[at],
        "label": finding.label or (label_of(row) if row else None),
        "suggestion": finding.suggestion or None,
        "message": finding.message,
        "weight": round(finding.weight, 4),
        "other_places": [*places[:_OTHERS], *more],
        "text": row and row.text,
        "repaired": finding.repaired or None,
    }


def _summary(checked: _Checked) -> dict[str, Any]:
    counts = {kind: sum(each.kind == kind for each in checked.findings) for kind in KINDS}
    return {"format": FORMAT, "texts": len(checked.labelled.rows), "counts": counts}


def _told(checked: _Checked, output: str | None, *, texts: bool) -> list[str]:
    """What a person at a terminal reads."""
    count = len(checked.labelled.rows)
    if not checked.findings:
        return [f"{count:,} labelled texts: nothing found that looks wrong."]
    findings = len(checked.findings)
    lines = [f"{count:,} labelled texts, {findings:,} {'finding' if findings == 1 else 'findings'}, the worst first:"]
    for kind, title in KINDS.items():
        found = [each for each in checked.findings if each.kind == kind]
        if found:
            lines += ["", f"{title} ({len(found):,})"]
            for each in found[:_SHOWN]:
                lines += _lines(each, checked, texts=texts)
            if len(found) > _SHOWN:
                where = output or "--output FILE"
                lines.append(f"  and {len(found) - _SHOWN:,} more: {where} {'has' if output else 'writes'} all")
    return lines


def _lines(finding: Finding, checked: _Checked, *, texts: bool) -> list[str]:
    places = [checked.labelled.places[at] for at in finding.rows]
    others = f" (and {places[1]}{f' and {len(places) - 2:,} more' if len(places) > 2 else ''})" if places[1:] else ""
    told = one_line(finding.message, 400)
    lines = [f"  {one_line(places[0] + others, 400)}: {told}" if places else f"  {told}"]
    if texts and finding.rows and finding.kind not in ("class", "topic_name", "language"):
        lines.append(f"      {one_line(checked.labelled.rows[finding.rows[0]].text, _TEXT_COLUMNS)}")
        if finding.repaired:
            lines.append(f"      → {one_line(finding.repaired, _TEXT_COLUMNS)}")
    return lines
