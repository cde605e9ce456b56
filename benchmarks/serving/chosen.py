"""The settings that the others run with: those that `tune` found best, in `settings.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.serving.contestants import PEERS, Settings

FILE: Final = Path(__file__).with_name("settings.toml")


def read() -> dict[str, Settings]:
    """The settings of each peer, by its name.

    Raises:
        ValueError: the file is missing or does not name all that a peer is set by.
    """
    try:
        with FILE.open("rb") as file:
            found: dict[str, Any] = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{FILE.name}: {error}") from None
    for peer in PEERS:
        missing = peer.grid[0].keys() - found.get(peer.name, {}).keys()
        if missing:
            raise ValueError(f"{FILE.name}: {peer.name} lacks {', '.join(sorted(missing))}")
    return {peer.name: found[peer.name] for peer in PEERS}


def write(best: Mapping[str, tuple[Settings, str]]) -> None:
    """Keep the settings of each peer, with a comment on how they were found."""
    lines = [
        "# What the others run with, so that they are shown at their best on the machine of the published figures.",
        "# Written by: python -m benchmarks.serving.tune",
    ]
    for name, (settings, comment) in best.items():
        lines += ["", f"# {comment}", f"[{name}]"]
        lines += [f"{key} = {_toml(value)}" for key, value in settings.items()]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
