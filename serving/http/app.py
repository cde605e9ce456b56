"""Puts the HTTP API together."""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from rida import __version__
from serving.http import errors
from serving.http.access_log import AccessLog
from serving.http.endings import Endings
from serving.http.exchange import Exchanges
from serving.http.failures import Failures
from serving.http.lifecycle import Service, lifespan
from serving.http.metrics import Measured
from serving.http.openapi import openapi
from serving.http.plain_routes import PlainRoutes
from serving.http.routes import add_routes
from serving.settings import require_store


def create_app(service: Service) -> FastAPI:
    """The routes and their document; `service` is loaded when it starts.

    Raises:
        InputError: what is set needs a store, or is set by half.
    """
    app = FastAPI(
        title="Rida",
        version=__version__,
        description="How customers feel and what about: mood and topics of texts in many languages.",
        lifespan=lifespan,
        middleware=[Middleware(Failures)],
        exception_handlers={
            errors.ApiError: errors.answer_api_error,
            HTTPException: errors.answer_http_exception,
            RequestValidationError: errors.answer_invalid_fields,
        },
        # A redirect would be an answer in another shape, to an address taken from the Host header.
        redirect_slashes=False,
        redoc_url=None,
    )
    app.state.service = service
    require_store(service.settings)
    add_routes(app)
    if service.settings.store is not None:
        # Only then: what this needs is an extra, and takes its time to import.
        from serving.desk import add_desk

        service.desk = add_desk(app)
    app.openapi = partial(openapi, app)  # type: ignore[method-assign]
    return app


def layered(app: FastAPI) -> ASGIApp:
    """What the server runs: the log line and every answer carry the request's id; our own routes take the short way."""
    service: Service = app.state.service
    inner: ASGIApp = AccessLog(Failures(PlainRoutes(app)))
    return Exchanges(Endings(Measured(inner, service.metrics), lambda: service.phase == "draining"))
