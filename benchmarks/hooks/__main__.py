"""Sends deliveries of all systems to a server at a rate and holds the store against what was acknowledged.

    pip install -e ".[inbox]" aiohttp
    python -m benchmarks.hooks --rate 200 --seconds 120
    python -m benchmarks.hooks --rate 200 --seconds 120 --kill
    python -m benchmarks.hooks --rate 200 --seconds 120 --store postgresql://…

With --kill the server is killed (SIGKILL) every few seconds and started again; what was not acknowledged is sent again,
as the systems do. Ends with 1 if anything that was promised did not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import aiohttp

from benchmarks.hooks.deliveries import SECRETS, Delivery, deliveries
from serving.store.database import open_database
from serving.store.tables import messages

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "data" / "samples" / "feedback.csv"
_EXPECTED = {"valid": (200,), "repeated": (200,), "forged": (401,), "stale": (401,), "broken": (400,)}
_SLOWEST_P99 = 0.5
_RETRY_SECONDS = 0.25
_BETWEEN_KILLS = (4.0, 12.0)


@dataclass
class Record:
    """What was answered."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    acknowledged: Counter[str] = field(default_factory=Counter)
    stored: Counter[str] = field(default_factory=Counter)
    retries: int = 0


class Server:
    """A server process that can be killed and started again on the same port and store."""

    def __init__(self, store: str, weights: str | None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = found.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = os.environ | {"RIDA_STORE": store, "RIDA_LOG_LEVEL": "warning"}
        self._environment |= {f"RIDA_{name.upper()}_SECRET": secret for name, secret in SECRETS.items()}
        self._command = [sys.executable, "-m", "serving.cli", "serve", "--port", str(self.port)]
        self._command += ["--weights", weights] if weights else []
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, cwd=ROOT, env=self._environment)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    async def wait_until_ready(self) -> None:
        async with aiohttp.ClientSession() as client:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with client.get(f"{self.url}/v2/health/ready") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.1)


async def _send(client: aiohttp.ClientSession, delivery: Delivery, record: Record, *, stubborn: bool) -> None:
    while True:
        began = time.perf_counter()
        path = f"/hooks/{delivery.system}"
        try:
            async with client.post(path, data=delivery.body, headers=delivery.headers()) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            if not stubborn:
                record.statuses[delivery.kind, 0] += 1
                return
            record.retries += 1
            await asyncio.sleep(_RETRY_SECONDS)
            continue
        record.statuses[delivery.kind, answer.status] += 1
        if delivery.kind in ("valid", "repeated") and answer.status == 200:
            record.seconds.append(time.perf_counter() - began)
            record.acknowledged[delivery.name] += 1
            record.stored[delivery.name] += json.loads(content)["status"] == "stored"
        return


async def _send_all(server: Server, planned: Sequence[Delivery], rate: float, *, stubborn: bool) -> Record:
    record = Record()
    # A light client: one that takes a core of its own would be measured along with the server.
    connector = aiohttp.TCPConnector(limit=200)
    async with (
        aiohttp.ClientSession(server.url, connector=connector, timeout=aiohttp.ClientTimeout(30)) as client,
        asyncio.TaskGroup() as group,
    ):
        began = time.monotonic()
        for number, delivery in enumerate(planned):
            # At the moment foreseen, however long the ones before take.
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            group.create_task(_send(client, delivery, record, stubborn=stubborn))
    return record


async def _kill_now_and_then(server: Server, seed: int) -> None:
    chance = random.Random(seed)
    while True:
        await asyncio.sleep(chance.uniform(*_BETWEEN_KILLS))
        server.kill()
        server.start()
        await server.wait_until_ready()


