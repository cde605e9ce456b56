"""The routes: classify and the model under /v1, health under the open inference protocol's names, metrics."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fastapi import Depends, FastAPI, Request
from starlette.background import BackgroundTask
from starlette.responses import Response

from serving.http.body import parse, read_body
from serving.http.departure import departure
from serving.http.errors import STATUSES, ApiError, encode, json_response
from serving.http.exchange import exchange_of
from serving.http.keys import key_of, require_key
from serving.http.lifecycle import Service, ready_scoring
from serving.http.metrics import CONTENT_TYPE
from serving.http.plain_routes import PlainRoute
from serving.http.schemas import (
    Asked,
    ClassifyAnswer,
    ErrorAnswer,
    LiveAnswer,
    ManyTexts,
    ModelAnswer,
    OneText,
    ReadyAnswer,
    ShadowAnswer,
    read_asked,
)

if TYPE_CHECKING:
    from model.classifier import ModelInfo
    from model.prediction import Prediction, Rejection
    from serving.http.scoring import Answered, Scoring

CLASSIFY_BODY: Final = (ManyTexts, OneText)
"""The shapes that POST /v1/classify takes; the route reads its body itself, so the document is told."""

_NOT_TAKEN: Final = ("queue_full", "too_late", "too_much_text")
_ANSWER_BYTES: Final = 300
_GET: Final = ["GET", "HEAD"]


def add_routes(app: FastAPI) -> None:
    """Give `app` its routes; all under /v1 ask for a key."""
    keyed = [Depends(require_key)]
    add = partial(app.router.add_api_route, route_class_override=PlainRoute)
    add(
        "/v1/classify",
        classify,
        methods=["POST"],
        operation_id="classify",
        summary="Mood and topics of each text",
        dependencies=keyed,
        responses=_responses(ClassifyAnswer, 400, 401, 408, 413, 415, 422, 429, 500, 503, 504),
        response_model=None,
    )
    add(
        "/v1/model",
        model,
        operation_id="model",
        summary="Labels, languages, limits and thresholds of the weights in use",
        dependencies=keyed,
        responses=_responses(ModelAnswer, 401, 500, 503),
        response_model=None,
    )
    add(
        "/v1/shadow",
        shadow,
        operation_id="shadow",
        summary="How far the second weights disagree with those that answer",
        dependencies=keyed,
        responses=_responses(ShadowAnswer, 401, 404, 500, 503),
        response_model=None,
    )
    add(
        "/v2/health/live",
        live,
        methods=_GET,
        operation_id="live",
        summary="Whether the process answers",
        responses=_responses(LiveAnswer, 500),
        response_model=None,
    )
    add(
        "/v2/health/ready",
        ready,
        methods=_GET,
        operation_id="ready",
        summary="Whether texts can be sent now",
        responses=_responses(ReadyAnswer, 500, 503),
        response_model=None,
    )
    add(
        "/metrics",
        metrics,
        methods=_GET,
        operation_id="metrics",
        summary="Numbers for Prometheus",
        dependencies=keyed,
        responses=_responses(None, 401, 500) | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
        response_class=Response,
        response_model=None,
    )


async def classify(request: Request) -> Response:
    """Score the texts and answer in their order; a text that cannot be scored has an error in its place."""
    service = _service(request)
    deadline = time.monotonic() + service.settings.deadline_seconds
    scoring = ready_scoring(service)
    with service.admitted(), service.bodies.share() as take:
        scoring.require_room()
        body = await read_body(request, service.settings.max_body_bytes, deadline, take)
        asked = await service.aside.run(len(body), _asked, body, service.settings.max_texts)
        answered = await _score(service, scoring, asked, request, deadline)
        service.metrics.count_answers(answered.answers)
        exchange_of(request.scope).work = {
            "texts": len(asked.texts),
            "tokens": answered.tokens,
            "queue_ms": round(answered.queue_seconds * 1000, 1),
            "scoring_ms": round(answered.scoring_seconds * 1000, 1),
        }
        size = len(body) + _ANSWER_BYTES * len(answered.answers)
        content = await service.aside.run(size, _encoded, scoring.classifier.info, answered.answers, asked.all_topics)
        # Only once the answer has been sent, so that nobody waits for what the shadow says.
        later = BackgroundTask(_offer, service, asked.texts, answered.answers) if service.shadow else None
        return Response(content, media_type="application/json", background=later)


async def _offer(service: Service, texts: list[str], answers: Sequence[Prediction | Rejection]) -> None:
    service.offer_to_shadow(texts, answers)


def _asked(body: bytes, max_texts: int) -> Asked:
    return read_asked(parse(body), max_texts)


async def _score(service: Service, scoring: Scoring, asked: Asked, request: Request, deadline: float) -> Answered:
    key = key_of(request)
    service.rate_limit.spend(key, len(asked.texts))
    try:
        async with departure(request) as gone:
            return await scoring.score(asked.texts, asked.ids, deadline=deadline, gone=gone)
    except ApiError as refusal:
        if refusal.code in _NOT_TAKEN:
            service.rate_limit.give_back(key, len(asked.texts))
        raise


def _encoded(info: ModelInfo, answers: Sequence[Prediction | Rejection], all_topics: bool) -> str:
    # One by one: the encoder lets nobody in before it is done with what it was given.
    results = ",".join(encode(answer.as_dict(all_topics=all_topics)) for answer in answers)
    weights = encode({"name": info.name, "version": info.version, "sha256": info.sha256})
    return f'{{"model":{weights},"results":[{results}]}}'


async def model(request: Request) -> Response:
    """What the weights in use know and where their limits are."""
    return json_response(ready_scoring(_service(request)).classifier.info.as_dict())


async def shadow(request: Request) -> Response:
    """What the second weights have been found to change."""
    service = _service(request)
    if service.settings.shadow is None:
        message = "the server has no second weights; start it with --shadow (RIDA_SHADOW)"
        raise ApiError(404, "no_shadow", message)
    info = ready_scoring(service).classifier.info
    assert service.shadow is not None
    return json_response(service.shadow.summary(info))


async def live(request: Request) -> Response:
    """Answer as long as the process runs."""
    return json_response({"live": True})


async def ready(request: Request) -> Response:
    """Answer 200 once a warm-up text was scored, 503 before that and while draining."""
    ready_scoring(_service(request))
    return json_response({"ready": True})


async def metrics(request: Request) -> Response:
    """Requests, queue, micro-batches, moods and topics, in Prometheus' text format."""
    return Response(_service(request).metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _responses(answer: type[Any] | None, *errors: int) -> dict[int | str, dict[str, Any]]:
    good: dict[int | str, dict[str, Any]] = {200: {"model": answer}} if answer else {}
    bad = {status: {"model": ErrorAnswer, "description": STATUSES[status]} for status in errors}
    return good | bad
