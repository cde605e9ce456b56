"""The training commands of `rida`: their arguments, and what they say when they are done."""

from __future__ import annotations

import argparse
import json
import logging
import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args

from data.errors import SourceError
from model.classifier import load
from model.config import Backend, Speed
from model.errors import InputError, RecipeError
from model.manifest import write_manifest
from training.agreement import measure_agreement
from training.behaviour import measure_behaviour
from training.card import read_notes, write_card
from training.corpus import read_corpus
from training.distil import Settings
from training.evaluate import EVALUATION, evaluate
from training.export import ExportSettings, export
from training.fast import Texts, teach_fast
from training.margins import ALL
from training.published import measure_published
from training.recipe import read_recipe
from training.report import percent, table
from training.train import NETWORK_FOLDER, train
from training.upgrade import upgrade
from training.validate import validate

log = logging.getLogger(__name__)


def add_commands(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the training commands; each parser sets `run`, a function of the parsed arguments."""
    _add_validate(subparsers)
    _add_evaluate(subparsers)
    _add_published(subparsers)
    _add_behaviour(subparsers)
    _add_agreement(subparsers)
    _add_export(subparsers)
    _add_distil(subparsers)
    _add_upgrade(subparsers)


def _add_validate(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("validate", help="measure a finished training run on validation rows")
    parser.add_argument("training", type=Path, help="the --output folder of `rida train`")
    parser.add_argument("--data-root", type=Path, required=True, help="folder with one folder a source")
    parser.add_argument(
        "--data", nargs="+", default=["annotated"], metavar="SOURCE", help="names of sources (annotated)"
    )
    parser.set_defaults(run=partial(run_training, _validate))


def _add_evaluate(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("evaluate", help="measure a weights folder on labelled rows")
    parser.add_argument("weights", type=Path, help="weights folder")
    parser.add_argument("--data", nargs="+", required=True, metavar="SOURCE", help="names of sources")
    parser.add_argument("--data-root", type=Path, required=True, help="folder with one folder a source")
    parser.add_argument("--split", choices=("train", "validation", "test"), default="test")
    parser.add_argument("--limit", type=_positive, help="measure at most so many rows of a source")
    parser.add_argument("--output", type=Path, required=True, help="folder for the report")
    parser.add_argument("--speed", choices=get_args(Speed), help="as rida score takes it")
    parser.add_argument("--backend", choices=get_args(Backend), help="as rida score takes it")
    parser.add_argument(
        "--card", nargs="*", type=Path, metavar="REPORT",
        help="also write the figures into the model card, with those of earlier evaluations in these folders",
    )  # fmt: skip
    parser.add_argument(
        "--notes", type=Path, help="Markdown file for the card: what was seen on reading these weights' errors"
    )
    parser.set_defaults(run=partial(run_training, _evaluate))


def _add_published(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("published", help="measure a weights folder on public sets beside published figures")
    parser.add_argument("weights", type=Path, help="weights folder")
    parser.add_argument("--data-root", type=Path, required=True, help="folder with one folder a source")
    parser.add_argument("--output", type=Path, required=True, help="folder for the table")
    parser.set_defaults(run=partial(run_training, _published))


def _add_behaviour(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("behaviour", help="run behaviour suites on a weights folder")
    parser.add_argument("weights", type=Path, help="weights folder")
    parser.add_argument("--cases", type=Path, required=True, help="folder with one JSON file of cases a language")
    parser.add_argument("--output", type=Path, required=True, help="folder for the pass rates")
    parser.set_defaults(run=partial(run_training, _behaviour))


def _add_agreement(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("agreement", help="compare second readings of annotated texts with their labels")
    parser.add_argument("readings", type=Path, help="annotations file of texts of the source")
    parser.add_argument("--source", type=Path, required=True, help="folder of the annotated source")
    parser.add_argument("--output", type=Path, required=True, help="folder for the figures")
    parser.set_defaults(run=partial(run_training, _agreement))


def _add_export(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    defaults = ExportSettings()
    parser = subparsers.add_parser("export", help="make a weights folder of a finished training run")
    parser.add_argument("training", type=Path, help="the --output folder of `rida train`")
    parser.add_argument("--data-root", type=Path, required=True, help="folder with one folder a source")
    parser.add_argument("--output", type=Path, required=True, help="weights folder to write")
    parser.add_argument("--version", default=defaults.version, help="version of the weights (%(default)s)")
    parser.add_argument(
        "--pieces", type=int, default=defaults.pieces, help="pieces to keep in the vocabulary (%(default)s)"
    )
    parser.add_argument(
        "--calibrate-on", nargs="+", default=list(defaults.calibrate_on), metavar="SOURCE",
        help="sources whose validation rows fit temperatures and thresholds (annotated)",
    )  # fmt: skip
    parser.set_defaults(run=partial(run_training, _export))


def _add_distil(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    texts, settings = Texts(), Settings()
    parser = subparsers.add_parser("distil", help='teach a small graph what weights say, for speed "fast"')
    parser.add_argument("weights", type=Path, help="weights folder without topics of its own")
    parser.add_argument("--recipe", type=Path, required=True, help="TOML file whose sources give the texts")
    parser.add_argument("--data-root", type=Path, required=True, help="folder with one folder a source")
    parser.add_argument("--work", type=Path, required=True, help="folder for what is read and learned; goes on there")
    parser.add_argument("--output", type=Path, required=True, help="weights folder to write, with both graphs")
    parser.add_argument("--texts", type=_positive, default=texts.drawn, help="texts to draw (%(default)s)")
    parser.add_argument("--passes", type=_positive, default=settings.passes, help="passes over them (%(default)s)")
    parser.add_argument("--seed", type=int, default=texts.seed, help="which texts are drawn (%(default)s)")
    parser.add_argument("--further", action="store_true", help="teach the small graph that the weights have further")
    parser.add_argument("--backend", choices=get_args(Backend), default="onnxruntime", help="what reads the texts")
    parser.set_defaults(run=partial(run_training, _distil))


def _add_upgrade(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("upgrade", help="write older weights as this version does, which scores them faster")
    parser.add_argument("weights", type=Path, help="weights folder")
    parser.add_argument("--output", type=Path, required=True, help="weights folder to write")
    parser.add_argument("--recipe", type=Path, help='TOML file of sources, to choose the margins of speed "fast" anew')
    parser.add_argument("--data-root", type=Path, help="folder with one folder a source, for --recipe")
    parser.set_defaults(run=partial(run_training, _upgrade))


def _positive(raw: str) -> int:
    if not raw.isdecimal() or int(raw) < 1:
        raise argparse.ArgumentTypeError("must be a whole number from 1 on")
    return int(raw)


def run_training(command: Callable[[argparse.Namespace], None], arguments: argparse.Namespace) -> int:
    """Runs a command; a fault in a source becomes an error of rida's own, since `data` knows nothing of those."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        command(arguments)
    except SourceError as error:
        raise RecipeError(str(error)) from error
    return 0


def train_by_recipe(arguments: argparse.Namespace) -> None:
    """`rida train --recipe`, whose arguments stand beside those of `rida train --data`."""
    recipe = read_recipe(arguments.recipe)
    arguments.output.mkdir(parents=True, exist_ok=True)
    train(recipe, data_root=arguments.data_root, output=arguments.output, encoder=arguments.encoder)


def _evaluate(arguments: argparse.Namespace) -> None:
    if arguments.notes is not None and arguments.card is None:
        raise InputError("--notes are for the card; give --card too, or leave them out")
    chosen = [word for name in ("speed", "backend") if (one := getattr(arguments, name)) for word in (f"--{name}", one)]
    if chosen and arguments.card is not None:
        raise InputError(f"--card is for figures without {' '.join(chosen)}; leave one of them out")
    notes = None if arguments.notes is None else read_notes(arguments.notes)
    limit = [] if arguments.limit is None else ["--limit", str(arguments.limit)]
    command = ["rida", "evaluate", "WEIGHTS", "--data-root", "DATA", "--output", "REPORT"]
    evaluation = evaluate(
        load(arguments.weights, speed=arguments.speed, backend=arguments.backend),
        data_root=arguments.data_root,
        sources=arguments.data,
        split=arguments.split,
        output=arguments.output,
        limit=arguments.limit,
        command=shlex.join([*command, "--split", arguments.split, *limit, *chosen, "--data", *arguments.data]),
    )
    for name, value in evaluation["averages"].items():
        log.info("%s: %s", name.replace("_", " "), percent(value))
    log.info("report: %s", arguments.output)
    if arguments.card is not None:
        earlier = [_earlier(report, evaluation["weights"]) for report in arguments.card]
        write_card(arguments.weights, evaluations=[*earlier, evaluation], notes=notes)
        write_manifest(arguments.weights)


def _validate(arguments: argparse.Namespace) -> None:
    network = arguments.training / NETWORK_FOLDER
    measured = validate(network, data_root=arguments.data_root, sources=arguments.data)
    for line in table({"all": measured["overall"], **measured["languages"]}):
        log.info("%s", line)
    for name, value in measured["averages"].items():
        log.info("%s: %s", name.replace("_", " "), percent(value))


def _published(arguments: argparse.Namespace) -> None:
    command = "rida published WEIGHTS --data-root DATA --output REPORT"
    found = measure_published(
        arguments.weights, data_root=arguments.data_root, output=arguments.output, command=command
    )
    for name, standing in found["standing"].items():
        log.info("%s: %s", name, ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in standing.items()))
    log.info("table: %s", arguments.output)


