"""The cache of artifacts: what is in it has been checked, however it got there."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from jgo.maven import MavenContext

from lakekit.errors import StackFailed
from lakekit.stack.artifacts import S3PROXY, TRINO, Artifacts, contents_of

from .conftest import eventually

if TYPE_CHECKING:
    from pathlib import Path


def test_a_damaged_download_is_fetched_again(tmp_path: Path) -> None:
    reports: list[str] = []
    maven = MavenContext(repo_cache=tmp_path / "m2", timeout=60)
    artifacts = Artifacts(reports.append, cache=tmp_path / "cache", maven=maven)
    component = maven.project(S3PROXY.group, S3PROXY.name).at_version(S3PROXY.version)
    damaged = component.artifact(classifier=S3PROXY.classifier, packaging=S3PROXY.packaging).cached_path
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"half a j")
    assert artifacts.file(S3PROXY).stat().st_size > 10_000_000
    assert any("damaged" in report for report in reports)


UNPACK = """
import sys
from lakekit.stack.artifacts import TRINO, Artifacts
Artifacts(lambda doing: print(doing, flush=True)).folder(TRINO)
print("done", flush=True)
"""


def test_an_unpacking_that_was_killed_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = tmp_path / "cut"
    monkeypatch.setenv("LAKEKIT_CACHE", str(cut))
    unpacking = subprocess.Popen([sys.executable, "-c", UNPACK], stdout=subprocess.PIPE, text=True)
    assert unpacking.stdout is not None
    while not next(unpacking.stdout).startswith("unpacking"):
        pass
    assert eventually(lambda: any(cut.rglob("*.jar")))
    unpacking.kill()
    unpacking.communicate()
    artifacts = Artifacts(lambda _: None)
    assert not artifacts.has(TRINO)
    again = artifacts.folder(TRINO)
    assert not list(cut.rglob("unpacking"))
    assert contents_of(again) == TRINO.contents


def test_without_a_network_the_missing_file_is_named(tmp_path: Path) -> None:
    offline = MavenContext(
        repo_cache=tmp_path / "m2", remote_repos={"none": "http://127.0.0.1:9/"}, timeout=2
    )
    with pytest.raises(StackFailed, match=S3PROXY.filename) as caught:
        Artifacts(lambda _: None, cache=tmp_path / "cache", maven=offline).file(S3PROXY)
    assert "network" in caught.value.todo
    assert not list((tmp_path / "cache").rglob("*.jar"))
