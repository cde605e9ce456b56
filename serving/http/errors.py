"""The one error shape of the API, and every status that the server answers on its own.

    {"error": {"code": "…", "message": "…", "request_id": "…"}}

No error repeats anything of a request's body: a customer's text must not end in a client's log.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from serving.http.exchange import exchange_of

STATUSES: Final = {
    400: "the body is not JSON in UTF-8, or not what the chat system sends",
    401: "no key, or a wrong one; a delivery is not signed with the server's secret, or not lately",
    403: "a form of the inbox was sent without its token",
    404: "there is no such route, or the server has no shadow",
    405: "the route does not take this method",
    408: "the body did not come within the deadline",
    413: "the body is too large, or holds too many texts or too much text",
    415: "the body is not said to be what the route takes",
    422: "a field is missing or wrong",
    429: "the queue is full, or the key has asked for too much",
    500: "a fault of the server",
    503: "the server is starting or stopping, cannot finish in time, lost a scoring worker, or cannot store",
    504: "the deadline passed before the texts were scored",
}
"""Status of every error and what it means; the OpenAPI document and docs/http.md say the same."""

CODES: Final = {
    400: ("bad_json", "bad_delivery", "bad_form"),
    401: ("unauthorized", "bad_signature"),
    403: ("bad_token",),
    404: ("not_found", "no_shadow"),
    405: ("method_not_allowed",),
    408: ("body_too_slow",),
    413: ("body_too_large", "too_many_texts", "too_much_text"),
    415: ("unsupported_media_type",),
    422: ("invalid_field",),
    429: ("queue_full", "rate_limited"),
    500: ("internal_error",),
    503: ("not_ready", "draining", "too_late", "worker_lost", "store_failed"),
    504: ("deadline_passed",),
}
"""The machine-readable codes that each status comes with."""

RETRY_AFTER_SECONDS: Final = 5
_MOST_FIELDS_SHOWN: Final = 5


class ApiError(Exception):
    """A refusal with its status, code and message; the routes raise it, a handler answers it."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def retry_after(seconds: float) -> dict[str, str]:
    """The header that says when to come back: whole seconds, never too few and never none."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def unavailable(code: str, message: str) -> ApiError:
    """A 503 that says when to come back."""
    return ApiError(503, code, message, retry_after(RETRY_AFTER_SECONDS))


encode: Final = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
"""To ASCII JSON, which any id survives; refuses NaN, which is no JSON."""


def json_response(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON."""
    return Response(encode(content), status, dict(headers or {}), media_type="application/json")


def error_response(error: ApiError, request_id: str) -> Response:
    """The one error shape."""
    shape = {"code": error.code, "message": error.message, "request_id": request_id}
    return json_response({"error": shape}, error.status, error.headers)


async def answer_api_error(request: Request, error: Exception) -> Response:
    """Answer what the routes refuse."""
    assert isinstance(error, ApiError)
    return error_response(error, exchange_of(request.scope).request_id)


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """Answer what the framework refuses: no such route, wrong method."""
    assert isinstance(error, HTTPException)
    code = CODES.get(error.status_code, ("refused",))[0]
    message = STATUSES.get(error.status_code, "the request was refused")
    return await answer_api_error(request, ApiError(error.status_code, code, message, error.headers))


async def answer_invalid_fields(request: Request, error: Exception) -> Response:
    """Answer 422 with the path of each wrong field and why, without what stood there."""
    assert isinstance(error, RequestValidationError)
    return await answer_api_error(request, ApiError(422, "invalid_field", _field_message(error.errors())))


def _field_message(problems: Sequence[Any]) -> str:
    lines = [_describe(problem) for problem in problems[:_MOST_FIELDS_SHOWN]]
    if len(problems) > _MOST_FIELDS_SHOWN:
        lines.append(f"and {len(problems) - _MOST_FIELDS_SHOWN} more")
    return "; ".join(lines)


def _describe(problem: Mapping[str, Any]) -> str:
    place = [str(part) for part in problem["loc"]]
    if problem["type"] == "extra_forbidden":
        # The unknown field's name is the client's own words, so it is left out.
        place, reason = place[:-1], "has a field that is not known"
    else:
        reason = problem["msg"]
    return f"{'.'.join(place) or 'the body'}: {reason}"
