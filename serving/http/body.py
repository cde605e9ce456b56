"""Reads a request's body: its type, its size as it comes in, its JSON. Refuses before it stores."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from email.message import Message
from typing import Final, NoReturn

from starlette.requests import Request

from serving.http.errors import ApiError

_DISCARD_SECONDS: Final = 5.0


async def read_json(request: Request, max_bytes: int, deadline: float) -> object:
    """The parsed body, if it comes before `deadline`, in the time of `time.monotonic`.

    Raises:
        ApiError: 415 not said to be JSON, 413 more than `max_bytes`, 408 too slow, 400 not JSON in UTF-8.
    """
    _require_json_type(request)
    try:
        async with asyncio.timeout(deadline - time.monotonic()):
            body = await _read_bytes(request, max_bytes)
    except TimeoutError:
        # The rest of the body is not waited for, so nothing more can be asked on this connection.
        raise ApiError(
            408, "body_too_slow", "the body did not come within the deadline", {"Connection": "close"}
        ) from None
    return _parse(body)


def _require_json_type(request: Request) -> None:
    header = Message()
    header["Content-Type"] = request.headers.get("Content-Type", "")
    charset = header.get_content_charset("utf-8")
    if header.get_content_type() != "application/json" or charset not in ("utf-8", "utf8"):
        raise ApiError(415, "unsupported_media_type", "send Content-Type: application/json, in UTF-8")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ApiError(415, "unsupported_media_type", "send the body without Content-Encoding")


async def _read_bytes(request: Request, max_bytes: int) -> bytes:
    # Content-Length is the client's claim; what counts is what arrives.
    body = bytearray()
    async with aclosing(request.stream()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > max_bytes:
                body.clear()
                await _discard(chunks)
                raise ApiError(413, "body_too_large", f"the body may have at most {max_bytes} bytes")
    return bytes(body)


async def _discard(chunks: AsyncIterator[bytes]) -> None:
    """Read on for a while without keeping anything.

    A client that is still sending when the connection closes sees a reset, not our answer.
    """
    try:
        async with asyncio.timeout(_DISCARD_SECONDS):
            async for _ in chunks:
                pass
    except TimeoutError:
        return


def _parse(body: bytes) -> object:
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant, object_pairs_hook=_without_repeats)
    except UnicodeDecodeError as error:
        raise _bad_json(f"the body is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        # The decoder's own words may quote the body, so only the place is given.
        raise _bad_json(f"the body is not JSON at line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise _bad_json("the body is nested too deeply") from None
    except ValueError:
        raise _bad_json("the body holds a number that is too long") from None


def _refuse_constant(_: str) -> NoReturn:
    raise _bad_json("the body holds NaN or Infinity, which is not JSON")


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # JSON readers differ in which one of two equal names wins, so neither may.
    named = dict(pairs)
    if len(named) != len(pairs):
        raise _bad_json("an object of the body names a field twice")
    return named


def _bad_json(message: str) -> ApiError:
    return ApiError(400, "bad_json", message)
