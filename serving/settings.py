"""Every setting of Rida in one table: its name, variable, default, allowed values and help.

`TABLE` is read by the command line's flags, by docs/settings.md and by the code, so that they cannot part.
A value is taken from the command-line flag, else from the environment, else from the default.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import SecretStr

from model.config import Backend, Speed
from model.errors import InputError
from serving.setting_kinds import Setting, choice, read_key_hashes, read_switch, secret, url, whole

_LOG_LEVELS: Final = ("debug", "info", "warning", "error")
_LOG_FORMATS: Final = ("text", "json")
_NEEDS_STORE: Final = ("chatwoot_", "zendesk_", "slack_", "intercom_", "zammad_", "generic_", "webhook_")


@dataclass(frozen=True, slots=True)
class Settings:
    """The values in use, one field for each row of the table."""

    weights: Path | None
    shadow: Path | None
    threads: int | None
    speed: Speed | None
    backend: Backend | None
    host: str
    port: int
    keys: tuple[str, ...]
    allow_open: bool
    max_body_bytes: int
    max_texts: int
    deadline_seconds: int
    queue_milliseconds: int
    batch_tokens: int | None
    texts_per_minute: int | None
    drain_seconds: int
    log_level: str
    log_format: str
    store: str | None
    keep_text_days: int | None
    keep_days: int | None
    chatwoot_secret: SecretStr | None
    zendesk_secret: SecretStr | None
    slack_secret: SecretStr | None
    intercom_secret: SecretStr | None
    zammad_secret: SecretStr | None
    generic_secret: SecretStr | None
    chatwoot_url: str | None
    chatwoot_token: SecretStr | None
    zendesk_url: str | None
    zendesk_token: SecretStr | None
    zammad_url: str | None
    zammad_token: SecretStr | None
    slack_url: str
    slack_channel: str | None
    slack_token: SecretStr | None
    webhook_url: str | None
    webhook_secret: SecretStr | None


TABLE: Final = (
    Setting("weights", None, "a folder", Path, "weights folder; without it the weights shipped with Rida"),
    Setting(
        "shadow",
        None,
        "a folder",
        Path,
        "weights folder that scores what was answered and answers nobody; /v1/shadow tells what a swap would change",
    ),
    whole("threads", None, 1, 1024, "cores to score with; without it all of them"),
    choice(
        "speed",
        None,
        get_args(Speed),
        "full, or fast: a small network answers what it is sure of; without it what the weights say",
    ),
    choice(
        "backend",
        None,
        get_args(Backend),
        "onnxruntime, without it too; or openvino: faster for many texts where the processor multiplies in bfloat16",
    ),
    Setting(
        "host",
        "127.0.0.1",
        "a host name or an IP address",
        str,
        "address to listen on; any but a loopback address needs keys",
    ),
    whole("port", 8000, 0, 65535, "port to listen on; 0 takes a free one and logs which"),
    Setting(
        "keys",
        (),
        "SHA-256 hashes of 64 hexadecimal digits, separated by commas",
        read_key_hashes,
        "SHA-256 hash of each API key, separated by commas; never the keys themselves",
    ),
    Setting(
        "allow_open",
        False,
        "yes or no",
        read_switch,
        "serve without keys on any address, to whoever can reach it",
    ),
    whole(
        "max_body_bytes",
        4_194_304,
        1024,
        1_073_741_824,
        "largest request body in bytes, counted while it is read",
    ),
    whole("max_texts", 1000, 1, 1_000_000, "most texts in one request"),
    whole(
        "deadline_seconds",
        10,
        1,
        3600,
        "seconds in which a request must be answered, counted from its head; what cannot be is refused at once",
    ),
    whole(
        "queue_milliseconds",
        1000,
        1,
        3_600_000,
        "work that may come before a request, in milliseconds at the measured rate; with more it is refused",
    ),
    whole(
        "batch_tokens",
        None,
        1,
        1_000_000,
        "tokens scored in one run, padding included; without it what the weights were made for",
    ),
    whole(
        "texts_per_minute",
        None,
        1,
        1_000_000_000,
        "texts a minute that one key may send; without keys, all clients together; without it any number",
    ),
    whole("drain_seconds", 20, 0, 3600, "after SIGTERM, seconds that requests in flight are given to finish"),
    choice("log_level", "info", _LOG_LEVELS, "how much to log; no level logs a text"),
    choice("log_format", "text", _LOG_FORMATS, "lines to read, or one JSON object a line"),
    Setting(
        "store",
        None,
        "a path, or a URL that begins with postgresql://",
        str,
        "SQLite file or PostgreSQL database of conversations; without it there are no hooks and no inbox",
    ),
    whole(
        "keep_text_days",
        None,
        0,
        36_500,
        "days that a text is kept once it is scored; 0 keeps only its hash; without it as long as its conversation",
    ),
    whole(
        "keep_days",
        None,
        1,
        36_500,
        "days that a conversation is kept after its last message; without it until it is deleted",
    ),
    secret("chatwoot_secret", "secret that Chatwoot signs its deliveries with; opens /hooks/chatwoot"),
    secret("zendesk_secret", "secret that Zendesk signs its deliveries with; opens /hooks/zendesk"),
    secret("slack_secret", "secret that Slack signs its deliveries with; opens /hooks/slack"),
    secret("intercom_secret", "client secret of the Intercom app; opens /hooks/intercom"),
    secret("zammad_secret", "token that Zammad signs its deliveries with; opens /hooks/zammad"),
    secret("generic_secret", "secret that your own system signs its deliveries with; opens /hooks/generic"),
    url("chatwoot_url", "Chatwoot's address, to write labels and priority to"),
    secret("chatwoot_token", "access token for Chatwoot's API"),
    url("zendesk_url", "Zendesk's address, to write tags and priority to"),
    secret("zendesk_token", "for Zendesk's API: EMAIL/token:TOKEN, or an OAuth token"),
    url("zammad_url", "Zammad's address, to write tags and priority to"),
    secret("zammad_token", "access token for Zammad's API"),
    url("slack_url", "address of Slack's API", "https://slack.com/api"),
    Setting("slack_channel", None, "a channel's id", str, "Slack channel that is told of angry conversations"),
    secret("slack_token", "bot token for Slack's API"),
    url("webhook_url", "address that is told of angry conversations"),
    secret("webhook_secret", "secret that what is sent to the webhook's address is signed with"),
)

NAMES: Final = tuple(setting.name for setting in TABLE)


def read_settings(flags: Mapping[str, Any], environment: Mapping[str, str], names: tuple[str, ...] = NAMES) -> Settings:
    """Each named setting from its flag, else its variable, else its default; the rest by default.

    An empty variable counts as not set, as container files often pass it so.

    Raises:
        InputError: a value is not allowed.
    """
    values: dict[str, Any] = {
        setting.name: _read(setting, flags, environment) if setting.name in names else setting.default
        for setting in TABLE
    }
    return Settings(**values)


def require_store(settings: Settings) -> None:
    """Refuse settings that do nothing without a store, so that nobody waits for deliveries that are not taken.

    Raises:
        InputError: one of them is set, and no store.
    """
    if settings.store is None:
        for setting in TABLE:
            if setting.name.startswith(_NEEDS_STORE) and getattr(settings, setting.name) != setting.default:
                raise InputError(f"{setting.variable} is set without a store; set --store (RIDA_STORE) too")


def _read(setting: Setting, flags: Mapping[str, Any], environment: Mapping[str, str]) -> object:
    flag = flags.get(setting.name)
    raw = environment.get(setting.variable, "").strip() if flag is None else flag
    if flag is None and not raw:
        return setting.default
    try:
        if not raw:
            raise ValueError
        return setting.read(raw)
    except ValueError:
        # The value itself is left out: a key set in place of its hash must not end in a log.
        source = setting.variable if flag is None else f"{setting.flag} ({setting.variable})"
        raise InputError(f"{source} must be {setting.allowed}") from None


def add_flags(parser: argparse.ArgumentParser, names: tuple[str, ...] = NAMES) -> None:
    """Give `parser` the flags of the named settings; their values stay raw until `read_settings`."""
    for setting in TABLE:
        if setting.name not in names:
            continue
        default = f"default: {setting.default_text}; " if setting.default_text else ""
        text = f"{setting.help} ({default}{setting.variable})"
        if setting.is_switch:
            parser.add_argument(setting.flag, action="store_const", const="yes", help=text)
        else:
            parser.add_argument(setting.flag, metavar=setting.name.rpartition("_")[2].upper(), help=text)


def markdown_table() -> str:
    """The table as docs/settings.md shows it."""
    lines = ["| Flag | Variable | Default | Allowed | What it does |", "|---|---|---|---|---|"]
    for setting in TABLE:
        default = f"`{setting.default_text}`" if setting.default_text else "none"
        lines.append(f"| `{setting.flag}` | `{setting.variable}` | {default} | {setting.allowed} | {setting.help} |")
    return "\n".join(lines) + "\n"
