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
from serving.http.scoring import make_executor
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
    classifier: Classifier | None = None
    failure: Exception | None = None
    executor: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self.executor = make_executor(self.settings.threads)


def ready_classifier(service: Service) -> Classifier:
    """The classifier, once it may be used.

    Raises:
        ApiError: 503 while starting and while draining.
    """
    if service.phase == "draining":
        raise unavailable("draining", "the server is stopping; ask another one or come back")
    if service.phase == "starting" or service.classifier is None:
        raise unavailable("not_ready", "the server is loading its weights")
    return service.classifier


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Load in the background, so that the live route answers from the start."""
    service: Service = app.state.service
    starting = asyncio.create_task(_start(service))
    yield
    service.phase = "draining"
    starting.cancel()
    service.executor.shutdown(wait=False, cancel_futures=True)


async def _start(service: Service) -> None:
    try:
        service.classifier = await asyncio.get_running_loop().run_in_executor(
            service.executor, _load_and_warm_up, service.load
        )
    except Exception as error:
        service.failure = error
        return
    if service.phase == "starting":
        service.phase = "ready"
        logger.info("ready with %s %s", service.classifier.info.name, service.classifier.info.version)


def _load_and_warm_up(load: Callable[[], Classifier]) -> Classifier:
    classifier = load()
    if not isinstance(classifier.classify([_WARM_UP_TEXT])[0], Prediction):
        raise WeightsError("the weights folder cannot score the warm-up text")
    return classifier
