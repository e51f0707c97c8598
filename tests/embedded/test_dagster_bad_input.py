"""What is wrong with a project or its settings when Dagster loads its definitions is told in a line of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lakekit.dagster.airbyte.api import Airbyte
from lakekit.dagster.manifest import _read
from lakekit.errors import AirbyteFailed, BuildFailed, ProjectError, SettingsError
from lakekit.settings import Settings

from . import dagster_project

if TYPE_CHECKING:
    from pathlib import Path

    from ..airbyte_server import AirbyteServer

MART = "orchestration/assets/marts/dim_products.sql"


@pytest.mark.parametrize(
    ("file", "text", "kind", "told"),
    [
        ("orchestration/dbt_project.yml", None, ProjectError, "There is no dbt project in"),
        ("orchestration/dbt_project.yml", "name: [", BuildFailed, "did not find expected node"),
        (
            MART,
            "select * from {{ ref('nothing') }}",
            BuildFailed,
            "a node named 'nothing' which was not found",
        ),
        (MART, "select {% if %}", BuildFailed, "dim_products"),
        ("lakekit.toml", 'airbyte = "yes"\n', SettingsError, "airbyte: Expected `object`"),
        ("lakekit.toml", "[airbyte]\naddress = 1\n", SettingsError, "airbyte.address"),
    ],
)
def test_what_is_broken_in_a_project_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch, file: str, text: str | None, kind: type, told: str
) -> None:
    (project / file).unlink() if text is None else (project / file).write_text(text)
    with pytest.raises(kind) as caught:
        dagster_project.load(project, monkeypatch)
    assert told in str(caught.value)


def test_a_manifest_that_someone_deleted_is_made_anew_and_a_damaged_one_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dagster_project.load(project, monkeypatch)
    [file] = project.glob(".lakekit/dbt/*/*/manifest.json")
    file.unlink()
    dagster_project.load(project, monkeypatch)
    file.write_bytes(file.read_bytes()[:1000])
    _read.cache_clear()  # as in another process
    with pytest.raises(ProjectError, match="is damaged") as caught:
        dagster_project.load(project, monkeypatch)
    assert caught.value.todo == "delete the folder: dbt parses anew"


@pytest.mark.parametrize("url", ["airbyte:8000", "http://[bad", "ftp://airbyte", " ", "http://"])
def test_what_is_no_address_of_an_airbyte_is_told(
    project: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("LAKEKIT_AIRBYTE__URL", url)
    with pytest.raises(SettingsError, match="no address of a server"):
        Airbyte(Settings.load(project).airbyte)


def test_an_airbyte_that_wants_credentials_says_which(
    project: Path, airbyte: AirbyteServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEKIT_AIRBYTE__URL", airbyte.url)
    with Airbyte(Settings.load(project).airbyte) as asked, pytest.raises(AirbyteFailed) as caught:
        list(asked.newest())
    assert "LAKEKIT_AIRBYTE__CLIENT_ID" in caught.value.todo
