"""What a project says of itself: ``lakekit.toml``, overridden by ``LAKEKIT_*`` variables."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import msgspec

from .errors import ProjectError, SettingsError

FILE = "lakekit.toml"

EngineName = Literal["embedded", "trino"]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]


class Secret:
    """A text that no message, log or ``repr`` shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        """The text, for the one that it is meant for."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret(…)"


class Ports(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fixed ports for the stack's services; one that is not given is chosen freely."""

    trino: Port | None = None
    nessie: Port | None = None
    s3: Port | None = None


class Images(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Images for the docker backend, where they are not upstream's at the tested versions."""

    trino: str | None = None
    nessie: str | None = None
    minio: str | None = None

    @property
    def given(self) -> dict[str, str]:
        """Those that are named, by service."""
        return {name: image for name, image in msgspec.structs.asdict(self).items() if image}


class RemoteSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Services that someone else runs. Secrets come from the environment alone: the file is for git.

    Nothing of it is required here, for the environment may hold secrets where another project is at work.
    """

    trino: str = ""
    nessie: str = ""
    s3: str = ""
    trino_user: str = "lakekit"
    trino_password: Secret = Secret()
    trino_token: Secret = Secret()
    nessie_token: Secret = Secret()
    nessie_client_id: str = ""
    nessie_client_secret: Secret = Secret()
    nessie_token_uri: str = ""
    nessie_scope: str = ""
    s3_access_key: Secret = Secret()
    s3_secret_key: Secret = Secret()
    s3_region: str = "us-east-1"
    warehouse: str = "lake"
    nessie_inside: str = ""
    s3_inside: str = ""
    ca: Path | None = None


class AirbyteSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A self-managed Airbyte server, whose syncs Dagster reacts to. Its secrets come from the environment alone.

    Without ``url`` there is none, and the project's own connectors write bronze.
    """

    url: str = ""
    workspace: str = ""
    """The workspace's id; every workspace that the credentials may read if not given."""
    client_id: Secret = Secret()
    client_secret: Secret = Secret()
    ca: Path | None = None


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A project's settings. Folders are given relative to the project's own, and are absolute here."""

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

    airbyte: AirbyteSettings = AirbyteSettings()
    """The Airbyte server that writes bronze, if one does."""

    images: Images = Images()

    memory: int | None = None
    """What the stack may take, all services together, in bytes; the least that works if not given."""

    store: Literal["minio", "s3proxy"] | None = None
    """The stack's S3 store; MinIO if there is one, else s3proxy, if not given."""

    lint: dict[str, Any] = msgspec.field(default_factory=dict)
    """What the linter is told; it reads and judges that itself (``lint.conventions``)."""

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
        _refuse_secrets(content, file)
        try:
            # Not strict: what the environment says is text.
            settings = msgspec.convert(
                _with_variables(content) | {"project": str(project)}, cls, strict=False, dec_hook=_made
            )
        except (msgspec.ValidationError, ValueError) as error:
            raise SettingsError(
                f"{file} or a LAKEKIT_ variable holds a wrong setting.",
                why=_described(str(error)),
                todo=f"settings are: {', '.join(sorted(set(cls.__struct_fields__) - {'project'}))}",
            ) from error
        absolute: dict[str, Any] = {
            name: project / getattr(settings, name).expanduser() for name in ("lake", "stack", "dbt")
        }
        for section in ("remote", "airbyte"):
            services = getattr(settings, section)
            if services.ca:
                ca = project / services.ca.expanduser()
                absolute[section] = msgspec.structs.replace(services, ca=ca)
        chosen = {name: value for name, value in {"engine": engine, **given}.items() if value is not None}
        return settings.but(**absolute, **chosen)

    def but(self, **changed: Any) -> Self:
        """The same settings, but for these."""
        return msgspec.structs.replace(self, **changed)


_SECTIONS: Final[dict[str, type[msgspec.Struct]]] = {
    "ports": Ports,
    "remote": RemoteSettings,
    "airbyte": AirbyteSettings,
    "images": Images,
}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)


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


def parse_size(text: str) -> int:
    """A number of bytes, as people write it: ``1500m``, ``2g``, ``1.4 GB``, ``2GiB``; raises ValueError."""
    found = _SIZE.fullmatch(text.strip())
    if not found:
        msg = f"'{text}' is no size: write it like 1500m or 2g"
        raise ValueError(msg)
    number, unit, binary = found.groups()
    power = "kmgt".index(unit.lower()) + 1 if unit else 0
    return int(float(number) * (1024 if binary else 1000) ** power)


def _refuse_secrets(content: dict[str, Any], file: Path) -> None:
    for section, kind in _SECTIONS.items():
        given = content.get(section)
        for name in given if isinstance(given, dict) else ():
            if type(getattr(kind(), name, None)) is Secret:
                raise SettingsError(
                    f"{file} holds the secret {section}.{name}.",
                    why="the file is for git",
                    todo=f"take it out, and set LAKEKIT_{section.upper()}__{name.upper()} instead",
                )


def _with_variables(content: dict[str, Any]) -> dict[str, Any]:
    """The file's settings with those of the environment over them; an empty variable is none."""
    merged = dict(content)
    for variable, value in os.environ.items():
        name, _, rest = variable.removeprefix("LAKEKIT_").lower().partition("__")
        if not variable.startswith("LAKEKIT_") or not value:
            continue
        if rest and name in _SECTIONS:
            section = merged.get(name, {})
            merged[name] = {**(section if isinstance(section, dict) else {}), rest: value}
        elif not rest and name in Settings.__struct_fields__ and name not in (*_SECTIONS, "project"):
            merged[name] = value
    if isinstance(merged.get("memory"), str):
        merged["memory"] = parse_size(merged["memory"])
    return merged


def _made(kind: type[Any], value: Any) -> Any:
    if not isinstance(value, str):
        msg = f"Expected `str`, got `{type(value).__name__}`"
        raise ValueError(msg)  # noqa: TRY004 - what msgspec gives the place to
    return kind(value)


def _described(message: str) -> str:
    """msgspec's message, with the setting's name before it: what was given may be a secret, and is not told."""
    told, _, place = message.partition(" - at `$")
    name = place.strip("`.")
    if unknown := re.search(r"unknown field `(\w+)`", told):
        return f"{f'{name}.' if name else ''}{unknown[1]} is no setting"
    return f"{name}: {told}" if name else told
