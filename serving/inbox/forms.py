"""Reads what a form of the inbox sends."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from serving.http.errors import ApiError

_MOST_BYTES: Final = 16_384
_MOST_FIELDS: Final = 20
_SECONDS: Final = 10.0


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, the last of each name.

    Raises:
        ApiError: 415 another type, 413 too large, 408 too slow, 400 no form in UTF-8.
    """
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise ApiError(415, "unsupported_media_type", "send the form as application/x-www-form-urlencoded")
    body = bytearray()
    try:
        async with asyncio.timeout(_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise ApiError(413, "body_too_large", f"a form may have at most {_MOST_BYTES} bytes")
    except TimeoutError:
        raise ApiError(408, "body_too_slow", f"the form did not come within {_SECONDS:.0f} seconds") from None
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"))
    except ValueError:
        raise ApiError(400, "bad_form", "the form is not in UTF-8, or has too many fields") from None
