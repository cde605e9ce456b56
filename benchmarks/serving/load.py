"""The load generator: locust (https://docs.locust.io, used as a library), in a process of its own.

    python -m benchmarks.serving.load PLAN_JSON RECORD_FILE

Closed loop: as many users as the plan has clients, each with a connection of its own and without a pause. Open loop:
one user draws exponential gaps and hands each arrival to a greenlet, so that nothing waits for an answer before it is
sent. Latency counts from the planned arrival in any case, so a slow server cannot slow its own load down
(coordinated omission).
"""

from __future__ import annotations

# First, as it makes the standard library cooperate with gevent.
from locust import FastHttpUser, constant, task  # isort: skip
from locust.contrib.fasthttp import FastHttpSession  # isort: skip
from locust.env import Environment  # isort: skip
from locust.exception import StopUser  # isort: skip

import itertools
import random
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import gevent
import numpy as np
from gevent.event import Event
from gevent.pool import Group

from benchmarks.serving import texts
from benchmarks.serving.plan import DOUBLED, LOST, RIGHT, UNANSWERED, WRONG, Plan, Record

_HEADERS: Final = {"Content-Type": "application/json"}
_PROBES_A_SECOND: Final = 10
_PROBE: Final = -1

# Arrivals come over these in turn, so that they reach all processes of a server as those of many clients would. One
# client that always takes its last connection would send nearly everything to the one process that accepted it.
_SESSIONS: Final = 64
_CONNECTIONS_OF_EACH: Final = 256


@dataclass(slots=True, eq=False)
class Asked:
    """One request on its way."""

    name: str
    text: int
    due: float
    sent: float = 0.0


class Load:
    """The requests to make, and what became of those that were made."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.begin = 0.0
        self.over = Event()
        self.complete = False
        self.faults: list[str] = []
        self.waiting: dict[str, Asked] = {}
        self._answered: set[str] = set()
        self._rows: list[tuple[int, float, float, float, int, int]] = []
        self._texts = texts.read_texts(Path(plan.texts))
        self._order = texts.order(len(self._texts), plan.seed)
        self._numbers = itertools.count()

    def ask(self, session: FastHttpSession, due: float, *, probe: bool = False) -> None:
        """Send one request and wait for its answer, which locust then reports to `note`."""
        at = _PROBE if probe else next(self._order)
        asked = Asked(f"{self.plan.seed}-{next(self._numbers)}", at, due)
        body = texts.body(asked.name, texts.PROBE_TEXT if probe else self._texts[at])
        self.waiting[asked.name] = asked
        asked.sent = time.perf_counter()
        try:
            session.post(self.plan.route, data=body, headers=_HEADERS, context={"asked": asked}, name="text")
        except Exception as error:
            # What locust does not take for a failed request is a fault of ours, and would thin out the load unseen.
            self.faults.append(repr(error))
            raise

    def note(self, context: dict[str, Any], response: Any, **_: Any) -> None:
        """Take in what locust's request event tells."""
        ended = time.perf_counter()
        asked: Asked = context["asked"]
        if self.waiting.pop(asked.name, None) is None:
            return  # was already given up
        status = response.status_code or UNANSWERED
        self._keep(asked, ended, status, self._checked(asked, response.content) if status == 200 else LOST)

    def give_up_waiting(self) -> None:
        """Note as unanswered what no answer has come to."""
        ended = time.perf_counter()
        for asked in self.waiting.values():
            self._keep(asked, ended, UNANSWERED, LOST)
        self.waiting.clear()

    def record(self) -> Record:
        """All requests, by when they were due."""
        rows = sorted(self._rows, key=lambda row: row[1])
        text, due, sent, ended, status, answer = zip(*rows, strict=True) if rows else ((),) * 6
        return Record(
            np.array(text, dtype=np.int32),
            np.array(due) - self.begin,
            np.array(sent) - self.begin,
            np.array(ended) - self.begin,
            np.array(status, dtype=np.int16),
            np.array(answer, dtype=np.int8),
        )

    def _keep(self, asked: Asked, ended: float, status: int, answer: int) -> None:
        self._rows.append((asked.text, asked.due, asked.sent or ended, ended, status, answer))

    def _checked(self, asked: Asked, content: bytes) -> int:
        try:
            names = [result["id"] for result in texts.results(content)]
        except (ValueError, KeyError, TypeError):
            return LOST
        known = self._answered.intersection(names)
        self._answered.update(str(name) for name in names)
        if known or names.count(asked.name) > 1:
            return DOUBLED
        if asked.name not in names:
            return WRONG if names else LOST
        return RIGHT if len(names) == 1 else WRONG


