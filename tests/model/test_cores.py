"""How many cores a process takes to be its own, in a container and out of it."""

from __future__ import annotations

import os

import pytest

from model.cores import _whole_cores_allowed, usable_cores


@pytest.fixture
def allowed(tmp_path):
    """Asks, of a machine of 64 cores, with the given groups' limits and the process in the group given."""

    def ask(limits: dict[str, str], *, own: str = "/") -> int:
        for group, limit in limits.items():
            folder = tmp_path / "groups" / group
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "cpu.max").write_text(limit)
        (tmp_path / "own").write_text(f"1:name=systemd:/elsewhere\n0::{own}\n")
        return _whole_cores_allowed(64, own_group=tmp_path / "own", groups=tmp_path / "groups")

    return ask


def test_at_least_one_core_and_no_more_than_the_machine_has():
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("limit", "cores"), [("max 100000\n", 64), ("200000 100000\n", 2), ("250000 100000\n", 2), ("50000 50000\n", 1)]
)
def test_a_containers_limit_counts_in_whole_cores(allowed, limit, cores):
    assert allowed({".": limit}) == cores


def test_less_than_one_core_is_still_one(allowed, monkeypatch):
    assert allowed({".": "50000 100000\n"}) == 0
    monkeypatch.setattr("model.cores._whole_cores_allowed", lambda cores: 0)
    assert usable_cores() == 1


def test_the_least_limit_of_all_groups_around_the_process_counts(allowed):
    limits = {"pods": "400000 100000\n", "pods/rida": "max 100000\n", "pods/other": "100000 100000\n"}
    assert allowed(limits, own="/pods/rida") == 4


@pytest.mark.parametrize("limit", ["", "max", "100000 0\n", "a b\n", "-1 100000\n"])
def test_a_limit_that_cannot_be_read_is_none(allowed, limit):
    assert allowed({".": limit}) == 64


def test_without_control_groups_every_core_counts(tmp_path):
    assert _whole_cores_allowed(64, own_group=tmp_path / "own", groups=tmp_path / "groups") == 64
