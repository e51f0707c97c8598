"""What a project says of itself, in its file and in the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lakekit.errors import ProjectError, SettingsError
from lakekit.settings import Ports, Settings, parse_size

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "lakekit.toml").write_text('engine = "trino"\nmemory = "2g"\n[ports]\ntrino = 8080\n')
    return tmp_path


def test_the_environment_wins_over_the_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEKIT_ENGINE", "embedded")
    monkeypatch.setenv("LAKEKIT_PORTS__NESSIE", "19120")
    monkeypatch.setenv("LAKEKIT_STORE", "")  # empty is as if it were not there
    monkeypatch.setenv("LAKEKIT_CACHE", "/elsewhere")  # the machine's, no setting of the project
    settings = Settings.load(project)
    assert settings.engine == "embedded"
    assert settings.ports == Ports(trino=8080, nessie=19120)
    assert settings.memory == 2_000_000_000
    assert settings.store is None


def test_what_a_command_is_given_wins_over_both(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEKIT_ENGINE", "embedded")
    assert Settings.load(project, engine="trino", backend=None).engine == "trino"


def test_folders_are_the_projects(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEKIT_LAKE", "data/lake")
    settings = Settings.load(project)
    assert (settings.project, settings.lake, settings.dbt) == (
        project,
        project / "data" / "lake",
        project / "orchestration",
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('engin = "trino"', "engin is no setting"),
        ("ports.trino = 70000", "ports.trino: Expected `int` <= 65535"),
        ("ports.trin = 1", "ports.trin is no setting"),
        ('engine = "spark"', "engine: Invalid enum value"),
        ("dbt = 3", "dbt: Expected `str`"),
        ('memory = "much"', "'much' is no size"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, line: str, told: str) -> None:
    (tmp_path / "lakekit.toml").write_text(line)
    with pytest.raises(SettingsError) as caught:
        Settings.load(tmp_path)
    assert told in caught.value.why
    assert "settings are: airbyte, backend, dbt, engine" in caught.value.todo


def test_a_wrong_variable_is_named_and_its_value_is_not(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEKIT_REMOTE__S3_SECRET", "hunter2")
    with pytest.raises(SettingsError, match=r"remote\.s3_secret is no setting") as caught:
        Settings.load(project)
    assert "hunter2" not in str(caught.value)


def test_secrets_are_not_shown(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEKIT_REMOTE__TRINO_TOKEN", "hunter2")
    settings = Settings.load(project)
    assert settings.remote.trino_token.reveal() == "hunter2"
    assert "hunter2" not in repr(settings)
    assert f"{settings.remote.trino_token}" == "Secret(…)"


def test_a_folder_that_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"no lakekit\.toml"):
        Settings.load(tmp_path)


def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    (tmp_path / "lakekit.toml").write_text("engine = ")
    with pytest.raises(SettingsError, match="not valid TOML"):
        Settings.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1500m", 1_500_000_000),
        ("2g", 2_000_000_000),
        ("1.4 GB", 1_400_000_000),
        ("2GiB", 2 * 2**30),
        ("42", 42),
    ],
)
def test_sizes_are_written_as_people_do(text: str, size: int) -> None:
    assert parse_size(text) == size
