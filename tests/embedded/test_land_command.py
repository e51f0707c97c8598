"""``lakekit land`` and what follows it, as a person types it, on the embedded engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from lakekit.cli import main
from lakekit.demo.shop import Shop

if TYPE_CHECKING:
    from pathlib import Path

SHOP = Shop(seed=11, orders=60)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "lakekit.toml").touch()
    (tmp_path / "catalog.json").write_text(json.dumps(SHOP.configured_catalog("shopify")))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lakekit(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(main, arguments, input=stdin)


def test_messages_land_on_a_branch_and_are_published(project: Path) -> None:
    messages = b"\n".join(SHOP.messages("shopify", sync=1))
    assert lakekit("branch", "create", "sync").exit_code == 0
    landed = lakekit(
        "land", "--source", "shopify", "--catalog", "catalog.json", "--ref", "sync", stdin=messages
    )
    assert landed.exit_code == 0, landed.stderr
    echoed = [json.loads(line) for line in landed.stdout.splitlines()]
    assert echoed
    assert {message["type"] for message in echoed} == {"STATE"}

    changes = json.loads(lakekit("branch", "diff", "sync", "--json").stdout)
    assert "shopify.orders" in {change["table"] for change in changes}

    refused = lakekit("branch", "publish", "sync")
    assert refused.exit_code == 1
    assert "No check ran" in refused.stderr
    assert "lakekit branch publish sync --unchecked" in refused.stderr
    assert lakekit("branch", "publish", "sync", "--unchecked").exit_code == 0
    [row] = json.loads(lakekit("sql", "select count(*) as n from shopify.orders", "--json").stdout)
    assert row["n"] >= 60


def test_a_terminal_is_spared_the_states(project: Path) -> None:
    command = [sys.executable, "-m", "lakekit", "land", "--source", "shopify", "--catalog", "catalog.json"]
    ours, terminal = os.openpty()
    try:
        landed = subprocess.run(
            command,
            input=b"\n".join(SHOP.messages("shopify", sync=1)),
            stdout=terminal,
            stderr=subprocess.PIPE,
            check=True,
        )
        os.write(terminal, b"that is all\n")
        assert os.read(ours, 4096) == b"that is all\r\n"
    finally:
        os.close(terminal)
        os.close(ours)
    assert b"shopify.orders: " in landed.stderr


def test_a_broken_line_ends_in_one_clear_error(project: Path) -> None:
    landed = lakekit("land", "--source", "shopify", "--catalog", "catalog.json", stdin=b"{oops\n")
    assert landed.exit_code == 1
    assert "Message 1 is not an Airbyte message" in landed.stderr
    assert "Traceback" not in landed.stderr


def test_outside_of_a_project_the_way_in_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked = lakekit("sql", "select 1")
    assert asked.exit_code == 2
    assert "lakekit.toml" in asked.stderr
