"""A real uvicorn on a real socket, in a thread of the test's own process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from serving.http.lifecycle import Service
from serving.http.server import Server, listen, url_of
from serving.settings import Settings, read_settings


@dataclass(frozen=True, slots=True)
class Running:
    """A server that listens, and a client that talks to it."""

    client: httpx.Client
    service: Service
    server: Server

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 20
        while self.client.get("/v2/health/ready").status_code != 200:
            assert time.monotonic() < deadline, "the server does not get ready"
            time.sleep(0.01)


@contextmanager
def running(load: Callable[[], object], **changes: str) -> Iterator[Running]:
    settings: Settings = read_settings({"port": "0", "drain_seconds": "5", **changes}, {})
    service = Service(settings, load)  # type: ignore[arg-type]
    with listen(settings) as listener, httpx.Client(base_url=url_of(listener), timeout=20) as client:
        server = Server(service)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Running(client, service, server)
        finally:
            client.close()
            server.should_exit = True
            thread.join(timeout=20)
            assert not thread.is_alive(), "the server does not stop"


@pytest.fixture(scope="session")
def start_server():
    """Starts a server with the settings given as raw values; see `running`."""
    return running


@pytest.fixture(scope="session")
def running_server(tiny_classifier) -> Iterator[Running]:
    """One ready server with default settings, shared by the tests that only ask."""
    with running(lambda: tiny_classifier) as server:
        server.wait_until_ready()
        yield server


@pytest.fixture(scope="session")
def client(running_server) -> httpx.Client:
    return running_server.client
