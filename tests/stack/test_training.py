"""The AOT caches: made by a real build, fitting one JVM and its jars, safe when two make them at once."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from lakekit.stack import Stack
from lakekit.stack.artifacts import NESSIE, S3PROXY, TRINO, TRINO_ICEBERG, Artifacts, default_cache
from lakekit.stack.jvm import untrained

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that has the artifacts, and no AOT caches yet."""
    artifacts = Artifacts(lambda _: None)
    for artifact in (NESSIE, S3PROXY):
        artifacts.file(artifact)
    for artifact in (TRINO, TRINO_ICEBERG):
        artifacts.folder(artifact)
    own = tmp_path / "cache"
    own.mkdir()
    for artifact in (NESSIE, S3PROXY, TRINO, TRINO_ICEBERG):
        (own / artifact.sha256[:16]).symlink_to(default_cache() / artifact.sha256[:16])
    monkeypatch.setenv("LAKEKIT_CACHE", str(own))
    return own


@pytest.mark.timeout(900)
def test_two_who_train_at_once_make_one_set_that_the_next_start_uses(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The user's own stack is none of its business.
    monkeypatch.setenv("LAKEKIT_STACK", str(tmp_path / "own"))
    monkeypatch.setenv("LAKEKIT_ENGINE", "embedded")
    train = [sys.executable, "-m", "lakekit", "stack", "train"]
    both = [
        subprocess.Popen(train, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    ended = [(process.communicate()[1], process.returncode) for process in both]
    assert sorted(code for _, code in ended) == [0, 1], ended
    assert any("Another lakekit is making the caches" in said for said, _ in ended)
    assert not untrained(Artifacts(lambda _: None))
    assert {path.name.partition("-")[0] for path in (cache / "aot").glob("*.aot")} == {
        "nessie",
        "s3proxy",
        "trino",
    }
    assert not (cache / "aot" / "training").exists()
    assert not (tmp_path / "own").exists()
    again = subprocess.run(train, capture_output=True, text=True, check=True)
    assert "All are there already." in again.stderr

    # Cut short by a full disk, say: the JVM does without, and the stack comes up.
    damaged = next((cache / "aot").glob("nessie-*.aot"))
    os.truncate(damaged, damaged.stat().st_size // 2)
    stack = Stack(tmp_path / "stack", store="s3proxy")
    try:
        stack.up(ephemeral=True)
        for service in stack.status():
            command = psutil.Process(service.pid).cmdline()
            assert [flag for flag in command if flag.startswith("-XX:AOTCache=")], service.name
        assert "[warning][aot]" not in stack.log("trino")
    finally:
        stack.down()


def test_other_jars_do_not_get_a_cache_that_does_not_fit(cache: Path) -> None:
    before = untrained(Artifacts(lambda _: None))
    jar = cache / S3PROXY.sha256[:16]
    real = jar.resolve()
    jar.unlink()
    jar.mkdir()
    (jar / S3PROXY.filename).write_bytes((real / S3PROXY.filename).read_bytes())
    after = untrained(Artifacts(lambda _: None))
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, True]
