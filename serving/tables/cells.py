"""Values as cell text and as JSON, for outputs that hold less than the input did."""

from __future__ import annotations

import base64
import json
import math
import re
from datetime import date, time
from typing import Final

SURROGATES: Final = re.compile("[\ud800-\udfff]")
REPLACEMENT: Final = "\ufffd"


def as_cell_text(value: object) -> str:
    """One value as the text of a cell: nothing for None, JSON for lists and objects."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple, dict)):
        return json_text(value)
    if isinstance(value, (int, float)):
        return repr(value)
    return _as_json_string(value)


def json_text(value: object) -> str:
    """One line of valid JSON: numbers that JSON lacks become null, other types text."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_as_json_string)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, default=_as_json_string)


def encoded(text: str) -> bytes:
    """UTF-8; half characters, which UTF-8 cannot hold, become the replacement character."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return SURROGATES.sub(REPLACEMENT, text).encode()


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return value


def _as_json_string(value: object) -> str:
    if isinstance(value, (date, time)):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return str(value)  # a Decimal keeps all its digits this way
