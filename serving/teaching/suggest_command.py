"""`rida data suggest`: from files of any length, the texts whose labels would help most, in a file ready to fill."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from model.classifier import SHIPPED_WEIGHTS
from model.config import WeightsConfig
from model.errors import InputError
from model.labels import MOODS
from serving.describe import percent
from serving.hooks.languages import Languages
from serving.output import say
from serving.settings import read_settings
from serving.tables.inputs import expanded
from serving.tables.progress import shown_progress
from serving.tables.table import Row, names
from serving.teaching.labelled import Asked, read_labelled
from serving.teaching.rows_file import check_output, write_rows
from serving.teaching.unlabelled import LeftOut, read_unlabelled
from training.doubt import answers
from training.embedding import Embedder
from training.suggest import Candidate, Pool, Suggestion, choose

COLUMNS: Final = ("id", "text", "language", "mood", "topics", "suggested_mood", "suggested_topics", "why")
"""What is written; `mood` and `topics` are to be filled."""

_REASONS: Final = 3


def run(args: argparse.Namespace) -> int:
    """Chooses texts to label and writes them."""
    inputs = expanded(args.inputs, args.output, say)
    labelled_files = expanded(args.labelled, args.output, say)
    check_output(args.output, [*inputs, *labelled_files])
    settings = read_settings(vars(args), os.environ, ("weights", "threads"))
    labelled = [row.text for row in read_labelled(labelled_files, Asked(), say).rows] if labelled_files else []
    embedder = Embedder(settings.weights or SHIPPED_WEIGHTS, threads=settings.threads)
    config = embedder.info.config
    pool = _doubtful(inputs, args, labelled, embedder)
    if not pool.seen:
        raise InputError(f"{names(inputs)}: there is no text that could be labelled next.")
    chosen = choose(pool, args.count, labelled)
    if not chosen:
        raise InputError(f"{names(inputs)}: every text nearly repeats one that is labelled already.")
    write_rows(args.output, COLUMNS, [_row(each, config) for each in chosen], say)
    _tell(chosen, args)
    return 0


def _doubtful(inputs: Sequence[str], args: argparse.Namespace, labelled: Sequence[str], embedder: Embedder) -> Pool:
    """Reads and scores all texts, and keeps those that the weights are most in doubt about."""
    config = embedder.info.config
    languages = Languages([*config.languages.first_class, *config.languages.supported])
    pool, left_out = Pool(args.count), LeftOut()
    asked = Asked(
        text=args.text_column,
        id=args.id_column,
        language=args.language_column,
        encoding=args.encoding,
        delimiter=args.delimiter,
    )
    with shown_progress("reading", wanted=sys.stderr.isatty()) as show:
        for part in read_unlabelled(inputs, asked, labelled, left_out, show=show, say=say):
            read = embedder.embed(part.texts)
            for at in sorted(set(range(len(part.texts))) - set(read.kept)):
                left_out.add("there is nothing in them that the weights can read", part.places[at])
            if read.kept:
                pool.offer(
                    [part.ids[at] for at in read.kept],
                    [part.texts[at] for at in read.kept],
                    [part.languages[at] or languages.of(part.texts[at]) or "" for at in read.kept],
                    read.vectors,
                    answers(read.heads, config),
                )
    left_out.tell(say)
    return pool


def _row(suggestion: Suggestion, config: WeightsConfig) -> Row:
    candidate = suggestion.candidate
    over = [at for at, name in enumerate(config.topics) if candidate.topics[at] >= config.thresholds.topics[name]]
    return {
        "id": candidate.id,
        "text": candidate.text,
        "language": candidate.language,
        "suggested_mood": MOODS[candidate.decided],
        "suggested_topics": [config.topics[at] for at in sorted(over, key=lambda at: -candidate.topics[at])],
        "why": _why(candidate, config) + _alike(suggestion.alike),
    }


def _why(candidate: Candidate, config: WeightsConfig) -> str:
    """The doubts that make up at least half of all, the largest first."""
    doubts = [(candidate.mood_cost, _mood_doubt(candidate, config.thresholds.angry))]
    for name, probability, cost in zip(config.topics, candidate.topics, candidate.topic_costs, strict=True):
        said_from = percent(config.thresholds.topics[name])
        doubts.append((float(cost), f"{name} {percent(float(probability))} (said from {said_from})"))
    told: list[str] = []
    rest = candidate.doubt / 2
    for cost, words in sorted(doubts, key=lambda doubt: -doubt[0])[:_REASONS]:
        if rest <= 0:
            break
        told.append(words)
        rest -= cost
    return "; ".join(told)


def _mood_doubt(candidate: Candidate, angry_threshold: float) -> str:
    first, second = np.argsort(-candidate.moods, kind="stable")[:2]
    told = " or ".join(f"{MOODS[at]} {percent(float(candidate.moods[at]))}" for at in (first, second))
    return f"{told} (angry is said from {percent(angry_threshold)})" if "angry" in told else told


def _alike(count: int) -> str:
    return f"; {count} more {'is' if count == 1 else 'are'} like it" if count else ""


def _tell(chosen: Sequence[Suggestion], args: argparse.Namespace) -> None:
    languages = Counter(each.candidate.language or "unknown" for each in chosen)
    shares = ", ".join(f"{language} {count}" for language, count in languages.most_common())
    texts = f"{len(chosen):,} texts" if len(chosen) > 1 else "1 text"
    say(f"{texts} to label, most helpful first: {shares}.")
    if len(chosen) < args.count:
        say(f"{args.count:,} were asked for; there are no more that differ from each other.")
    if args.output != "-":
        say(f"Fill mood (and topics, with ; between) in {args.output}, then: rida train --data {args.output}")
