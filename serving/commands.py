"""What each command does.

A library is imported by the command that needs it, so that `rida classify` starts fast.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Final

from model.errors import InputError
from model.prediction import Rejection
from rida import load
from serving.cluster.command import check_flags, score_on_ray
from serving.describe import describe_answer, describe_model, describe_run
from serving.output import say, write
from serving.settings import read_settings

if TYPE_CHECKING:
    from serving.triage import Triage

_TEXTS_AT_ONCE: Final = 64


def classify(args: argparse.Namespace) -> int:
    """Answer for the texts given, or for each line of stdin."""
    if not args.text and sys.stdin.isatty():
        raise InputError('give a text, as in rida classify "Great service!", or pipe texts in, one a line')
    settings = read_settings(vars(args), os.environ, ("weights", "threads", "speed", "backend"))
    classifier = load(settings.weights, threads=settings.threads, speed=settings.speed, backend=settings.backend)
    texts = _lines() if args.text in ([], ["-"]) else iter(args.text)
    done = 0
    rejected = False
    while part := list(islice(texts, _TEXTS_AT_ONCE)):
        ids = [str(done + position) for position in range(len(part))]
        for text, answer in zip(part, classifier.classify(part, ids=ids), strict=True):
            rejected = rejected or isinstance(answer, Rejection)
            if args.json:
                write(json.dumps(answer.as_dict(all_topics=args.all_topics)))
            else:
                write(describe_answer(text, answer, all_topics=args.all_topics))
        done += len(part)
    return 1 if rejected else 0


def _lines() -> Iterator[str]:
    """Lines of stdin; bytes that are not UTF-8 stay visible to the classifier as lone surrogates."""
    for number, line in enumerate(sys.stdin.buffer):
        text = line.decode("utf-8", errors="surrogateescape").rstrip("\r\n")
        yield text.removeprefix("\ufeff") if number == 0 else text


def score(args: argparse.Namespace) -> int:
    """Score files; 1 if some rows have errors."""
    check_flags(args)
    if args.engine == "ray":
        with sigterm_as_interrupt():
            return score_on_ray(args)
    from serving.score import score as score_files

    settings = read_settings(vars(args), os.environ, ("weights", "threads", "speed", "backend"))
    classifier = load(settings.weights, threads=settings.threads, speed=settings.speed, backend=settings.backend)
    with sigterm_as_interrupt(), _triage(args.triage, args.output) as watchers:
        summary = score_files(
            args.inputs,
            args.output,
            classifier=classifier,
            text_column=args.text_column,
            id_column=args.id_column,
            encoding=args.encoding,
            delimiter="\t" if args.delimiter == r"\t" else args.delimiter,
            restart=args.restart,
            watchers=watchers,
            progress=sys.stderr.isatty(),
            say=say,
        )
        say(describe_run(summary))
    return 1 if summary.errors else 0


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Lets a run that is told to stop say what it keeps and clear the rest away, as after Ctrl-C."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _triage(most: int | None, output: str) -> Iterator[list[Triage]]:
    """Who watches the rows; at the end, where asked for, a table of the angriest is shown."""
    if most is None:
        yield []
        return
    from serving.triage import Triage, show_table

    triage = Triage(most)
    yield [triage]
    # Where the scored rows themselves go to stdout, a table among them would spoil them.
    show_table(triage.angriest(), sys.stderr if output == "-" else sys.stdout)


def report(args: argparse.Namespace) -> int:
    """Report on scored files."""
    from serving.report.columns import Asked
    from serving.report.report import write_report
    from serving.tables.progress import shown_progress

    asked = Asked(
        text=args.text_column,
        date=args.date_column,
        language=args.language_column,
        groups=tuple(args.group_by),
        texts=not args.no_texts,
    )
    with sigterm_as_interrupt(), shown_progress("reading", wanted=sys.stderr.isatty()) as show:
        write_report(
            args.inputs,
            args.output,
            asked=asked,
            form=args.format,
            encoding=args.encoding,
            delimiter=args.delimiter,
            show=show,
            say=say,
        )
    return 0


def serve(args: argparse.Namespace) -> int:
    """Answer over HTTP until a signal."""
    from serving.http.server import serve as serve_http

    return serve_http(read_settings(vars(args), os.environ))


def model(args: argparse.Namespace) -> int:
    """Show what the weights in use know and where their limits are."""
    settings = read_settings(vars(args), os.environ, ("weights", "speed", "backend"))
    info = load(settings.weights, threads=1, speed=settings.speed, backend=settings.backend).info.as_dict()
    write(json.dumps(info, indent=2) if args.json else describe_model(info))
    return 0
