"""POST /hooks/{system}: verify over the raw body, read, store, answer. Scoring comes after the answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from fastapi import FastAPI, Request
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from serving.hooks.delivery import Challenge, Delivered, DeliveryError, Read, Skipped, part
from serving.hooks.signatures import SignatureError
from serving.hooks.systems import SYSTEMS, System
from serving.http.body import parse, read_body
from serving.http.errors import STATUSES, ApiError, json_response, unavailable
from serving.http.exchange import exchange_of
from serving.http.plain_routes import PlainRoute
from serving.http.schemas import ErrorAnswer
from serving.http.traces import trace
from serving.settings import Settings
from serving.store.intake import Arrival
from serving.store.retention import DELIVERY_DAYS
from serving.store.tables import DAY, now

if TYPE_CHECKING:
    from serving.desk import Desk
    from serving.http.lifecycle import Service

logger = logging.getLogger("rida.http")

_ERRORS: Final = (400, 401, 408, 413, 415, 429, 500, 503)


class DeliveryAnswer(BaseModel):
    """What became of a delivery; a message that is stored will be scored."""

    status: Literal["stored", "duplicate", "skipped"]


class ChallengeAnswer(BaseModel):
    """Slack's question whether this address is ours, answered."""

    challenge: str


def secret_of(system: System, settings: Settings) -> str | None:
    """The secret that a system signs with, where it was given."""
    secret = getattr(settings, f"{system.name}_secret")
    return secret.get_secret_value() if secret else None


def add_hooks(app: FastAPI, desk: Desk) -> None:
    """Give `app` a route for each system that has a secret; the others' do not exist."""
    add = partial(app.router.add_api_route, route_class_override=PlainRoute)
    for system in SYSTEMS:
        secret = secret_of(system, app.state.service.settings)
        if secret is not None:
            path = f"/hooks/{system.name}"
            add(
                path,
                _route(system, secret, desk),
                methods=["POST"],
                operation_id=f"hook_{system.name}",
                summary=f"A delivery of {system.name}",
                responses=_responses(DeliveryAnswer | ChallengeAnswer if system.name == "slack" else DeliveryAnswer),
                response_model=None,
            )
            add(path, _there, methods=["HEAD"], include_in_schema=False, response_model=None)


def _responses(answer: Any) -> dict[int | str, dict[str, Any]]:
    bad: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorAnswer, "description": STATUSES[status]} for status in _ERRORS
    }
    return {200: {"model": answer}} | bad


def _route(system: System, secret: str, desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    async def receive(request: Request) -> Response:
        return await _receive(request, system, secret, desk)

    return receive


async def _receive(request: Request, system: System, secret: str, desk: Desk) -> Response:
    service: Service = request.app.state.service
    if service.phase == "draining":
        # Deliveries that come without end must not keep a server that is to stop.
        raise unavailable("draining", "the server is stopping; send the delivery again")
    deadline = time.monotonic() + service.settings.deadline_seconds
    with service.admitted(), service.bodies.share() as take:
        body = await read_body(request, service.settings.max_body_bytes, deadline, take)
        received_at = now()
        work = partial(_read, system, secret, request.headers, body, received_at, service.settings.slack_channel)
        try:
            read = await service.aside.run(len(body), work)
        except SignatureError as error:
            raise ApiError(401, "bad_signature", str(error)) from None
        except DeliveryError as error:
            raise ApiError(400, "bad_delivery", str(error)) from None
        if isinstance(read, Challenge):
            return json_response({"challenge": read.value})
        if isinstance(read, Skipped):
            status = "skipped"
        else:
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    new = await desk.intake.store(Arrival(system.name, read, received_at))
            except (SQLAlchemyError, TimeoutError) as error:
                # The system sends it again, or shows that it could not.
                logger.error("a delivery could not be stored: %s", trace(error))
                raise unavailable("store_failed", "the delivery could not be stored; send it again") from error
            status = "stored" if new else "duplicate"
        exchange_of(request.scope).work = {"stored": int(status == "stored")}
        service.metrics.deliveries.labels(system.name, status).inc()
        return json_response({"status": status})


async def _there(_: Request) -> Response:
    """Say that the address is there; Intercom asks before it delivers."""
    return Response()


def _read(
    system: System, secret: str, headers: Mapping[str, str], body: bytes, received_at: int, slack_channel: str | None
) -> Read:
    system.rule.verify(secret, headers, body, seconds=received_at / 1000)
    payload = parse(body)
    if not isinstance(payload, dict):
        raise DeliveryError("the body must be an object")
    read = system.read(payload, headers, received_at)
    if isinstance(read, Delivered) and read.at < received_at - (DELIVERY_DAYS - 1) * DAY:
        # Whether it has come before is not known for longer.
        return Skipped("an old message")
    if system.name == "slack" and slack_channel and part(payload, "event", "channel") == slack_channel:
        return Skipped("what people say of our alarms")
    return read
