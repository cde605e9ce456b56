"""What a setting is, and the kinds of values that settings have."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

_TRUE: Final = ("1", "true", "yes", "on")
_FALSE: Final = ("0", "false", "no", "off")
_SHORTEST_SECRET: Final = 8


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table; `read` turns a raw value into a typed one or raises ValueError."""

    name: str
    default: object
    allowed: str
    read: Callable[[str], object]
    help: str

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"RIDA_{self.name.upper()}"

    @property
    def flag(self) -> str:
        """The command-line flag."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def is_switch(self) -> bool:
        """Whether the flag stands alone, without a value."""
        return isinstance(self.default, bool)

    @property
    def default_text(self) -> str:
        """The default as a person would write it; empty where there is none."""
        if self.is_switch:
            return "yes" if self.default else "no"
        return "" if self.default in (None, ()) else str(self.default)


def read_switch(raw: str) -> bool:
    """Reads yes or no, as people write it in environments."""
    if raw.lower() not in _TRUE + _FALSE:
        raise ValueError
    return raw.lower() in _TRUE


def read_key_hashes(raw: str) -> tuple[str, ...]:
    """Reads SHA-256 hashes of keys, separated by commas."""
    hashes = tuple(part.strip().lower() for part in raw.split(",") if part.strip())
    if not hashes or any(not re.fullmatch(r"[0-9a-f]{64}", one) for one in hashes):
        raise ValueError
    return hashes


def whole(name: str, default: int | None, least: int, most: int, help_: str) -> Setting:
    """A whole number from `least` to `most`."""

    def read(raw: str) -> int:
        if not re.fullmatch(r"[0-9]{1,18}", raw) or not least <= int(raw) <= most:
            raise ValueError
        return int(raw)

    return Setting(name, default, f"a whole number from {least} to {most}", read, help_)


def choice(name: str, default: str | None, choices: tuple[str, ...], help_: str) -> Setting:
    """One of some words, in any case."""

    def read(raw: str) -> str:
        if raw.lower() not in choices:
            raise ValueError
        return raw.lower()

    return Setting(name, default, f"one of {', '.join(choices)}", read, help_)


def _read_secret(raw: str) -> SecretStr:
    if raw.startswith("file:"):
        try:
            raw = Path(raw.removeprefix("file:")).read_text(encoding="utf-8").strip()
        except OSError:
            raise ValueError from None
    # What is shorter could be found by trying.
    if len(raw) < _SHORTEST_SECRET or not raw.isascii() or not raw.isprintable():
        raise ValueError
    return SecretStr(raw)


def secret(name: str, help_: str) -> Setting:
    """A secret, or the file that holds it."""
    allowed = (
        f"at least {_SHORTEST_SECRET} characters of printable ASCII, or file: and the path of a file that holds them"
    )
    return Setting(name, None, allowed, _read_secret, help_)


def _read_url(raw: str) -> str:
    parts = urlsplit(raw)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError
    return raw.rstrip("/")


def url(name: str, help_: str, default: str | None = None) -> Setting:
    """An address of HTTP; a slash at its end is dropped."""
    return Setting(name, default, "an address that begins with http:// or https://", _read_url, help_)