async def _run(server: Server, planned: Sequence[Delivery], rate: float, *, kill: bool, seed: int) -> Record:
    await server.wait_until_ready()
    killing = asyncio.create_task(_kill_now_and_then(server, seed)) if kill else None
    try:
        return await _send_all(server, planned, rate, stubborn=kill)
    finally:
        if killing:
            killing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await killing
            # It may have been cut short between the killing and the starting.
            if server.process is not None and server.process.poll() is not None:
                server.start()


def _wait_until_scored(store: str) -> float:
    """Seconds until nothing waits any more."""
    began = time.monotonic()
    database = open_database(store)
    try:
        waiting = messages.select().where(messages.c.status == "waiting").limit(1)
        while database.look(lambda connection: connection.execute(waiting).first()) is not None:
            time.sleep(0.2)
    finally:
        database.close()
    return time.monotonic() - began


def _faults(store: str, run: str, record: Record, planned: Sequence[Delivery]) -> Iterator[str]:
    """Everything that did not hold."""
    database = open_database(store)
    try:
        query = messages.select().where(messages.c.text.contains(f"({run}-"))
        found = database.look(lambda connection: connection.execute(query).all())
    finally:
        database.close()
    # By the name alone: of the text before it marks are taken away.
    there = Counter(row.text.rpartition("(")[2].rstrip(")") for row in found)
    for (kind, status), number in record.statuses.items():
        if status not in _EXPECTED[kind]:
            yield f"{number} {kind} deliveries were answered with {status or 'nothing'}"
    if lost := record.acknowledged.keys() - there.keys():
        yield f"{len(lost)} acknowledged deliveries are not in the store"
    if twice := [name for name, number in there.items() if number > 1]:
        yield f"{len(twice)} messages are in the store more than once"
    if uncalled := there.keys() - {each.name for each in planned if each.kind == "valid"}:
        yield f"{len(uncalled)} messages are in the store that should have been refused"
    if unscored := [row for row in found if row.status != "scored"]:
        yield f"{len(unscored)} messages are not scored"
    if twice_new := [name for name, number in record.stored.items() if number > 1]:
        yield f"{len(twice_new)} messages were acknowledged as new more than once"


def _texts() -> list[str]:
    with SAMPLES.open(encoding="utf-8", newline="") as file:
        return [row["text"].strip().replace("\n", " ") for row in csv.DictReader(file) if row["text"].strip()]


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.hooks", description=__doc__.partition("\n")[0])
    parser.add_argument("--rate", type=float, default=200, help="deliveries a second")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--store", help="as the server's setting; without it a SQLite file that is thrown away")
    parser.add_argument("--weights", help="weights folder; without it the shipped ones")
    parser.add_argument("--kill", action="store_true", help="kill the server now and then")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    run = f"{random.SystemRandom().randrange(16**8):08x}"
    planned = list(islice(deliveries(_texts(), args.seed, run), int(args.rate * args.seconds)))
    with tempfile.TemporaryDirectory() as folder:
        store = args.store or str(Path(folder) / "rida.db")
        server = Server(store, args.weights)
        server.start()
        try:
            record = asyncio.run(_run(server, planned, args.rate, kill=args.kill, seed=args.seed))
            behind = _wait_until_scored(store)
        finally:
            server.kill()
        faults = list(_faults(store, run, record, planned))
    seconds = sorted(record.seconds)
    p50, p99 = (seconds[min(len(seconds) - 1, int(share * len(seconds)))] for share in (0.5, 0.99))
    if p99 >= _SLOWEST_P99 and not args.kill:
        faults.append(f"p99 of acknowledgement is {p99 * 1000:.0f} ms")
    for (kind, status), number in sorted(record.statuses.items()):
        print(f"{kind:<10}{status:>5}{number:>8}")
    print(f"acknowledged in ms: p50 {p50 * 1000:.1f}, p99 {p99 * 1000:.1f}, longest {seconds[-1] * 1000:.1f}")
    print(f"sent again after a kill: {record.retries}; all scored {behind:.1f} s after the last delivery")
    for fault in faults:
        print(f"FAULT: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
