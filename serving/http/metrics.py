"""What Prometheus is told; numbers and labels of our own making only, never anything of a request's content."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import generate_latest
from starlette.types import ASGIApp, Receive, Scope, Send

from model.labels import MOODS, TOPICS
from model.prediction import Prediction, Rejection
from serving.http.exchange import exchange_of, route_of
from serving.http.shadow_metrics import ShadowMetrics

if TYPE_CHECKING:
    from model.classifier import ModelInfo
    from serving.http.scoring import Scoring

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_TOKENS: Final = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


class Metrics:
    """The metrics of one server, in a registry of its own."""

    def __init__(self) -> None:
        # The moment at which each series began would double their number and nobody asks for it.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "rida_requests", "Requests answered, by route and status", ("route", "status"), registry=registry
        )
        self._request_seconds = Histogram(
            "rida_request_seconds", "From a request's head to the end of its answer", ("route",),
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.queue_seconds = Histogram(
            "rida_queue_seconds", "How long requests wait before the first of their texts is scored",
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.scoring_seconds = Histogram(
            "rida_scoring_seconds", "How long the model runs for a micro-batch", buckets=_SECONDS, registry=registry
        )
        self.batch_tokens = Histogram(
            "rida_batch_tokens", "Tokens in a micro-batch, padding left out", buckets=_TOKENS, registry=registry
        )
        self.workers_replaced = Counter(
            "rida_workers_replaced", "Scoring workers that died and were replaced", registry=registry
        )
        self._moods = Counter("rida_moods", "Texts found to have this mood", ("mood",), registry=registry)
        self._topics = Counter("rida_topics", "Texts found to speak of this topic", ("topic",), registry=registry)
        self._rejected = Counter("rida_texts_rejected", "Texts that could not be scored", ("code",), registry=registry)
        self.deliveries = Counter(
            "rida_deliveries", "Deliveries of chat systems, by what became of them", ("system", "status"),
            registry=registry,
        )  # fmt: skip
        self.unscored = Gauge("rida_messages_unscored", "Messages stored that wait to be scored", registry=registry)
        self.unsent = Gauge(
            "rida_outbox_unsent", "What other systems have not been told yet", ("target",), registry=registry
        )
        self.given_up = Counter(
            "rida_outbox_given_up", "What other systems will never be told", ("target",), registry=registry
        )
        self._queue_tokens = Gauge("rida_queue_tokens", "Tokens that wait to be scored", registry=registry)
        self._rate = Gauge(
            "rida_tokens_per_second", "Measured rate of scoring, which admission goes by", registry=registry
        )
        self._model = Gauge("rida_model_info", "The weights in use", ("name", "version", "sha256"), registry=registry)
        self.shadow = ShadowMetrics(registry)
        # To look a series up by its labels takes longer than to count.
        self._mood = {mood: self._moods.labels(mood) for mood in MOODS}
        self._topic = {topic: self._topics.labels(topic) for topic in TOPICS}

    def watch(self, info: ModelInfo, scoring: Scoring) -> None:
        """Show the weights with their topics, and from now on the queue."""
        self._topic = {topic: self._topics.labels(topic) for topic in info.config.topics}
        self._model.labels(info.name, info.version, info.sha256).set(1)
        self._queue_tokens.set_function(lambda: scoring.waiting_tokens)
        self._rate.set_function(lambda: scoring.rate.tokens_per_second)

    def count_request(self, route: str, status: str, seconds: float) -> None:
        """Count a request that is over."""
        self._requests.labels(route, status).inc()
        self._request_seconds.labels(route).observe(seconds)

    def count_answers(self, answers: Iterable[Prediction | Rejection]) -> None:
        """Count what was found in texts."""
        for answer in answers:
            if isinstance(answer, Rejection):
                self._rejected.labels(answer.code).inc()
                continue
            self._mood[answer.mood].inc()
            for topic in answer.topics:
                self._topic[topic.name].inc()

    def exposition(self) -> bytes:
        """All of them, in Prometheus' text format."""
        return generate_latest(self._registry)


class Measured:
    """Counts and times each request."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            await self.app(scope, receive, send)
        finally:
            if scope["type"] == "http":
                exchange = exchange_of(scope)
                self.metrics.count_request(route_of(scope), str(exchange.status or "unanswered"), exchange.seconds)
