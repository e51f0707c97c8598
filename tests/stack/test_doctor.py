"""lakekit doctor: each thing that can be wrong is found, and its remedy works."""

from __future__ import annotations

import json
import os
import shutil
import socket
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from lakekit.cli import main
from lakekit.stack import Stack
from lakekit.stack.artifacts import NESSIE, S3PROXY, TRINO, TRINO_ICEBERG, default_cache

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lakekit.toml").write_text('store = "s3proxy"\n')
    return tmp_path


def examined(code: int = 0) -> dict[str, dict[str, Any]]:
    result = CliRunner().invoke(main, ["doctor", "--json"])
    assert result.exit_code == code, result.output
    return {finding["check"]: finding for finding in json.loads(result.stdout)}


def test_a_sound_setup_is_told_so_whether_the_stack_runs_or_not(project: Path) -> None:
    stack = Stack(project / ".lakekit" / "stack", store="s3proxy")
    try:
        stack.up()
        running = examined()
        assert running["services"]["told"] == "s3proxy, nessie, trino answer"
        assert {name for name, finding in running.items() if finding["level"] == "wrong"} == set()
    finally:
        stack.down()
    assert "lakekit up" in examined()["services"]["told"]
    told = CliRunner().invoke(main, ["doctor"]).stdout
    assert "✓ artifacts" in told
    assert "Trino 476" in told


def test_a_stack_that_does_not_run_as_it_should_is_wrong(project: Path) -> None:
    folder = project / ".lakekit" / "stack"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text("{}")
    services = examined(1)["services"]
    assert services["level"] == "wrong"
    assert "is damaged" in services["told"]


def test_credentials_that_others_can_read_are_wrong(project: Path) -> None:
    file = project / ".lakekit" / "stack" / "credentials.json"
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    file.chmod(0o644)
    finding = examined(1)["credentials"]
    assert f"chmod 600 {file}" in finding["todo"]
    file.chmod(0o600)
    assert examined()["credentials"]["level"] == "fine"


def test_a_taken_port_is_wrong(project: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        (project / "lakekit.toml").write_text(f"[ports]\ntrino = {port}\n")
        finding = examined(1)["ports"]
    assert f"Port {port}" in finding["told"]
    assert "ports.trino" in finding["todo"]
    assert examined()["ports"]["told"] == f"trino {port}"


def test_a_proxy_that_would_swallow_requests_to_this_machine_is_wrong(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:3128")
    assert "NO_PROXY" in examined(1)["proxy"]["todo"]
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    assert examined()["proxy"]["level"] == "fine"


def test_disks_that_are_full_locked_or_forbid_to_execute_are_wrong(
    project: Path, disk: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for options, told in (
        ("size=1m", "has room for 1 MB only"),
        ("size=1m,ro", "cannot be written"),
        ("size=1g,noexec", "nothing may be executed"),
    ):
        monkeypatch.setenv("LAKEKIT_STACK", str(disk(options) / "stack"))
        assert told in examined(1)["stack folder"]["told"]


def test_one_byte_of_one_jar_is_enough_to_be_damaged(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    shutil.copytree(default_cache(), cache, copy_function=os.symlink, ignore=shutil.ignore_patterns("aot"))
    monkeypatch.setenv("LAKEKIT_CACHE", str(cache))
    assert examined()["artifacts"]["level"] == "fine"
    jar = next((cache / TRINO_ICEBERG.sha256[:16]).rglob("*iceberg-core-*.jar"))
    content = bytearray(jar.read_bytes())
    content[len(content) // 2] ^= 1
    jar.unlink()
    jar.write_bytes(content)
    finding = examined(1)["artifacts"]
    assert f"{TRINO_ICEBERG.name}-{TRINO_ICEBERG.version} is damaged" in finding["told"]
    assert "fetches it again" in finding["todo"]


def test_what_cannot_be_checked_is_said_and_the_rest_is(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEKIT_STACK", str(tmp_path / ("too long" * 100)))
    found = examined(1)
    assert "File name too long" in found["memory"]["told"]
    assert found["proxy"]["level"] == "fine"


def test_a_damaged_artifact_is_wrong(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    for artifact in (TRINO, TRINO_ICEBERG, S3PROXY):
        (cache / artifact.sha256[:16]).parent.mkdir(exist_ok=True)
        (cache / artifact.sha256[:16]).symlink_to(default_cache() / artifact.sha256[:16])
    monkeypatch.setenv("LAKEKIT_CACHE", str(cache))
    assert "not fetched yet" in examined()["artifacts"]["told"]
    (cache / NESSIE.sha256[:16]).mkdir()
    (cache / NESSIE.sha256[:16] / NESSIE.filename).write_bytes(b"half a j")
    finding = examined(1)["artifacts"]
    assert "is damaged" in finding["told"]
    assert "fetches it again" in finding["todo"]
