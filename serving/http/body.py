"""Reads a request's body: its type, its size as it comes in, its JSON. Refuses before it stores."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import NoReturn

from starlette.requests import Request

from serving.http.errors import ApiError


async def read_body(request: Request, max_bytes: int, deadline: float, take: Callable[[int], None]) -> bytes:
    """The body, if it comes before `deadline`, in the time of `time.monotonic`; `take` is told of its bytes.

    Raises:
        ApiError: 415 not said to be JSON, 413 more than `max_bytes`, 408 too slow; what `take` raises.
    """
    _require_json_type(request)
    try:
        async with asyncio.timeout(deadline - time.monotonic()):
            return await _read_bytes(request, max_bytes, take)
    except TimeoutError:
        raise ApiError(408, "body_too_slow", "the body did not come within the deadline") from None


def _require_json_type(request: Request) -> None:
    if not _is_json_in_utf8(request.headers.get("Content-Type", "")):
        raise ApiError(415, "unsupported_media_type", "send Content-Type: application/json, in UTF-8")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ApiError(415, "unsupported_media_type", "send the body without Content-Encoding")


def _is_json_in_utf8(content_type: str) -> bool:
    # By hand: the library's parser knows all that mail allows, and raises for some of it.
    kind, *parameters = content_type.lower().split(";")
    named = dict(_named(parameter) for parameter in parameters)
    return kind.strip() == "application/json" and named.get("charset", "utf-8") in ("utf-8", "utf8")


def _named(parameter: str) -> tuple[str, str]:
    name, _, value = parameter.partition("=")
    return name.strip(), value.strip().strip('"')


async def _read_bytes(request: Request, max_bytes: int, take: Callable[[int], None]) -> bytes:
    # Content-Length is the client's claim; what counts is what arrives.
    body = bytearray()
    async with aclosing(request.stream()) as chunks:
        async for chunk in chunks:
            take(len(chunk))
            body += chunk
            if len(body) > max_bytes:
                raise ApiError(413, "body_too_large", f"the body may have at most {max_bytes} bytes")
    return bytes(body)


def parse(body: bytes) -> object:
    """What a body holds.

    Raises:
        ApiError: 400 it is not JSON in UTF-8.
    """
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
