"""Who may ask: anyone on loopback; elsewhere those with a key, unless the settings say otherwise."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from model.errors import InputError
from serving.http.errors import ApiError
from serving.settings import Settings

bearer = HTTPBearer(auto_error=False, description="An API key; needed where the server was given keys.")


def require_keys_beyond_loopback(address: str, settings: Settings) -> None:
    """Refuse to listen where others can reach us without keys.

    Raises:
        InputError: `address` is not a loopback address, there are no keys, and nobody said to go without.
    """
    if settings.keys or settings.allow_open or _is_loopback(address):
        return
    raise InputError(
        f"serving on {address}, which is not a loopback address, needs keys: give the SHA-256 of each key "
        'in RIDA_KEYS or --keys (printf %s "$KEY" | sha256sum), or --allow-open to let everyone in'
    )


async def require_key(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]
) -> None:
    """Let a request pass if no keys are set or it brings one of them; `key_of` tells which.

    Raises:
        ApiError: 401 no key, or a wrong one.
    """
    hashes: tuple[str, ...] = request.app.state.service.settings.keys
    if not hashes:
        return
    # Headers come decoded as Latin-1; the hash is over the bytes that were sent.
    digest = matching_hash(given.credentials.encode("latin-1") if given else b"", hashes)
    if given is None or digest is None:
        raise ApiError(
            401,
            "unauthorized",
            "send Authorization: Bearer with one of the server's keys",
            {"WWW-Authenticate": "Bearer"},
        )
    request.state.key = digest


def matching_hash(key: bytes, hashes: Sequence[str]) -> str | None:
    """The hash of a key, if it is one of those."""
    digest = hashlib.sha256(key).hexdigest()
    # All are compared, so that the time taken does not tell which one it was.
    matches = sum(hmac.compare_digest(digest, one) for one in hashes)
    return digest if matches else None


def key_of(request: Request) -> str:
    """The hash of the key that a request came with; nothing where no keys are set."""
    return str(getattr(request.state, "key", ""))


def _is_loopback(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback
