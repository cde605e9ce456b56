"""Starts contestants and load generators, watches their memory, and leaves none of them behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import psutil

from benchmarks.serving.contestants import Contestant, Settings
from benchmarks.serving.contestants.shared import VARIABLE
from benchmarks.serving.texts import PROBE_TEXT, body, results

ROOT: Final = Path(__file__).parents[2]

_START_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 5.0
_IDLE_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.3
_MEGABYTE: Final = 1024 * 1024
_LOG_LINES: Final = 40


class ContestantError(RuntimeError):
    """A contestant that did not start, died, or does not answer as it should; the message has the end of its log."""


@dataclass(slots=True)
class Server:
    """A running contestant."""

    contestant: Contestant
    url: str
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def route(self) -> str:
        """Where texts are sent."""
        return self.url + self.contestant.path

    def require_alive(self) -> None:
        """See that the process still runs.

        Raises:
            ContestantError: it does not.
        """
        if self.process.poll() is not None:
            raise self.error(f"ended with {self.process.returncode}")

    def error(self, what: str) -> ContestantError:
        """`what` with the end of the server's log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
        return ContestantError("\n".join([f"{self.contestant.name} {what}; the end of its log:", *lines]))

    def classify_one(self) -> dict[str, object]:
        """The result for one text, asked for without the load generator.

        Raises:
            ContestantError: there is none.
        """
        request = urllib.request.Request(self.route, body("one", PROBE_TEXT), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=_START_SECONDS) as answer:
                (result,) = results(answer.read())
        except (OSError, ValueError, KeyError) as error:
            raise self.error(f"gave no result for one text ({error})") from None
        return result

    def wait_until_idle(self) -> None:
        """Let it finish what a load left behind; not longer than ten seconds."""
        until = time.monotonic() + _IDLE_SECONDS
        before = _cpu_seconds(self.process.pid)
        while time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
            now = _cpu_seconds(self.process.pid)
            # Who scores uses a whole core; who waits may still look at its queue all the time.
            if now - before < _LOOK_SECONDS / 2:
                return
            before = now


@contextlib.contextmanager
def running(contestant: Contestant, settings: Settings, folder: Path) -> Iterator[Server]:
    """A contestant that is ready for texts, and stopped in the end; its log and other files stay in `folder`.

    Raises:
        ContestantError: it did not start or gives no result.
    """
    port = _free_port()
    log = folder / f"{contestant.name}.log"
    with (
        log.open("wb") as output,
        _stopped_in_the_end(contestant.command(port, settings), output, _environment(settings, folder)) as process,
    ):
        server = Server(contestant, f"http://127.0.0.1:{port}", log, process)
        _wait_until_ready(server)
        server.classify_one()
        yield server


def run(module: str, *arguments: str, log: Path) -> None:
    """Run one of our modules in a process of its own until it ends.

    Raises:
        RuntimeError: it failed.
    """
    command = [sys.executable, "-m", module, *arguments]
    with log.open("wb") as output, _stopped_in_the_end(command, output, dict(os.environ)) as process:
        code = process.wait()
    if code:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
        raise RuntimeError("\n".join([f"{module} ended with {code}; the end of its log:", *lines]))


@dataclass(slots=True)
class Memory:
    """Resident memory of a process with all its children, in MB; pages that several share count for each."""

    peak: float = 0.0
    samples: list[tuple[float, float]] = field(default_factory=list)


@contextlib.contextmanager
def watched_memory(process: int, *, every: float = 0.5) -> Iterator[Memory]:
    """Sample the memory of a process tree for as long as the block runs; times are seconds since its begin."""
    memory = Memory()
    started = time.monotonic()
    stop = threading.Event()

    def watch() -> None:
        while True:
            now = megabytes(process)
            memory.peak = max(memory.peak, now)
            memory.samples.append((round(time.monotonic() - started, 1), round(now, 1)))
            if stop.wait(every):
                return

    watcher = threading.Thread(target=watch, name="memory", daemon=True)
    watcher.start()
    try:
        yield memory
    finally:
        stop.set()
        watcher.join()


def megabytes(process: int) -> float:
    """Resident memory of a process tree; pages that several processes share count for each."""
    return _sum_of_tree(process, lambda each: each.memory_info().rss) / _MEGABYTE


def proportional_megabytes(process: int) -> float:
    """Memory of a process tree with shared pages counted once (PSS); 0 where the system does not tell."""
    return _sum_of_tree(process, lambda each: getattr(each.memory_full_info(), "pss", 0)) / _MEGABYTE


def _environment(settings: Settings, folder: Path) -> dict[str, str]:
    # Whoever runs the benchmark may have set Rida up by variables; it is measured as it comes.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RIDA_")}
    passed = {name: value for name, value in settings.items() if name != "python"}
    home = folder / "bentoml"
    home.mkdir(exist_ok=True)
    return kept | {VARIABLE: json.dumps(passed), "BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": str(home)}


@contextlib.contextmanager
def _stopped_in_the_end(
    command: Sequence[str], output: IO[bytes], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        # A Ctrl-C is for this process alone; it stops the others in the order that suits it.
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with _uninterrupted():
            _stop(process)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let a second Ctrl-C not keep us from stopping what we started; that takes a bounded time."""
    before = {each: signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started, also what outlives it."""
    tree = _tree(process.pid)
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
        tree = list(dict.fromkeys([*tree, *_tree(process.pid)]))
    for each in tree:
        with contextlib.suppress(psutil.Error):
            each.kill()
    psutil.wait_procs(tree, timeout=_STOP_SECONDS)
    process.wait()


def _tree(process: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        first = psutil.Process(process)
        return [first, *first.children(recursive=True)]
    return []


def _sum_of_tree(process: int, value: Callable[[psutil.Process], float]) -> float:
    total = 0.0
    for each in _tree(process):
        with contextlib.suppress(psutil.Error):
            total += value(each)
    return total


def _cpu_seconds(process: int) -> float:
    return _sum_of_tree(process, lambda each: sum(each.cpu_times()[:2]))


def _wait_until_ready(server: Server) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        server.require_alive()
        with contextlib.suppress(OSError):
            urllib.request.urlopen(server.url + server.contestant.ready_path, timeout=5).close()
            return
        time.sleep(0.1)
    raise server.error(f"was not ready after {_START_SECONDS:.0f} seconds")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
