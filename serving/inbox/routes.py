"""The routes of the inbox: pages, forms, the stream of changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse

from model.labels import MOODS, TOPICS, own_topic_fault
from serving.http.errors import ApiError
from serving.http.lifecycle import ready_scoring
from serving.inbox.chart import BAR
from serving.inbox.login import LOGIN, form_of, log_in, log_out, session_of, show_login
from serving.inbox.pages import HEADERS, page
from serving.store.actions import Act, UnknownTopicError, act, correct
from serving.store.sessions import Session
from serving.store.views import PAGE, Filter, count_waiting, languages, list_conversations, one_conversation

if TYPE_CHECKING:
    from serving.desk import Desk

_STATES: Final = ("waiting", "answered", "resolved", "all")
_ACTS: Final[dict[str, Act]] = {each: each for each in get_args(Act)}
_STATIC: Final = Path(__file__).parent / "static"
_TYPES: Final = {"inbox.css": "text/css", "inbox.js": "text/javascript", "icon.svg": "image/svg+xml"}
_GATHER_SECONDS: Final = 0.2
"""How long changes gather before a browser is told: one look shows them all."""
_LOOK_SECONDS: Final = 1.0
_BREATHS: Final = 15
_LAST_PAGE: Final = 10_000
_LARGEST_ID: Final = 2**53

_Handler = Callable[[Request, "Desk"], Awaitable[Response]]


def add_inbox(app: FastAPI, desk: Desk) -> None:
    """Give `app` the inbox."""
    routes: tuple[tuple[str, str, _Handler], ...] = (
        ("GET", "/inbox", _show_list),
        ("GET", LOGIN, _show_login),
        ("POST", LOGIN, log_in),
        ("POST", "/inbox/logout", log_out),
        ("GET", "/inbox/events", _stream),
        ("GET", "/inbox/conversations/{conversation}", _show_conversation),
        ("POST", "/inbox/conversations/{conversation}", _act),
        ("POST", "/inbox/messages/{message}", _correct),
        ("GET", "/inbox/static/{name}", _static),
    )
    for method, path, handler in routes:
        # Pages for people are no part of the API's description.
        app.add_api_route(path, _with(handler, desk), methods=[method], include_in_schema=False, response_model=None)


def _with(handler: _Handler, desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await handler(request, desk)

    return answer


async def _show_login(request: Request, desk: Desk) -> Response:
    return show_login(request, desk)


async def _show_list(request: Request, desk: Desk) -> Response:
    session = await session_of(request, desk)
    if session is None:
        return _to_login()
    asked = _asked(request)
    read = desk.database.read
    listed = await read(list_conversations, asked)
    values: dict[str, Any] = {
        "asked": asked,
        "listed": listed,
        "last_page": max(0, (listed.total - 1) // PAGE),
        "counts": await read(count_waiting),
        "days": await desk.trend.days(desk.database),
        "bar": BAR,
        "link": partial(_link, asked),
    }
    if "part" in request.query_params:
        return page("_list", **values)
    # Of other weights there may be conversations whose topics these do not know.
    topics = dict.fromkeys((*desk.topics, *filter(None, [asked.topic])))
    return page("list", session=session, states=_STATES, topics=topics, languages=await read(languages), **values)


async def _show_conversation(request: Request, desk: Desk) -> Response:
    session = await session_of(request, desk)
    if session is None:
        return _to_login()
    found = await desk.database.read(one_conversation, _id(request, "conversation"))
    if found is None:
        raise _nothing_there()
    conversation, messages = found
    name = "_conversation" if "part" in request.query_params else "conversation"
    return page(name, session=session, conversation=conversation, messages=messages, topics=desk.topics)


async def _act(request: Request, desk: Desk) -> Response:
    session, form = await form_of(request, desk)
    conversation = _id(request, "conversation")
    what = _ACTS.get(form.get("act", ""))
    if what is None:
        raise ApiError(400, "bad_form", f"act must be one of {', '.join(_ACTS)}")
    return await _changed(desk, await desk.database.write(_act_on, conversation, what, session))


def _act_on(connection: Any, conversation: int, what: Act, session: Session) -> int | None:
    return conversation if act(connection, conversation, what, by=session.name) else None


async def _correct(request: Request, desk: Desk) -> Response:
    session, form = await form_of(request, desk)
    mood, topic = form.get("mood"), form.get("topic")
    if mood is not None and mood not in MOODS:
        raise _unknown_label()
    if mood is None and topic is None and "undo" not in form:
        raise ApiError(400, "bad_form", "the form says neither mood nor topic nor undo")
    ready_scoring(desk.service)
    message = _id(request, "message")
    work = partial(correct, by=session.name, mood=mood, topic=topic)
    try:
        conversation = await desk.database.write(work, message, desk.policy())
    except UnknownTopicError:
        raise _unknown_label() from None
    return await _changed(desk, conversation, f"#message-{message}")


async def _changed(desk: Desk, conversation: int | None, fragment: str = "") -> Response:
    if conversation is None:
        raise _nothing_there()
    desk.changes.announce()
    return RedirectResponse(f"/inbox/conversations/{conversation}{fragment}", 303, HEADERS)


async def _stream(request: Request, desk: Desk) -> Response:
    if await session_of(request, desk) is None:
        raise ApiError(401, "unauthorized", "log in to the inbox")
    return StreamingResponse(
        _changes(desk), headers=HEADERS | {"X-Accel-Buffering": "no"}, media_type="text/event-stream"
    )


async def _changes(desk: Desk) -> AsyncIterator[str]:
    """A line for each change, and now and then one that says nothing, so that a connection that is dead is noticed."""
    changes, seen, silent = desk.changes, desk.changes.number, 0
    changes.watchers += 1
    try:
        yield "retry: 1000\n\n"
        while not changes.closed and desk.service.phase != "draining":
            if await changes.after(seen, _LOOK_SECONDS):
                await asyncio.sleep(_GATHER_SECONDS)
                seen, silent = changes.number, 0
                yield f"data: {seen}\n\n"
            elif (silent := silent + 1) % _BREATHS == 0:
                yield ": still here\n\n"
    finally:
        changes.watchers -= 1


async def _static(request: Request, desk: Desk) -> Response:
    name = request.path_params["name"]
    if name not in _TYPES:
        raise _nothing_there()
    return FileResponse(_STATIC / name, media_type=_TYPES[name], headers=HEADERS | {"Cache-Control": "no-cache"})


def _asked(request: Request) -> Filter:
    """The filter of the address; what makes no sense in it is left out."""
    given = request.query_params
    known = {"state": _STATES, "mood": MOODS}
    chosen = {name: given.get(name, "") for name, values in known.items() if given.get(name, "") in values}
    topic, number = given.get("topic", ""), given.get("page", "0")
    return Filter(
        state=chosen.get("state", "waiting"),
        mood=chosen.get("mood", ""),
        topic=topic if topic in TOPICS or own_topic_fault(topic) is None else "",
        language="".join(each for each in given.get("language", "")[:8] if each.isalnum() or each == "-"),
        review=given.get("review") == "1",
        page=min(int(number), _LAST_PAGE) if number.isascii() and number.isdecimal() and len(number) < 6 else 0,
    )


def _link(asked: Filter, at: int) -> str:
    """The address of another page of the same list."""
    fields = {"state": asked.state, "mood": asked.mood, "topic": asked.topic, "language": asked.language}
    chosen = urlencode({name: value for name, value in fields.items() if value})
    return f"/inbox?{chosen}{'&review=1' if asked.review else ''}&page={at}"


def _id(request: Request, name: str) -> int:
    raw = request.path_params[name]
    if not (raw.isascii() and raw.isdecimal() and len(raw) < 17 and int(raw) < _LARGEST_ID):
        raise _nothing_there()
    return int(raw)


def _unknown_label() -> ApiError:
    return ApiError(400, "bad_form", "mood and topic must be among those that the weights know")


def _nothing_there() -> ApiError:
    return ApiError(404, "not_found", "there is no such page")


def _to_login() -> Response:
    return RedirectResponse(LOGIN, 303, HEADERS)
