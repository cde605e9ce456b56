"""Runs the API on a socket until it is told to stop, then drains."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from functools import partial
from types import FrameType
from typing import Final

import uvicorn

from model.errors import InputError
from rida import load
from serving.http.app import create_app
from serving.http.keys import require_keys_beyond_loopback
from serving.http.lifecycle import Service
from serving.http.logs import log_to_stderr
from serving.settings import Settings

logger = logging.getLogger("rida.http")

_BACKLOG: Final = 2048


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
            create_app(service),
            lifespan="on",
            ws="none",
            log_config=None,
            log_level=service.settings.log_level,
            # Uvicorn's access log shows the query, which may hold anything; ours does not.
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Start to drain on the first signal, leave at once on the second."""
        if self.signals:
            self.deadline = 0.0
            self.force_exit = True
        else:
            self.deadline = time.monotonic() + self.service.settings.drain_seconds
        self.signals.append(sig)
        self.service.phase = "draining"

    async def on_tick(self, counter: int) -> bool:
        """Look, ten times a second, whether it is time to leave."""
        in_flight = len(self.server_state.tasks)
        late = time.monotonic() >= self.deadline
        if self.service.failure or (self.signals and (late or not in_flight)):
            if in_flight:
                logger.warning("the time to drain is over; requests cut short: %d", in_flight)
            self.should_exit = True
        return await super().on_tick(counter)


def serve(settings: Settings) -> int:
    """Serve until a signal; the exit code is 0, or 130 for a Ctrl-C.

    Raises:
        InputError: the address cannot be used, or needs keys.
        WeightsError: the weights cannot be loaded.
    """
    log_to_stderr(settings)
    with listen(settings) as listener:
        service = Service(settings, partial(load, settings.weights, threads=settings.threads))
        server = Server(service)
        logger.info("listening on %s", url_of(listener))
        server.run(sockets=[listener])
    if service.failure is not None:
        raise service.failure
    return 130 if signal.SIGINT in server.signals else 0


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