def _behaviour(arguments: argparse.Namespace) -> None:
    command = f"rida behaviour WEIGHTS --cases {arguments.cases.as_posix()} --output REPORT"
    found = measure_behaviour(arguments.weights, cases=arguments.cases, output=arguments.output, command=command)
    log.info("%d of %d cases pass; table: %s", found["passed"], found["cases"], arguments.output)


def _agreement(arguments: argparse.Namespace) -> None:
    command = f"rida agreement {arguments.readings.as_posix()} --source DATA/{arguments.source.name} --output REPORT"
    found = measure_agreement(arguments.readings, source=arguments.source, output=arguments.output, command=command)
    log.info("%d texts, mood macro-F1 %s", found["texts"], percent(found["mood"]["macro_f1"]))


def _earlier(report: Path, weights: dict[str, str]) -> dict[str, Any]:
    path = report / EVALUATION
    try:
        evaluation: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as an evaluation ({error}); run `rida evaluate` again") from error
    if evaluation["weights"] != weights:
        raise InputError(f"{path}: measured other weights ({evaluation['weights']}); run `rida evaluate` again")
    return evaluation


def _export(arguments: argparse.Namespace) -> None:
    settings = ExportSettings(
        version=arguments.version, pieces=arguments.pieces, calibrate_on=tuple(arguments.calibrate_on)
    )
    export(
        arguments.training / NETWORK_FOLDER,
        data_root=arguments.data_root,
        output=arguments.output,
        settings=settings,
    )


def _upgrade(arguments: argparse.Namespace) -> None:
    if (arguments.recipe is None) != (arguments.data_root is None):
        raise InputError("--recipe and --data-root go together; give both, or leave both out")
    corpus = None if arguments.recipe is None else read_corpus(read_recipe(arguments.recipe), arguments.data_root)
    upgrade(arguments.weights, arguments.output, corpus=corpus)
    log.info("weights: %s", arguments.output)


def _distil(arguments: argparse.Namespace) -> None:
    found = teach_fast(
        arguments.weights,
        read_recipe(arguments.recipe),
        data_root=arguments.data_root,
        work=arguments.work,
        output=arguments.output,
        settings=Settings(passes=arguments.passes, further=arguments.further),
        texts=Texts(drawn=arguments.texts, seed=arguments.seed, backend=arguments.backend),
    )
    log.info(
        "%s %% of texts are passed on; mood macro-F1 %s, of the full graph alone %s",
        percent(found.passed_on), percent(found.fast.mood_macro_f1[ALL]), percent(found.full.mood_macro_f1[ALL]),
    )  # fmt: skip
