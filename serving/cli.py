"""The `rida` command: its arguments, and how it ends.

Exit codes: 0 done; 1 done, but some texts have errors; 2 wrong use, unreadable input or unusable
weights; 130 interrupted; 141 nobody read the output to its end.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Final, NoReturn

from model.errors import InputError, RidaError
from rida import __version__
from serving import commands
from serving.cluster import command as cluster
from serving.output import prepare_streams, say
from serving.settings import add_flags
from serving.tables.flags import add_id_column, add_text_column, add_text_format, whole_number
from serving.teaching.comparison.command import add_compare
from serving.teaching.data_command import add_data
from serving.teaching.topics_command import add_topics
from serving.teaching.train import add_train

_TRAINING: Final = {
    "validate": "measure a trained network before its export",
    "export": "make a weights folder of a trained network",
    "distil": "teach weights a small graph, for speed fast",
    "upgrade": "write older weights as this version does, which scores them faster",
    "evaluate": "measure weights on labelled texts",
    "published": "measure weights on public sets beside published figures",
    "behaviour": "run behaviour suites on weights",
    "agreement": "compare two readings of the same texts",
}
_TEACHING: Final = ("train", "topics", "data", "compare")
"""Commands that have their arguments without the libraries of training, and need those to run."""

_OF_THE_STORE: Final = ("alembic", "httpx", "jinja2", "markdown_it", "nh3", "psycopg", "py3langid", "sqlalchemy")
"""What the extra `inbox` brings; a server without a store does not import it."""

_EXIT_CODES: Final = (
    "exit codes: 0 done; 1 done, but some texts have errors; 2 wrong use, unreadable input or unusable "
    "weights; 130 interrupted; 141 nobody read the output to its end"
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, as for every other error, in place of the whole usage."""
        raise InputError(f"{message} (see {self.prog} --help)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    prepare_streams()
    try:
        return _run(sys.argv[1:] if arguments is None else list(arguments))
    except BrokenPipeError:
        # What is still buffered has no reader either; without this Python complains about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (RidaError, OSError) as error:
        say(f"rida: {' '.join(str(error).split())}")
        return 2
    except KeyboardInterrupt:
        say("rida: interrupted")
        return 130


def _run(arguments: list[str]) -> int:
    asked = arguments[0] if arguments else ""
    try:
        args = make_parser(with_training=asked in _TRAINING).parse_args(arguments)
        code: int = args.run(args)
        sys.stdout.flush()
    except ModuleNotFoundError as error:
        # Anything missing elsewhere is a broken installation and shows itself as such.
        missing = str(error.name).partition(".")[0]
        if asked in ("serve", "conversations", "corrections") and missing in _OF_THE_STORE:
            raise InputError(f'a store needs {missing}: pip install "rida[inbox]"') from error
        if asked not in (*_TRAINING, *_TEACHING) or missing in ("training", "model", "data"):
            raise
        raise InputError(f'rida {asked} needs {error.name}: pip install "rida[train]"') from error
    return code


def make_parser(*, with_training: bool = False) -> argparse.ArgumentParser:
    """The parser of all commands; those of training have their arguments only where asked for."""
    parser: argparse.ArgumentParser = _Parser(
        prog="rida",
        description="How customers feel and what about: mood and topics of texts in many languages.",
        epilog=_EXIT_CODES,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"rida {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_classify(subparsers)
    _add_score(subparsers)
    _add_report(subparsers)
    _add_serve(subparsers)
    _add_model(subparsers)
    _add_conversations(subparsers)
    _add_corrections(subparsers)
    add_train(subparsers)
    add_topics(subparsers)
    add_data(subparsers)
    add_compare(subparsers)
    if with_training:
        # Training's own imports are heavy, and its libraries are an extra.
        from training.cli import add_commands

        add_commands(subparsers)
    else:
        for name, text in _TRAINING.items():
            subparsers.add_parser(name, help=text, add_help=False)
    return parser


def _add_classify(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "classify",
        help="mood and topics of a few texts, at once",
        description="Mood and topics of a few texts, at once.",
        allow_abbrev=False,
    )
    parser.add_argument("text", nargs="*", metavar="TEXT", help="a text; - or none reads one text a line from stdin")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each text")
    parser.add_argument("--all-topics", action="store_true", help="the scores of all topics")
    add_flags(parser, ("weights", "threads", "speed", "backend"))
    parser.set_defaults(run=commands.classify)


def _add_score(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "score",
        help="score files of any number of rows",
        description="Score files of any number of rows. IN and OUT are .csv .tsv .jsonl .parquet .xlsx, "
        "also .gz; - is JSONL on a pipe. All input columns are kept, in their order; mood, satisfied, "
        "neutral, dissatisfied, angry, topics, needs_review, truncated and error are added. A run that is "
        "stopped goes on with the same command.",
        allow_abbrev=False,
    )
    parser.add_argument("inputs", nargs="+", metavar="IN", help="file to read, pattern in quotes, or folder of Parquet")
    parser.add_argument("--output", required=True, metavar="OUT", help="file to write")
    add_text_column(parser)
    add_id_column(parser)
    add_text_format(parser)
    parser.add_argument(
        "--restart", action="store_true", help="throw away what a run before left, and score everything anew"
    )
    parser.add_argument("--triage", type=whole_number(1000), metavar="N", help="afterwards show the N angriest rows")
    add_flags(parser, ("weights", "threads", "speed", "backend"))
    cluster.add_flags(parser)
    parser.set_defaults(run=commands.score)


def _add_report(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "report",
        help="a page on what scored files say",
        description="One page on what outputs of rida score say: moods, topics, what angry customers write about, "
        "changes over time, languages and groups, drops and spikes beyond chance, texts that stand for "
        "others. RESULT is .csv .tsv .jsonl .parquet .xlsx, also .gz; - is JSONL on a pipe.",
        allow_abbrev=False,
    )
    parser.add_argument("inputs", nargs="+", metavar="RESULT", help="output of rida score")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="file to write; - is stdout")
    parser.add_argument(
        "--format", choices=("html", "md", "json"), help="what to write (default: as OUT's name ends, .html .md .json)"
    )
    parser.add_argument(
        "--date-column", metavar="NAME", help="column of dates (default: date, else the only one with dates)"
    )
    parser.add_argument("--language-column", metavar="NAME", help="column of languages (default: language, else lang)")
    parser.add_argument(
        "--group-by", action="append", default=[], metavar="NAME", help="column to compare by; may be given again"
    )
    add_text_column(parser)
    parser.add_argument("--no-texts", action="store_true", help="show no customer's text")
    add_text_format(parser)
    parser.set_defaults(run=commands.report)


def _add_serve(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "serve",
        help="answer over HTTP",
        description="Answer over HTTP. Each flag can be given as the variable named beside it.",
        allow_abbrev=False,
    )
    add_flags(parser)
    parser.set_defaults(run=commands.serve)


def _add_model(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "model",
        help="labels, languages, limits and thresholds of the weights in use",
        description="Labels, languages, limits, thresholds, version and checksum of the weights in use.",
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    add_flags(parser, ("weights", "speed", "backend"))
    parser.set_defaults(run=commands.model)


def _add_conversations(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "conversations",
        help="delete conversations from the store",
        description="Take conversations, or texts that have been kept long enough, out of the store.",
        allow_abbrev=False,
    )
    what = parser.add_subparsers(metavar="WHAT", required=True)
    delete = what.add_parser("delete", help="delete conversations with all that is kept of them", allow_abbrev=False)
    delete.add_argument("conversations", nargs="+", metavar="SYSTEM:ID", help="a conversation, as in zammad:123")
    add_flags(delete, ("store",))
    delete.set_defaults(run=lambda args: _store_commands().delete(args))
    expire = what.add_parser("expire", help="take out what has been kept long enough", allow_abbrev=False)
    add_flags(expire, ("store", "keep_text_days", "keep_days"))
    expire.set_defaults(run=lambda args: _store_commands().expire_now(args))


def _add_corrections(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "corrections",
        help="what people corrected in the inbox: rows to train on, and how often",
        description="What people corrected in the inbox.",
        allow_abbrev=False,
    )
    what = parser.add_subparsers(metavar="WHAT", required=True)
    export = what.add_parser("export", help="write them as a source to train on", allow_abbrev=False)
    export.add_argument("--output", required=True, metavar="FOLDER", help="folder of the source, in your data root")
    add_flags(export, ("store",))
    export.set_defaults(run=lambda args: _store_commands().export(args))
    report = what.add_parser("report", help="how often people disagreed with the model", allow_abbrev=False)
    report.add_argument("--json", action="store_true", help="the same as JSON")
    add_flags(report, ("store",))
    report.set_defaults(run=lambda args: _store_commands().report(args))


def _store_commands() -> ModuleType:
    # Its libraries are an extra.
    from serving import store_commands

    return store_commands


if __name__ == "__main__":
    sys.exit(main())
