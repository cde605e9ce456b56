"""The state of one server, from loading the weights to draining."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from starlette.applications import Starlette

from model.errors import WeightsError
from model.prediction import Prediction
from serving.http.errors import unavailable
from serving.http.metrics import Metrics
from serving.http.rate_limit import RateLimit
from serving.http.scoring import Scoring
from serving.settings import Settings

if TYPE_CHECKING:
    from model.classifier import Classifier

logger = logging.getLogger("rida.http")

_WARM_UP_TEXT: Final = "The parcel came on time, thank you!"


@dataclass(slots=True)
class Service:
    """What the routes share. `failure` is set when the weights could not be loaded or used."""

    settings: Settings
    load: Callable[[], Classifier]
    phase: Literal["starting", "ready", "draining"] = "starting"
    scoring: Scoring | None = None
    failure: Exception | None = None
    metrics: Metrics = field(default_factory=Metrics)
    rate_limit: RateLimit = field(init=False)

    def __post_init__(self) -> None:
        self.rate_limit = RateLimit(self.settings.texts_per_minute)


def ready_scoring(service: Service) -> Scoring:
    """What scores, once it may be used.

    Raises:
        ApiError: 503 while starting and while draining.
    """
    if service.phase == "draining":
        raise unavailable("draining", "the server is stopping; ask another one or come back")
    if service.phase == "starting" or service.scoring is None:
        raise unavailable("not_ready", "the server is loading its weights")
    return service.scoring


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Load in the background, so that the live route answers from the start."""
    service: Service = app.state.service
    loader = ThreadPoolExecutor(1, thread_name_prefix="rida-loading")
    starting = asyncio.create_task(_start(service, loader))
    yield
    service.phase = "draining"
    starting.cancel()
    loader.shutdown(wait=False, cancel_futures=True)
    if service.scoring is not None:
        service.scoring.close()


async def _start(service: Service, loader: ThreadPoolExecutor) -> None:
    try:
        scoring = await asyncio.get_running_loop().run_in_executor(loader, _load_and_warm_up, service)
    except Exception as error:
        service.failure = error
        return
    # Here and not while it was made: whoever stops in between would wait for threads that nobody ends.
    scoring.start()
    service.scoring = scoring
    info = scoring.classifier.info
    service.metrics.watch(info, scoring)
    if service.phase == "starting":
        service.phase = "ready"
        logger.info("ready with %s %s", info.name, info.version)


def _load_and_warm_up(service: Service) -> Scoring:
    classifier = service.load()
    if not isinstance(classifier.classify([_WARM_UP_TEXT])[0], Prediction):
        raise WeightsError("the weights folder cannot score the warm-up text")
    return Scoring(classifier, service.settings, service.metrics)
