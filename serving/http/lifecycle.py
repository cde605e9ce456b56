"""The state of one server, from loading the weights to draining."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from starlette.applications import Starlette

from model.errors import WeightsError
from model.prediction import Prediction
from serving.http.aside import Aside
from serving.http.body_budget import BodyBudget
from serving.http.errors import unavailable
from serving.http.failures import log_what_nobody_caught
from serving.http.metrics import Metrics
from serving.http.rate_limit import RateLimit
from serving.http.scoring import Scoring
from serving.settings import Settings

if TYPE_CHECKING:
    from model.classifier import Classifier
    from model.prediction import Rejection
    from serving.desk import Desk
    from serving.http.shadow import Shadow

logger = logging.getLogger("rida.http")

_WARM_UP_TEXT: Final = "The parcel came on time, thank you!"


@dataclass(slots=True)
class Service:
    """What the routes share. `failure` is set when the weights could not be loaded or used."""

    settings: Settings
    load: Callable[[], Classifier]
    phase: Literal["starting", "ready", "draining"] = "starting"
    scoring: Scoring | None = None
    shadow: Shadow | None = None
    failure: Exception | None = None
    in_flight: int = 0
    metrics: Metrics = field(default_factory=Metrics)
    aside: Aside = field(default_factory=Aside)
    desk: Desk | None = None
    rate_limit: RateLimit = field(init=False)
    bodies: BodyBudget = field(init=False)

    def __post_init__(self) -> None:
        self.rate_limit = RateLimit(self.settings.texts_per_minute)
        self.bodies = BodyBudget(self.settings.max_body_bytes)

    @property
    def is_loading(self) -> bool:
        """Whether the weights are still being loaded, in a thread that cannot be stopped."""
        return self.scoring is None and self.failure is None

    def offer_to_shadow(self, texts: Sequence[str], answers: Sequence[Prediction | Rejection]) -> None:
        """Let the second weights, if there are any, score what has been answered; never waits."""
        if self.shadow is not None:
            self.shadow.offer(texts, answers)

    @contextlib.contextmanager
    def admitted(self) -> Iterator[None]:
        """Around each request that the draining waits for."""
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1

    def close(self) -> None:
        """End the threads; once is enough, more often does no harm."""
        self.aside.close()
        if self.shadow is not None:
            self.shadow.close()
        if self.scoring is not None:
            self.scoring.close()


def ready_scoring(service: Service) -> Scoring:
    """What scores, once it may be used.

    Raises:
        ApiError: 503 while starting and while draining, and when no thread can be started to score.
    """
    if service.phase == "draining":
        raise unavailable("draining", "the server is stopping; ask another one or come back")
    if service.phase == "starting" or service.scoring is None:
        raise unavailable("not_ready", "the server is loading its weights")
    if not service.scoring.revive():
        raise unavailable("worker_lost", "what scores the texts has failed; send them again")
    return service.scoring


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Load in the background, so that the live route answers from the start."""
    service: Service = app.state.service
    asyncio.get_running_loop().set_exception_handler(log_what_nobody_caught)
    loader = ThreadPoolExecutor(1, thread_name_prefix="rida-loading")
    starting = asyncio.create_task(_start(service, loader))
    try:
        async with service.desk.open() if service.desk else contextlib.nullcontext():
            yield
    finally:
        # Also where the server is in such haste that it only cancels: threads that nobody ends keep the process.
        service.phase = "draining"
        starting.cancel()
        loader.shutdown(wait=False, cancel_futures=True)
        service.close()


async def _start(service: Service, loader: ThreadPoolExecutor) -> None:
    try:
        scoring = await asyncio.get_running_loop().run_in_executor(loader, _load_and_warm_up, service)
        # Before it is started, so that `close` finds its threads, however few of them could be.
        service.scoring = scoring
        scoring.start()
        info = scoring.classifier.info
        service.metrics.watch(info, scoring)
        if service.shadow is not None:
            # While draining it is not asked any more, as the signal may have ended it too.
            service.shadow.start(info, lambda: service.phase == "ready" and scoring.idle)
    except Exception as error:
        service.failure = error
        return
    if service.phase == "starting":
        service.phase = "ready"
        logger.info("ready with %s %s", info.name, info.version)


def _load_and_warm_up(service: Service) -> Scoring:
    classifier = service.load()
    if not isinstance(classifier.classify([_WARM_UP_TEXT])[0], Prediction):
        raise WeightsError("the weights folder cannot score the warm-up text")
    # Measures how fast it scores, so it comes before the shadow takes any of the cores.
    scoring = Scoring(classifier, service.settings, service.metrics)
    if service.settings.shadow is not None:
        from serving.http.shadow import Shadow

        service.shadow = Shadow(service.settings.shadow, service.metrics.shadow)
        service.shadow.load()
    return scoring
