"""The AOT caches: made by a real build, fitting one JVM and its jars, safe when two make them at once."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest
from click.testing import CliRunner

from lakekit.cli import main
from lakekit.stack import Stack, jvm
from lakekit.stack.artifacts import NESSIE, S3PROXY, TRINO, TRINO_ICEBERG, Artifacts, default_cache

from .conftest import eventually

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
    artifacts = Artifacts(lambda _: None)
    assert not jvm.untrained(artifacts)
    assert not jvm.damaged(artifacts)
    assert {path.name.partition("-")[0] for path in (cache / "aot").glob("*.aot")} == {
        "nessie",
        "s3proxy",
        "trino",
    }
    assert not (cache / "aot" / "training").exists()
    assert not (tmp_path / "own").exists()
    again = subprocess.run(train, capture_output=True, text=True, check=True)
    assert "All are there already." in again.stderr

    # One that was cut short is not used, and one with a hole is found.
    cut, overwritten = (next((cache / "aot").glob(f"{name}-*.aot")) for name in ("nessie", "s3proxy"))
    os.truncate(cut, cut.stat().st_size // 2)
    assert jvm.untrained(artifacts) == [cut]
    assert not jvm.damaged(artifacts)
    stack = Stack(tmp_path / "stack", store="s3proxy")
    try:
        stack.up(ephemeral=True)
        used = {
            service.name: any("-XX:AOTCache=" in flag for flag in psutil.Process(service.pid).cmdline())
            for service in stack.status()
        }
        assert used == {"s3proxy": True, "nessie": False, "trino": True}
        assert "[warning][aot]" not in stack.log("trino")
    finally:
        stack.down()
    with overwritten.open("r+b") as stream:
        stream.seek(overwritten.stat().st_size // 2)
        stream.write(bytes(4096))
    assert jvm.damaged(artifacts) == [overwritten]

    # Neither would be taken into use.
    java, jars = jvm.Jvm(cache, quick=False), jvm.caches(artifacts)
    for broken in (cut, overwritten):
        recorded = broken.rename(tmp_path / broken.name)
        java.install(recorded, jars[broken])
        assert not broken.exists()
    assert set(jvm.untrained(artifacts)) == {cut, overwritten}


def test_a_training_in_the_background_that_failed_is_told_and_not_tried_again(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    (tmp_path / "lakekit.toml").write_text('store = "s3proxy"\n')
    (cache / "aot").mkdir()
    (cache / "aot" / "training").write_text("in the way")
    run = CliRunner().invoke
    try:
        assert "prepared in the background" in run(main, ["up"]).stderr
        (log,) = (cache / "aot").glob("training-*.log")
        assert eventually(lambda: "NotADirectory" in log.read_text())
        assert eventually(lambda: "has failed" in run(main, ["doctor"]).stdout)
        assert str(log) in run(main, ["doctor"]).stdout
        assert "prepared in the background" not in run(main, ["up"]).stderr
    finally:
        run(main, ["down"])


def test_other_jars_do_not_get_a_cache_that_does_not_fit(cache: Path) -> None:
    before = jvm.untrained(Artifacts(lambda _: None))
    jar = cache / S3PROXY.sha256[:16]
    real = jar.resolve()
    jar.unlink()
    jar.mkdir()
    (jar / S3PROXY.filename).write_bytes((real / S3PROXY.filename).read_bytes())
    after = jvm.untrained(Artifacts(lambda _: None))
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, True]
