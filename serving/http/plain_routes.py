"""The short way to our own routes, past what FastAPI and Starlette do for each request.

Their routing, dependencies and checks of fields take longer than all of our own work beside the model, and our routes
read their requests themselves. They stand in FastAPI's document and answer the same either way.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from serving.http.errors import ApiError, answer_api_error, answer_invalid_fields
from serving.http.keys import bearer, require_key


class PlainRoute(APIRoute):
    """Asks for a key where it depends on one, then calls its endpoint with the request."""

    def __init__(self, *given: Any, **named: Any) -> None:
        """Like that of `APIRoute`.

        Raises:
            ValueError: it depends on something else than a key.
        """
        super().__init__(*given, **named)
        asked = [each.dependency for each in self.dependencies]
        if asked not in ([], [require_key]):
            raise ValueError(f"{self.path}: a plain route can depend on a key and on nothing else")
        self._keyed = bool(asked)
        self.app = self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        try:
            if self._keyed:
                await require_key(request, await bearer(request))
            response = await self.endpoint(request)
        except ApiError as error:
            response = await answer_api_error(request, error)
        except RequestValidationError as error:
            response = await answer_invalid_fields(request, error)
        await response(scope, receive, send)


class PlainRoutes:
    """Takes requests to plain routes to them, and all others to the application."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        plain = [route for route in app.routes if isinstance(route, PlainRoute)]
        self._routes = {(method, route.path): route for route in plain for method in route.methods or ()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        route = self._routes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if route is None:
            await self.app(scope, receive, send)
            return
        scope["app"], scope["route"] = self.app, route
        await route.app(scope, receive, send)
