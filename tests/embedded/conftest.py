"""Fixtures that tests of a scaffolded project share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from . import dagster_project


@pytest.fixture(scope="session")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scaffolded project with a small shop landed: to be copied, and left as it is."""
    return dagster_project.make(tmp_path_factory.mktemp("dagster") / "shop")


@pytest.fixture
def project(landed: Path, tmp_path: Path) -> Path:
    """A scaffolded project with a small shop landed, the test's own."""
    return Path(shutil.copytree(landed, tmp_path / "shop"))
