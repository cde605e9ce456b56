"""Runs the API on a socket until it is told to stop, then drains."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import time
from functools import partial
from types import FrameType
from typing import Final

import uvicorn

from model.errors import InputError
from rida import load
from serving.http.app import create_app, layered
from serving.http.connections import KEEP_ALIVE_SECONDS, Connection
from serving.http.keys import require_keys_beyond_loopback
from serving.http.lifecycle import Service
from serving.http.logs import log_to_stderr
from serving.settings import Settings

logger = logging.getLogger("rida.http")

_BACKLOG: Final = 2048
_LAST_WORDS_SECONDS: Final = 1


class Server(uvicorn.Server):
    """Uvicorn with our ending: on a signal, not ready at once, then in-flight requests, then exit 0.

    Uvicorn would close the listener at once, so that nobody could see "not ready", and would raise
    the signal again at the end.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.signals: list[int] = []
        self.deadline = 0.0
        config = uvicorn.Config(
            layered(create_app(service)),
            # Not what happens to be installed: what is tested is what runs.
            loop="asyncio" if sys.platform == "win32" else "uvloop",
            http=partial(Connection, head_seconds=service.settings.deadline_seconds),  # type: ignore[arg-type]
            ws="none",
            lifespan="on",
            log_config=None,
            log_level=service.settings.log_level,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_LAST_WORDS_SECONDS,
        )
        super().__init__(config)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Start to drain on the first signal, leave at once on the second."""
        # Not uvicorn's own `force_exit`, which leaves out what puts things in order, and saves no more than a second.
        patience = 0 if self.signals else self.service.settings.drain_seconds
        self.deadline = time.monotonic() + patience
        self.signals.append(sig)
        self.service.phase = "draining"

    async def on_tick(self, counter: int) -> bool:
        """Look, ten times a second, whether it is time to leave."""
        if self.service.failure:
            self.should_exit = True
        elif self.signals:
            self._leave_if_drained()
        return await super().on_tick(counter)

    def _leave_if_drained(self) -> None:
        # Admitted requests only: refusals and probes go on as long as anybody asks.
        cut_short = self.service.in_flight + self._unsent()
        if cut_short and time.monotonic() < self.deadline:
            return
        if cut_short:
            logger.warning("the time to drain is over; requests cut short: %d", cut_short)
        self.should_exit = True

    def _unsent(self) -> int:
        connections = self.server_state.connections
        return sum(each.holds_unsent for each in connections if isinstance(each, Connection))


def serve(settings: Settings) -> int:
    """Serve until a signal; the exit code is 0, or 130 for a Ctrl-C.

    Raises:
        InputError: the address cannot be used, or needs keys.
        WeightsError: the weights cannot be loaded.
    """
    # The cores are shared out by us; the library's own threads would take them all for one request's texts.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    allow_open_files()
    log = log_to_stderr(settings)
    service = Service(
        settings,
        partial(load, settings.weights, threads=settings.threads, speed=settings.speed, backend=settings.backend),
    )
    try:
        with listen(settings) as listener:
            server = Server(service)
            logger.info("listening on %s", url_of(listener))
            server.run(sockets=[listener])
    finally:
        service.close()
        log.close()
    if service.failure is not None:
        raise service.failure
    code = 130 if signal.SIGINT in server.signals else 0
    if service.is_loading or len(server.signals) > 1:
        # The interpreter would wait for the thread that loads, or for those that score, and must not end under them.
        os._exit(code)
    return code


def allow_open_files() -> None:
    """As many connections as the system lets us have; it gives a process few unless it asks."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        # Some systems name a limit that they then refuse.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def listen(settings: Settings) -> socket.socket:
    """Bind the host's address, after the rule for keys was applied to that very address.

    Raises:
        InputError: the host is unknown, the address is taken or not ours, or it needs keys.
    """
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise InputError(f"--host (RIDA_HOST): no address is known for {settings.host}") from None
    # `localhost` often means both; clients try IPv4 everywhere.
    family, kind, protocol, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    require_keys_beyond_loopback(str(address[0]), settings)
    # Not socket.create_server: it leaves the protocol open, and then asyncio does not switch off Nagle's
    # algorithm, which costs each answer 40 ms.
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        return listener
    except OSError as error:
        listener.close()
        raise InputError(f"cannot listen on {settings.host} port {settings.port}: {error.strerror}") from None


def url_of(listener: socket.socket) -> str:
    """Where the listener can be reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
