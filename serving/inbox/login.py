"""Who is at the inbox: logged in with one of the server's keys, or, where there are none, with a name alone."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving.http.errors import ApiError
from serving.http.keys import matching_hash
from serving.inbox.forms import read_form
from serving.inbox.pages import HEADERS, page
from serving.store.sessions import SESSION_SECONDS, Session, begin_session, end_session, find_session

if TYPE_CHECKING:
    from serving.desk import Desk

LOGIN: Final = "/inbox/login"
_COOKIE: Final = "rida_session"
_LOGIN_COOKIE: Final = "rida_login"
_LONGEST_NAME: Final = 80


async def session_of(request: Request, desk: Desk) -> Session | None:
    """The session that a request comes with, while its key is still one of the server's."""
    token = request.cookies.get(_COOKIE, "")
    session = await desk.database.read(find_session, token) if token else None
    keys = desk.service.settings.keys
    if session is None or (session.key_hash not in keys if keys else session.key_hash):
        return None
    return session


async def form_of(request: Request, desk: Desk) -> tuple[Session, dict[str, str]]:
    """A form, and who sent it.

    Raises:
        ApiError: 401 nobody is logged in, 403 the form is not one of ours; what `read_form` raises.
    """
    session = await session_of(request, desk)
    if session is None:
        raise ApiError(401, "unauthorized", "log in to the inbox")
    form = await read_form(request)
    require_token(session.csrf, form)
    return session, form


def require_token(expected: str, form: dict[str, str]) -> None:
    """Another site can make a browser send a form, but cannot read the token that stands in ours.

    Raises:
        ApiError: 403 it is not there.
    """
    if not hmac.compare_digest(form.get("token", "").encode(), expected.encode()):
        raise ApiError(403, "bad_token", "the form has no valid token; load the page again")


def show_login(request: Request, desk: Desk, *, problem: str = "", status: int = 200) -> Response:
    """The page to log in."""
    token = secrets.token_urlsafe(32)
    answer = page("login", status, token=token, problem=problem, asks_for_key=bool(desk.service.settings.keys))
    _set_cookie(request, answer, _LOGIN_COOKIE, token, seconds=3600)
    return answer


async def log_in(request: Request, desk: Desk) -> Response:
    """Begin a session for who knows a key."""
    form = await read_form(request)
    expected = request.cookies.get(_LOGIN_COOKIE, "")
    if not expected:
        return show_login(request, desk, problem="This page was open for too long. Try again.", status=403)
    require_token(expected, form)
    hashes = desk.service.settings.keys
    key_hash = matching_hash(form.get("key", "").encode(), hashes) if hashes else ""
    name = " ".join(form.get("name", "").split())
    if key_hash is None:
        return show_login(request, desk, problem="This is not one of the server's keys.", status=401)
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        return show_login(request, desk, problem="Give a name of up to 80 characters.", status=400)
    token = await desk.database.write(begin_session, name, key_hash)
    answer = RedirectResponse("/inbox", 303, HEADERS)
    _set_cookie(request, answer, _COOKIE, token, seconds=SESSION_SECONDS)
    return answer


async def log_out(request: Request, desk: Desk) -> Response:
    """End the session."""
    await form_of(request, desk)
    await desk.database.write(end_session, request.cookies.get(_COOKIE, ""))
    answer = RedirectResponse(LOGIN, 303, HEADERS)
    answer.delete_cookie(_COOKIE, path="/inbox")
    return answer


def _set_cookie(request: Request, answer: Response, name: str, value: str, *, seconds: int) -> None:
    # Behind a proxy only the proxy knows whether the browser's side is encrypted.
    secure = request.url.scheme == "https" or request.headers.get("X-Forwarded-Proto", "") == "https"
    answer.set_cookie(name, value, max_age=seconds, path="/inbox", httponly=True, samesite="lax", secure=secure)
