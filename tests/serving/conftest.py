"""A real uvicorn on a real socket, in a thread of the test's own process; a browser and a database where asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest
from browsers import chromium
from chat_systems import SETTINGS
from log_lines import logged
from parquet_files import write as write_parquet
from prometheus_client.parser import text_string_to_metric_families
from stores import KINDS, Postgres
from stub_classifiers import Held

from serving.http.lifecycle import Service
from serving.http.logs import FORMATTERS
from serving.http.server import Server, listen, url_of
from serving.settings import Settings, read_settings
from serving.store.database import open_database


@dataclass(frozen=True, slots=True)
class Running:
    """A server that listens, and a client that talks to it."""

    client: httpx.Client
    service: Service
    server: Server

    @property
    def workers(self):
        return self.service.scoring._workers

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 20
        while self.client.get("/v2/health/ready").status_code != 200:
            assert time.monotonic() < deadline, "the server does not get ready"
            time.sleep(0.01)

    def in_background(self, body: object, **asked: object) -> Future[httpx.Response]:
        """A request on a connection of its own, to be waited for elsewhere."""
        url = self.client.base_url.join("/v1/classify")
        answer: Future[httpx.Response] = Future()

        def ask() -> None:
            try:
                answer.set_result(httpx.post(url, json=body, timeout=20, **asked))
            except Exception as error:
                answer.set_exception(error)

        threading.Thread(target=ask, daemon=True).start()
        return answer

    def wait_for(self, condition: Callable[[], object], what: str = "it") -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            time.sleep(0.002)

    def metric(self, name: str, /, **labels: str) -> float:
        """The value of a metric as /metrics shows it; 0 where it is not yet shown."""
        samples = (
            sample
            for family in text_string_to_metric_families(self.client.get("/metrics").text)
            for sample in family.samples
        )
        return sum(each.value for each in samples if each.name == name and labels.items() <= each.labels.items())


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


@pytest.fixture
def start_stub(start_server):
    """Starts a server with a stub classifier, which misbehaves once the server is ready; see `stub_classifiers`."""

    @contextmanager
    def start(stub, **settings: str) -> Iterator[Running]:
        with start_server(lambda: stub, **settings) as server:
            server.wait_until_ready()
            stub.armed = True
            yield server
            getattr(stub, "release", threading.Event()).set()

    return start


@pytest.fixture
def held(start_stub, tiny_classifier) -> Iterator[tuple[Running, Held]]:
    """A ready server with one worker, and what holds its runs until it is let go."""
    stub = Held(tiny_classifier)
    with start_stub(stub, threads="1") as server:
        yield server, stub


@pytest.fixture(params=FORMATTERS)
def written(request):
    """Everything that the server would log from here on, in either format."""
    # The test's own client logs what it sends; the server has no such client.
    with logged(request.param, without=("httpx", "httpcore")) as found:
        yield found


@pytest.fixture(scope="module")  # no longer: while Playwright is open, no other event loop can run
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def postgres(tmp_path_factory) -> Iterator[Postgres]:
    """A PostgreSQL server, started for the first test that needs one."""
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    yield server
    server.stop()


@pytest.fixture
def new_store(request, tmp_path):
    """Makes the setting of a store that does not exist yet, of the kind named."""

    def make(kind: str) -> str:
        return request.getfixturevalue("postgres").new_database() if kind == "postgresql" else str(tmp_path / "rida.db")

    return make


@pytest.fixture(params=KINDS)
def store(request, new_store):
    """The setting of a store that does not exist yet, of each kind."""
    return new_store(request.param)


@pytest.fixture
def database(store):
    """A new store of each kind, opened."""
    opened = open_database(store)
    yield opened
    opened.close()


@pytest.fixture
def start_desk(start_server, tiny_classifier, tmp_path):
    """Starts a server with a store and a secret for every system."""

    @contextmanager
    def start(store: str | None = None, classifier: object = None, **settings: str) -> Iterator[Running]:
        given = {"store": store or str(tmp_path / "rida.db"), **SETTINGS, **settings}
        with start_server(lambda: classifier or tiny_classifier, **given) as server:
            server.wait_until_ready()
            yield server

    return start


@pytest.fixture
def desk(start_desk) -> Iterator[Running]:
    """A ready server with a store and a secret for every system."""
    with start_desk() as server:
        yield server


@pytest.fixture
def feedback(tmp_path):
    """A folder of five files, one of them empty, one in a folder of its own."""
    counts = {"a.parquet": 130, "b c.parquet": 1, "empty.parquet": 0, "year=2024/a.parquet": 300, "z%1.parquet": 70}
    for at, (name, count) in enumerate(counts.items()):
        write_parquet(tmp_path / "feedback" / name, count, start=at)
    (tmp_path / "feedback" / "_SUCCESS").touch()
    return tmp_path / "feedback"
