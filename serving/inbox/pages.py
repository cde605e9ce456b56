"""Makes the pages from their templates."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response

from model.labels import MOODS, TOPICS
from serving.store.tables import now

HEADERS: Final = {
    # Everything comes from here, and no script or style stands in a page.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

MOOD_KEYS: Final = dict(zip("1234", MOODS, strict=True))
TOPIC_KEYS: Final = dict(zip("qpdsbwaf", TOPICS, strict=True))
"""Quality, price, delivery, service, billing, warranty, app, facility."""

OWN_TOPIC_KEYS: Final = "567890"
"""For the first of the weights' own topics: the digits that the moods leave, as they stand on the keyboard."""


def topic_buttons(known: Iterable[str], named: Iterable[str]) -> list[tuple[str, str]]:
    """Topics with a button at a message, and the key of each: those with a key, and those that were `named` of it.

    `known` are the topics of the weights. Those without a key have "", which may be topics of other weights.
    """
    own = [topic for topic in known if topic not in TOPICS]
    keys = TOPIC_KEYS | dict(zip(OWN_TOPIC_KEYS, own, strict=False))
    keyed = [(key, topic) for key, topic in keys.items()]
    return keyed + [("", topic) for topic in dict.fromkeys(named) if topic not in keys.values()]


def _since(moment: int) -> str:
    minutes = max(0, now() - moment) // 60_000
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 48 * 60 else f"{minutes // 1440} days"


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _clock(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _words(name: str) -> str:
    return name.replace("_", " ") if name in TOPICS else name


_environment: Final = Environment(
    loader=PackageLoader("serving.inbox", "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {"since": _since, "iso": _iso, "clock": _clock, "words": _words}
_environment.globals |= {"moods": MOODS, "mood_keys": MOOD_KEYS, "topic_buttons": topic_buttons}


def page(name: str, status: int = 200, **values: Any) -> Response:
    """A page, or a part of one, of the template of that name."""
    content = _environment.get_template(f"{name}.html").render(**values)
    return Response(content, status, HEADERS, media_type="text/html")
