"""`rida train`: weights made of somebody's own labels, or an encoder trained by a recipe."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path
from typing import Final

from model.errors import InputError, RecipeError
from serving.output import say, write
from serving.settings import add_flags, read_settings
from serving.teaching.label_flags import add_column_flags

_OF_RECIPES: Final = ("recipe", "data_root", "encoder")
_OF_OWN_LABELS: Final = (
    "text_column", "mood_column", "stars_column", "topics_column", "id_column", "language_column", "split_column",
    "labels", "encoding", "delimiter", "weights", "name", "version",
)  # fmt: skip


def add_train(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command; its libraries are imported when it runs."""
    parser = subparsers.add_parser(
        "train",
        help="train on your own labels, or an encoder by a recipe",
        description="Train the weights further on your own labelled texts, offline. FILE is .csv .tsv .jsonl "
        ".parquet .xlsx, with a text and its mood, stars or topics in each row; topics that the weights do not know "
        "are learned as new ones. At the end the new weights are measured beside those they came from, on texts that "
        "were not learned. A run that is stopped goes on with the same command.",
        allow_abbrev=False,
    )
    parser.add_argument("--data", nargs="+", metavar="FILE", help="files of labelled texts")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FOLDER",
        help="weights folder to write; with --recipe the folder for checkpoints, log and network",
    )  # fmt: skip
    add_flags(parser, ("weights",))
    add_column_flags(parser)
    parser.add_argument(
        "--split-column", metavar="NAME",
        help="column of train, validation or test (default: split, else chosen by a hash of the text)",
    )  # fmt: skip
    parser.add_argument("--name", metavar="NAME", help="name of the new weights (default: that of the folder)")
    parser.add_argument("--version", metavar="VERSION", help="version of the new weights (default: 1)")
    recipes = parser.add_argument_group("by a recipe", "In place of --data: train an encoder from public sources.")
    recipes.add_argument("--recipe", type=Path, metavar="TOML", help="file that decides what comes out")
    recipes.add_argument("--data-root", type=Path, metavar="FOLDER", help="folder with one folder a source")
    recipes.add_argument("--encoder", metavar="FOLDER", help="the recipe's encoder, where there is no hub to reach")
    parser.set_defaults(run=_train)


def _train(args: argparse.Namespace) -> int:
    if args.recipe is not None and args.data is not None:
        raise InputError("give --data with your own labels, or --recipe with --data-root, not both")
    if args.recipe is not None:
        _refuse(args, _OF_OWN_LABELS, "with --data")
        if args.data_root is None:
            raise InputError("--recipe needs --data-root, the folder with one folder a source")
        from training.cli import run_training, train_by_recipe

        return run_training(train_by_recipe, args)
    if args.data is None:
        raise InputError("give --data with files of your own labels, or --recipe with --data-root (see rida train -h)")
    _refuse(args, _OF_RECIPES, "with --recipe")
    return _train_on_own_labels(args)


def _refuse(args: argparse.Namespace, names: tuple[str, ...], where: str) -> None:
    given = next((name for name in names if getattr(args, name) is not None), None)
    if given is not None:
        raise InputError(f"--{given.replace('_', '-')} has a meaning only {where}; leave it out")


def _train_on_own_labels(args: argparse.Namespace) -> int:
    from data.errors import SourceError
    from model.classifier import SHIPPED_WEIGHTS
    from serving.teaching.labelled import asked_columns, read_labelled
    from training.adapt import Own, adapt
    from training.adaptation_words import summary

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    settings = read_settings(vars(args), os.environ, ("weights",))
    base = SHIPPED_WEIGHTS if settings.weights is None else Path(settings.weights)
    labelled = read_labelled(args.data, asked_columns(args), say)
    try:
        adaptation = adapt(
            base,
            Own(labelled.rows, labelled.splits),
            output=args.output,
            name=args.name or args.output.resolve().name,
            version=args.version or "1",
            say=say,
        )
    except SourceError as error:  # the texts to rehearse, which come with the installation
        raise RecipeError(str(error)) from error
    assert adaptation is not None  # only a run that is told after how many steps to stop gives none
    for line in summary(adaptation):
        write(line)
    say(f"The weights are in {args.output}: rida score --weights {args.output} …")
    return 0
