"""A route that is documented like FastAPI's and answered without them: our routes read their requests themselves."""

from __future__ import annotations

from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from serving.http.keys import bearer, require_key


class PlainRoute(APIRoute):
    """Asks for a key where it has dependencies, then calls its endpoint with the request.

    What FastAPI does for each request beyond that, to solve dependencies and check fields, takes longer than all of our
    own work beside the model. That the only dependency is the key is checked when the route is made.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        asked = [each.dependency for each in self.dependencies]
        if asked not in ([], [require_key]):
            raise ValueError(f"{self.path}: a plain route can only depend on the key")
        self._keyed = bool(asked)
        self.app = self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        if self._keyed:
            await require_key(request, await bearer(request))
        response = await self.endpoint(request)
        await response(scope, receive, send)
