"""Notices that a client has left while its texts wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request


@asynccontextmanager
async def departure(request: Request) -> AsyncIterator[asyncio.Future[None]]:
    """A future that is done when the client has left; the request's body must have been read."""
    watching = asyncio.create_task(_until_gone(request))
    try:
        yield watching
    finally:
        watching.cancel()


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
