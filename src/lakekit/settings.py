"""What a project says of itself: ``lakekit.toml``, overridden by ``LAKEKIT_*`` variables."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ByteSize, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as EnvironmentNotUnderstood
from typing_extensions import override

from .errors import ProjectError, SettingsError

FILE = "lakekit.toml"

EngineName = Literal["embedded", "trino"]
Port = Annotated[int, Field(ge=1, le=65535)]


class Ports(BaseModel):
    """Fixed ports for the stack's services; one that is not given is chosen freely."""

    model_config = ConfigDict(extra="forbid")

    trino: Port | None = None
    nessie: Port | None = None
    s3: Port | None = None


class Images(BaseModel):
    """Images for the docker backend, where they are not upstream's at the tested versions."""

    model_config = ConfigDict(extra="forbid")

    trino: str | None = None
    nessie: str | None = None
    minio: str | None = None


class RemoteSettings(BaseModel):
    """Services that someone else runs. Secrets come from the environment alone: the file is for git.

    Nothing of it is required here, for the environment may hold secrets where another project is at work.
    """

    model_config = ConfigDict(extra="forbid")

    trino: str = ""
    nessie: str = ""
    s3: str = ""
    trino_user: str = "lakekit"
    trino_password: SecretStr = SecretStr("")
    trino_token: SecretStr = SecretStr("")
    nessie_token: SecretStr = SecretStr("")
    nessie_client_id: str = ""
    nessie_client_secret: SecretStr = SecretStr("")
    nessie_token_uri: str = ""
    nessie_scope: str = ""
    s3_access_key: SecretStr = SecretStr("")
    s3_secret_key: SecretStr = SecretStr("")
    s3_region: str = "us-east-1"
    warehouse: str = "lake"
    nessie_inside: str = ""
    s3_inside: str = ""
    ca: Path | None = None


_SECRETS: Final = {
    name for name, field in RemoteSettings.model_fields.items() if field.annotation is SecretStr
}


class Settings(BaseSettings):
    """A project's settings. Folders are given relative to the project's own, and are absolute here."""

    model_config = SettingsConfigDict(
        env_prefix="LAKEKIT_", env_nested_delimiter="__", env_ignore_empty=True, extra="forbid"
    )

    project: Path
    """The folder that holds ``lakekit.toml``."""

    engine: EngineName = "embedded"
    """What runs SQL: ``embedded`` (DuckDB, nothing to start) or ``trino`` (after ``lakekit up``)."""

    lake: Path = Path(".lakekit/lake")
    """Where the embedded engine keeps its catalog and its tables."""

    stack: Path = Path(".lakekit/stack")
    """Where ``lakekit up`` keeps state, credentials, logs and data."""

    dbt: Path = Path("orchestration")
    """The dbt project."""

    ports: Ports = Ports()

    backend: Literal["process", "docker", "remote"] | None = None
    """How the stack runs: child processes if not given."""

    remote: RemoteSettings = RemoteSettings()
    """Where it answers, if its backend is remote."""

    images: Images = Images()

    memory: ByteSize | None = None
    """What the stack may take, all services together: ``"2g"``; the least that works if not given."""

    store: Literal["minio", "s3proxy"] | None = None
    """The stack's S3 store; MinIO if there is one, else s3proxy, if not given."""

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Variables win over the file, whose contents come in as init settings."""
        return env_settings, init_settings

    @classmethod
    def load(cls, start: Path | None = None, *, engine: EngineName | None = None, **given: Any) -> Self:
        """Read the settings of the project that ``start`` (default: the working directory) lies in.

        ``engine`` and other settings that are given, and not None, win over file and environment. Raises ``ProjectError`` where there is no
        project and ``SettingsError`` where a setting is wrong.
        """
        project = find_project(start)
        file = project / FILE
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file} is not valid TOML.", why=str(error)) from error
        for name in content.get("remote", {}):
            if name in _SECRETS:
                raise SettingsError(
                    f"{file} holds the secret remote.{name}.",
                    why="the file is for git",
                    todo=f"take it out, and set LAKEKIT_REMOTE__{name.upper()} instead",
                )
        try:
            settings = cls(**{**content, "project": project})
        except EnvironmentNotUnderstood as error:
            raise SettingsError("A LAKEKIT_ variable cannot be read.", why=str(error)) from error
        except ValidationError as error:
            raise SettingsError(
                f"{file} or a LAKEKIT_ variable holds a wrong setting.",
                why="; ".join(_describe(problem) for problem in error.errors(include_url=False)),
                todo=f"settings are: {', '.join(sorted(set(cls.model_fields) - {'project'}))}",
            ) from error
        absolute: dict[str, Any] = {
            name: project / Path(getattr(settings, name)).expanduser() for name in ("lake", "stack", "dbt")
        }
        if settings.remote.ca:
            ca = project / settings.remote.ca.expanduser()
            absolute["remote"] = settings.remote.model_copy(update={"ca": ca})
        chosen = {name: value for name, value in {"engine": engine, **given}.items() if value is not None}
        return settings.model_copy(update={"project": project} | absolute | chosen)


def find_project(start: Path | None = None) -> Path:
    """The nearest folder at or above ``start`` that holds a ``lakekit.toml``; raises ``ProjectError``."""
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    raise ProjectError(
        f"There is no {FILE} in {start} or above it.",
        why="a lakekit project is a folder with that file",
        todo="lakekit new DIR  (or run the command inside a project)",
    )


def _describe(problem: object) -> str:
    assert isinstance(problem, dict)
    where = ".".join(str(part) for part in problem["loc"]) or "settings"
    if problem["type"] == "extra_forbidden":
        return f"{where} is no setting"
    if where.startswith("remote"):  # what was given may be a secret
        return f"{where}: {problem['msg']}"
    return f"{where}: {problem['msg']} (given: {problem['input']!r})"