class Client(FastHttpUser):  # type: ignore[misc]
    """One of the closed loop: sends, waits for the answer, sends again."""

    wait_time = constant(0)

    @task  # type: ignore[untyped-decorator]
    def ask(self) -> None:
        """One text."""
        self.environment.load.ask(self.client, time.perf_counter())


class Arrivals(FastHttpUser):  # type: ignore[misc]
    """The open loop: sends when it is time, whatever has become of what was sent before."""

    fixed_count = 1
    concurrency = _CONNECTIONS_OF_EACH

    @task  # type: ignore[untyped-decorator]
    def send(self) -> None:
        """The whole load."""
        load: Load = self.environment.load
        try:
            self._send(load)
            load.complete = True
        finally:
            load.over.set()
        raise StopUser

    def _send(self, load: Load) -> None:
        plan = load.plan
        group = Group()
        sessions = itertools.cycle([self._session() for _ in range(_SESSIONS)])
        load.begin = time.perf_counter() + plan.probe_before
        self._probe(load, group, start=load.begin - plan.probe_before, stop=load.begin)
        gaps = random.Random(plan.seed)
        end = load.begin + plan.warm_up + plan.seconds
        due = load.begin
        while (due := due + gaps.expovariate(plan.rate)) < end:
            _sleep_until(due)
            group.spawn(load.ask, next(sessions), due)
        _sleep_until(end)
        self._probe(load, group, start=end, stop=end + plan.probe_after)
        group.join(timeout=max(0.0, end + plan.patience - time.perf_counter()))
        load.give_up_waiting()
        group.kill(block=False)

    def _probe(self, load: Load, group: Group, *, start: float, stop: float) -> None:
        for number in range(round((stop - start) * _PROBES_A_SECOND)):
            due = start + number / _PROBES_A_SECOND
            _sleep_until(due)
            group.spawn(load.ask, self.client, due, probe=True)

    def _session(self) -> FastHttpSession:
        return FastHttpSession(
            base_url=self.host,
            request_event=self.environment.events.request,
            user=self,
            concurrency=self.concurrency,
            network_timeout=self.network_timeout,
            connection_timeout=self.connection_timeout,
            max_retries=0,
        )


def generate(plan: Plan) -> Record:
    """Put the load on the server and tell what came of it."""
    load = Load(plan)
    environment = Environment(
        user_classes=[Client if plan.clients else Arrivals],
        host=plan.route,
        stop_timeout=plan.patience,
        catch_exceptions=False,
    )
    environment.load = load
    environment.events.request.add_listener(load.note)
    runner = environment.create_local_runner()
    users = plan.clients or 1
    load.begin = time.perf_counter()
    runner.start(users, spawn_rate=users)
    if plan.clients:
        _sleep_until(load.begin + plan.warm_up + plan.seconds)
    else:
        load.over.wait()
        if not load.complete:
            raise RuntimeError("the load ended before its time; what locust logged tells why")
    runner.quit()
    load.give_up_waiting()
    if load.faults:
        raise RuntimeError(f"the load generator failed: {load.faults[0]}")
    return load.record()


def _sleep_until(moment: float) -> None:
    gevent.sleep(max(0.0, moment - time.perf_counter()))


def main() -> None:
    """Read the plan, write the record."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    plan, path = sys.argv[1:]
    generate(Plan.from_json(plan)).save(Path(path))


if __name__ == "__main__":
    main()
