"""Who is compared: how each is started, where it answers, and which of its settings are worth trying."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Settings = Mapping[str, Any]

_HOST: Final = "127.0.0.1"
_MODULES: Final = f"{__name__}."

# Two cores can be used by two processes of one thread each, or by one process that splits a batch over two.
_SPLITS: Final = ({"workers": 1, "threads": 2}, {"workers": 2, "threads": 1})


@dataclass(frozen=True, slots=True)
class Contestant:
    """One server program.

    `grid` holds the settings that `tune` tries, `refinements` what it then changes in the best of them. None of it
    is tried of Rida, which runs as it comes.
    """

    name: str
    command: Callable[[int, Settings], list[str]]
    ready_path: str
    path: str
    grid: tuple[Settings, ...] = ()
    refinements: tuple[Settings, ...] = ()


def _rida(port: int, settings: Settings) -> list[str]:
    arguments = ["-m", "serving.cli", "serve", "--host", _HOST, "--port", str(port), "--log-level", "warning"]
    return [settings.get("python", sys.executable), *arguments]


def _bentoml(port: int, settings: Settings) -> list[str]:
    service = f"{_MODULES}bento_service:Feedback"
    return [sys.executable, "-m", "bentoml", "serve", service, "--host", _HOST, "--port", str(port)]


def _litserve(port: int, settings: Settings) -> list[str]:
    return [sys.executable, "-m", f"{_MODULES}lit_server", "--port", str(port)]


def _fastapi(port: int, settings: Settings) -> list[str]:
    uvicorn = [sys.executable, "-m", "uvicorn", f"{_MODULES}plain_app:app", "--host", _HOST, "--port", str(port)]
    return [*uvicorn, "--workers", str(settings["workers"]), "--no-access-log", "--log-level", "warning"]


RIDA: Final = Contestant("Rida", _rida, "/v2/health/ready", "/v1/classify")

PEERS: Final = (
    Contestant(
        "BentoML",
        _bentoml,
        "/readyz",
        "/classify",
        grid=tuple(
            {**split, "max_batch_size": size, "max_latency_ms": latency, "metrics": True}
            for split, size, latency in itertools.product(_SPLITS, (8, 32), (500, 10_000))
        ),
        refinements=({"max_batch_size": 100}, {"metrics": False}),
    ),
    Contestant(
        "LitServe",
        _litserve,
        "/health",
        "/v1/classify",
        grid=tuple(
            {**split, "max_batch_size": size, "batch_timeout": seconds, "fast_queue": False, "api_servers": 0}
            for split, size, seconds in itertools.product(_SPLITS, (8, 32), (0.0, 0.005, 0.01, 0.05))
        ),
        refinements=({"fast_queue": True}, {"api_servers": 1}, {"fast_queue": True, "api_servers": 1}),
    ),
    Contestant("FastAPI", _fastapi, "/health", "/v1/classify", grid=_SPLITS),
)

CONTESTANTS: Final = (RIDA, *PEERS)
