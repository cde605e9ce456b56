"""One table of settings, and three places that must agree with it."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

import pytest
from pydantic import SecretStr

from model.errors import InputError
from serving.http.app import create_app
from serving.http.lifecycle import Service
from serving.settings import NAMES, TABLE, Settings, add_flags, markdown_table, read_settings

DOCS = Path(__file__).parents[2] / "docs"
HASH = "a" * 64


def test_the_values_have_one_field_for_each_row_of_the_table():
    assert tuple(each.name for each in fields(Settings)) == NAMES


def test_a_flag_goes_before_the_environment_and_that_before_the_default():
    assert read_settings({}, {}).port == 8000
    assert read_settings({}, {"RIDA_PORT": "81"}).port == 81
    assert read_settings({"port": "82"}, {"RIDA_PORT": "81"}).port == 82
    assert read_settings({"port": None}, {"RIDA_PORT": "81"}).port == 81


def test_every_setting_can_be_given_by_its_variable():
    given = {
        "weights": ("some/folder", Path("some/folder")),
        "shadow": ("other/folder", Path("other/folder")),
        "threads": ("3", 3),
        "speed": ("Fast", "fast"),
        "backend": ("OpenVINO", "openvino"),
        "host": ("::1", "::1"),
        "port": ("0", 0),
        "keys": (f"{HASH}, {HASH.upper()},", (HASH, HASH)),
        "allow_open": ("TRUE", True),
        "max_body_bytes": ("2048", 2048),
        "max_texts": ("5", 5),
        "drain_seconds": ("0", 0),
        "log_level": ("WARNING", "warning"),
        "log_format": ("JSON", "json"),
        "deadline_seconds": ("3", 3),
        "queue_milliseconds": ("4096", 4096),
        "batch_tokens": ("512", 512),
        "texts_per_minute": ("600", 600),
        "store": ("rida.db", "rida.db"),
        "keep_text_days": ("0", 0),
        "keep_days": ("90", 90),
        **{
            f"{name}_url": ("http://help.desk/", "http://help.desk")
            for name in ("chatwoot", "zendesk", "zammad", "slack", "webhook")
        },
        "slack_channel": ("C1", "C1"),
        **{name: ("long enough", SecretStr("long enough")) for name in NAMES if name.endswith(("_secret", "_token"))},
    }
    assert set(given) == set(NAMES)
    read = read_settings({}, {f"RIDA_{name.upper()}": raw for name, (raw, _) in given.items()})
    for name, (_, value) in given.items():
        assert getattr(read, name) == value
        assert value != getattr(read_settings({}, {}), name)


def test_an_empty_variable_counts_as_not_set():
    variables = {setting.variable: " " for setting in TABLE}
    assert read_settings({}, variables) == read_settings({}, {})


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("port", "http"),
        ("port", "65536"),
        ("port", "-1"),
        ("port", "٨٠"),
        ("port", "8" * 5000),
        ("threads", "0"),
        ("threads", "1.5"),
        ("speed", "warp"),
        ("backend", "onnx"),
        ("max_body_bytes", "4MB"),
        ("max_texts", "0"),
        ("drain_seconds", "soon"),
        ("allow_open", "maybe"),
        ("log_level", "trace"),
        ("log_format", "xml"),
        ("deadline_seconds", "0"),
        ("texts_per_minute", "0"),
        ("keys", "hunter2"),
        ("keys", f"{HASH},{HASH[1:]}"),
        ("keys", ","),
        ("keep_text_days", "-1"),
        ("keep_days", "0"),
        ("zammad_secret", "short"),
        ("zammad_secret", "half a line\nand more"),
        ("zammad_secret", "file:/nowhere/at/all"),
        ("zammad_url", "help.desk"),
        ("zammad_url", "ftp://help.desk"),
    ],
)
def test_a_wrong_value_is_refused_with_the_variable_and_what_is_allowed(name, raw):
    setting = next(setting for setting in TABLE if setting.name == name)
    for flags, variables in (({name: raw}, {}), ({}, {setting.variable: raw})):
        with pytest.raises(InputError) as refused:
            read_settings(flags, variables)
        assert setting.variable in str(refused.value)
        assert setting.allowed in str(refused.value)


def test_a_key_given_in_place_of_its_hash_is_not_repeated():
    with pytest.raises(InputError) as refused:
        read_settings({}, {"RIDA_KEYS": "hunter2"})
    assert "hunter2" not in str(refused.value)


def test_a_secret_is_read_from_a_file_and_is_never_shown(tmp_path):
    path = tmp_path / "secret"
    path.write_text("hunter2 hunter2\n")
    for settings in (
        read_settings({}, {"RIDA_SLACK_SECRET": f"file:{path}"}),
        read_settings({"slack_secret": "hunter2 hunter2"}, {}),
    ):
        assert settings.slack_secret.get_secret_value() == "hunter2 hunter2"
        assert "hunter2" not in repr(settings)
    path.write_text("short")
    with pytest.raises(InputError, match="RIDA_SLACK_SECRET"):
        read_settings({}, {"RIDA_SLACK_SECRET": f"file:{path}"})


def test_an_empty_flag_is_refused():
    with pytest.raises(InputError, match="--host"):
        read_settings({"host": ""}, {})


def test_settings_that_a_command_does_not_use_cannot_stop_it():
    assert read_settings({}, {"RIDA_PORT": "http", "RIDA_THREADS": "2"}, ("threads",)).threads == 2


def test_the_flags_say_what_the_table_says():
    parser = argparse.ArgumentParser()
    add_flags(parser)
    actions = {flag: action for action in parser._actions for flag in action.option_strings}
    assert set(actions) - {"-h", "--help"} == {setting.flag for setting in TABLE}
    for setting in TABLE:
        text = actions[setting.flag].help
        assert text.startswith(setting.help)
        assert setting.variable in text
        assert f"default: {setting.default_text}" in text or not setting.default_text


def test_the_page_of_settings_has_the_table():
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    shown = page.split("<!-- table -->\n")[1]
    assert shown == markdown_table(), "write serving.settings.markdown_table() between the markers"


@pytest.mark.parametrize(
    "name", ["chatwoot_secret", "generic_secret", "webhook_url", "webhook_secret", "slack_channel", "zendesk_token"]
)
def test_what_needs_a_store_is_refused_without_one(name):
    value = "http://127.0.0.1:1" if name.endswith("url") else "long enough"
    with pytest.raises(InputError, match=f"RIDA_{name.upper()}.*RIDA_STORE"):
        create_app(
            Service(read_settings({}, {f"RIDA_{name.upper()}": value}), load=lambda: pytest.fail("not that far"))
        )
