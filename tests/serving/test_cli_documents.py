"""docs/command-line.md shows the help that the commands give."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"


COMMANDS = [
    "classify", "score", "report", "serve", "model", "conversations delete", "conversations expire",
    "corrections export", "corrections report", "train", "topics fit", "data suggest", "data check", "compare",
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_shows_the_help_of_the_command(monkeypatch, capsys, command):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    with pytest.raises(SystemExit):
        main([*command.split(), "--help"])
    shown = PAGE.read_text(encoding="utf-8").split(f"<!-- rida {command} -->\n")[1]
    advice = f"put what COLUMNS=100 rida {command} --help prints between the markers"
    assert shown == f"```\n{capsys.readouterr().out}```\n", advice


def test_the_page_names_every_exit_code():
    page = PAGE.read_text(encoding="utf-8")
    for code in (0, 1, 2, 130, 141):
        assert f"| {code} |" in page
