"""What `rida conversations` and `rida corrections` do: work on the store without a server."""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from model.errors import InputError
from model.labels import TOPICS
from serving.output import cells, one_line, say, write
from serving.settings import Settings, read_settings
from serving.store.database import Database, open_database
from serving.store.learning import count_without_text, rates, training_rows
from serving.store.retention import delete_conversation, expire

_LOG_TRIES: Final = 10
_LOG_SECONDS: Final = 0.2
_NAME_COLUMNS: Final = 20

_CARD: Final = {
    "title": "Corrections by the support team",
    "licence": "texts of our own customers; not to be passed on",
}


def delete(args: argparse.Namespace) -> int:
    """Delete conversations with all that the store has of them."""
    missing = 0
    with _store(_settings(args)) as database:
        for name in args.conversations:
            system, _, external_id = name.partition(":")
            if not external_id:
                raise InputError(f"{name} is not the name of a conversation; write SYSTEM:ID, as in zammad:123")
            if database.change(delete_conversation, system, external_id):
                write(f"deleted {name}")
            else:
                missing += 1
                say(f"rida: there is no conversation {name}")
        _empty_log(database)
    return 1 if missing else 0


def expire_now(args: argparse.Namespace) -> int:
    """Take out what has been kept long enough, as a running server does every ten minutes."""
    settings = _settings(args)
    with _store(settings) as database:
        conversations = texts = 0
        more = True
        while more:
            gone = database.change(expire, keep_text_days=settings.keep_text_days, keep_days=settings.keep_days)
            conversations, texts, more = conversations + gone.conversations, texts + gone.texts, gone.more
        _empty_log(database)
    write(f"taken out: {conversations} conversations, {texts} texts")
    return 0


def _empty_log(database: Database) -> None:
    for _ in range(_LOG_TRIES):
        if database.empty_log():
            return
        time.sleep(_LOG_SECONDS)
    say(
        f"rida: somebody reads the store, so what is gone still stands in {database.engine.url.database}-wal; a "
        "running server empties it within ten minutes, and so does this command when nobody reads"
    )


def export(args: argparse.Namespace) -> int:
    """Write corrections as a source to train on."""
    folder = Path(args.output)
    folder.mkdir(parents=True, exist_ok=True)
    target, unfinished = folder / "train.jsonl.gz", folder / "train.jsonl.gz.unfinished"
    number = 0
    with _store(_settings(args)) as database, database.engine.connect() as connection:
        with gzip.open(unfinished, "wt", encoding="utf-8") as file:
            for row in training_rows(connection):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                number += 1
        without = count_without_text(connection)
    # In one step: who reads the folder meanwhile sees all of it, old or new.
    unfinished.replace(target)
    # What all weights know; a row whose weights knew more says so itself.
    card = {"name": folder.name, **_CARD, "topics_covered": list(TOPICS)}
    (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    write(f"{number} rows in {target}")
    if without:
        say(f"rida: {without} corrections have no text any more and are left out")
    return 0


def report(args: argparse.Namespace) -> int:
    """Show how often people disagreed with the model."""
    with _store(_settings(args)) as database:
        found = database.look(rates)
    if args.json:
        shape = {
            kind: [{"name": r.name, "messages": r.messages, "said": r.said, "changed": r.changed} for r in lines]
            for kind, lines in found.items()
        }
        write(json.dumps(shape, indent=2))
        return 0
    for kind, lines in found.items():
        write(f"{kind:<{_NAME_COLUMNS}}{'messages':>10}{'said':>8}{'changed':>9}{'of all':>9}")
        for line in lines:
            name = one_line(line.name, _NAME_COLUMNS)
            padded = name + " " * (_NAME_COLUMNS - cells(name))
            write(f"{padded}{line.messages:>10}{line.said:>8}{line.changed:>9}{100 * line.share:>7.1f} %")
        write("")
    return 0


def _settings(args: argparse.Namespace) -> Settings:
    settings = read_settings(vars(args), os.environ, ("store", "keep_text_days", "keep_days"))
    if settings.store is None:
        raise InputError("say which store: --store (RIDA_STORE)")
    if "://" not in settings.store and not Path(settings.store).exists():
        raise InputError(f"--store (RIDA_STORE): there is no file {settings.store}")
    return settings


@contextlib.contextmanager
def _store(settings: Settings) -> Iterator[Database]:
    assert settings.store is not None
    database = open_database(settings.store)
    try:
        yield database
    finally:
        database.close()
