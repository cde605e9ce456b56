"""A process that is killed at chosen moments: run as a script, it forks, and each child scores until it is killed.

    python killing.py FOLDER SEED TIMES SOURCE TARGET

What a child does is counted in calls of Python and C functions, whichever thread makes them. For each of TIMES random
numbers of calls, a child is killed there with SIGKILL; another then goes on with the same command, sometimes to be
killed as well. Prints one line of JSON for each case: how far the killed run was, and whether the result was
byte for byte that of a run that was never killed, with nothing else left behind.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from table_files import Stub, write_rows  # noqa: E402

# What a child would have to import is imported once, here, so that no kill falls into an import.
import serving.tables.parquet_writer  # noqa: E402
import serving.tables.xlsx_file  # noqa: E402
import serving.tables.xlsx_writer  # noqa: E402, F401
from serving.batch import repeats  # noqa: E402
from serving.batch.job import library_versions  # noqa: E402
from serving.score import score  # noqa: E402
from serving.tables import table  # noqa: E402


class Sociable(Stub):
    """Gives a text other scores in other company, as a network does in the last bits."""

    def classify(self, texts):
        results = super().classify(texts)
        for at, result in enumerate(results):
            if hasattr(result, "scores"):
                result.scores["neutral"] = len(texts) / 100 + at / 1000
        return results


def main(folder: Path, seed: int, times: int, source: str, target: str) -> None:
    library_versions()  # known from here on, as what is imported
    table.CHUNK_ROWS, repeats.REMEMBERED = 4, 8
    chance = random.Random(seed)
    words = ["late", "again", "delivery", "fine, thanks", "line\nbreak", "😡"]
    rows = [{"id": str(n), "text": " ".join(chance.choices(words, k=chance.randrange(4)))} for n in range(30)]
    inputs = [
        write_rows(folder / f"one.{source}", rows[:17]),
        write_rows(folder / f"two.{source}", rows[17:]),
    ]
    unkilled, output = folder / f"unkilled.{target}", folder / f"out.{target}"
    calls = in_a_child(lambda: scoring(inputs, unkilled), limit=None)
    at_rest = names(folder)
    for number in range(times):
        # One in each of as many parts of the run, so that none of its steps is left out by chance.
        kills = [int(calls * (number + chance.random()) / times)]
        if chance.random() < 0.2:
            kills.append(chance.randrange(calls))
        ends = [in_a_child(lambda: scoring(inputs, output), limit=kill) for kill in kills]
        left = sorted(names(folder) - at_rest)
        last = in_a_child(lambda: scoring(inputs, output), limit=None)
        same = output.exists() and output.read_bytes() == unkilled.read_bytes()
        clean = names(folder) - at_rest == {output.name}
        output.unlink(missing_ok=True)
        case = {"kills": kills, "killed": ends, "left": left, "ended": last >= 0, "same": same, "clean": clean}
        sys.stdout.write(json.dumps(case) + "\n")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def scoring(inputs: list[str], output: Path) -> None:
    score(inputs, str(output), classifier=Sociable(), progress=False)


def in_a_child(work, limit: int | None) -> int:
    """The calls that the child made; -9 if it was killed at the limit."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        with os.fdopen(reading) as answer:
            counted = answer.read()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return int(counted) if status == 0 else status
    code = 1
    try:
        calls = counted_calls(work, limit)
        os.write(writing, str(calls).encode())
        code = 0
    finally:
        os._exit(code)


def counted_calls(work, limit: int | None) -> int:
    calls = 0

    def count(frame, event, argument) -> None:
        nonlocal calls
        calls += 1
        if calls == limit:
            os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(count)
    sys.setprofile(count)
    work()
    sys.setprofile(None)
    return calls


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:4]), *sys.argv[4:])
