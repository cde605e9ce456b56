"""Contestants in processes of their own, asked in turn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]


class Contestant:
    """A process that runs `benchmarks.speed.answering.answer_all`.

    Raises:
        RuntimeError: it failed, with what it said.
    """

    def __init__(self, module: str, *words: str, python: str = sys.executable) -> None:
        self._name = " ".join((module, *words))
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115  (till the end)
        began = time.perf_counter()
        self._process = subprocess.Popen(
            [python, "-m", module, *words], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._said, text=True, env=os.environ | {"TRANSFORMERS_VERBOSITY": "error"},
        )  # fmt: skip
        try:
            self.ready = self._answer()
        except BaseException:
            self.close()
            raise
        self.start_seconds = time.perf_counter() - began
        """From nothing to its word that it is ready."""

    def ask(self, do: str, **asked: Any) -> dict[str, Any]:
        """Its answer to one question."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **asked}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # why it ended is said by what follows
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            self._said.seek(0)
            raise RuntimeError(f"{self._name} ended with {code}:\n{self._said.read()[-3000:]}")
        found: dict[str, Any] = json.loads(line)
        return found

    def __enter__(self) -> Contestant:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()
        self._said.close()


@contextmanager
def json_file(content: Any) -> Iterator[str]:
    """A file with this content, for what is too long for a line."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        yield file.name


def failed(name: str, error: RuntimeError) -> str:
    """What to say of a contestant that cannot take part: the end of what it said."""
    return f"{name} is left out: {str(error).strip().splitlines()[-1]}"


def rotated(names: Sequence[str], number: int) -> list[str]:
    """Everyone, each round beginning with the next, so that nobody always follows the same one."""
    at = number % len(names)
    return [*names[at:], *names[:at]]
