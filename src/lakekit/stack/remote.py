"""The remote backend: a Trino, a Nessie and an S3 store that someone else runs, over TLS and with credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx
from trino import exceptions as trino_errors

from ..catalog.nessie_http import client, result
from ..errors import LakekitError, SettingsError, StackFailed, UsageError
from .endpoints import Endpoints, NessieAuth
from .s3 import require_bucket
from .service import Said
from .stack import ServiceStatus
from .tls import trusting
from .trino import connect, not_let_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..settings import RemoteSettings
    from .report import Report

_OLDEST_TRINO: Final = 476
_NESSIE_API: Final = 2


class RemoteStack:
    """What a ``Stack`` is to its users, for services that lakekit did not start and will not stop."""

    def __init__(self, settings: RemoteSettings) -> None:
        _check(settings)
        self._at = Endpoints(
            trino_uri=settings.trino.rstrip("/"),
            nessie_uri=settings.nessie.rstrip("/"),
            s3_endpoint=settings.s3.rstrip("/"),
            s3_access_key=settings.s3_access_key.reveal(),
            s3_secret_key=settings.s3_secret_key.reveal(),
            s3_region=settings.s3_region,
            trino_user=settings.trino_user,
            warehouse=settings.warehouse,
            nessie_inside=settings.nessie_inside,
            s3_inside=settings.s3_inside,
            trino_password=settings.trino_password.reveal(),
            trino_token=settings.trino_token.reveal(),
            nessie_auth=_nessie_auth(settings),
            ca=str(settings.ca or ""),
        )

    def up(self, *, ephemeral: bool = False, report: Report = lambda _: None) -> Endpoints:
        """There is nothing to start: check that all answer, and return where. Raises what ``endpoints`` does."""
        if ephemeral:
            raise UsageError("The stack is remote: what is in it stays.", todo="work on a branch")
        report("asking Trino, Nessie and the S3 store")
        endpoints = self.endpoints()
        self._let_in()
        self._ask_s3()
        return endpoints

    def down(self) -> list[str]:
        """Raises ``UsageError``: who started them stops them."""
        raise UsageError("The stack is remote: lakekit did not start it, and does not stop it.")

    def endpoints(self) -> Endpoints:
        """Where they answer; raises ``StackFailed`` if one does not, refuses the credentials or is too old."""
        self._trino_version()
        self._nessie_version()
        return self._at

    def status(self) -> list[ServiceStatus]:
        """How they are, as far as one can tell from here: pid, memory and uptime are 0."""
        found = []
        for name, address in (
            ("s3", self._at.s3_endpoint),
            ("nessie", self._at.nessie_uri),
            ("trino", self._at.trino_uri),
        ):
            ask = self._asks[name]
            try:
                found.append(ServiceStatus(name, ask(), address, 0, "ready", 0, 0.0))
            except LakekitError:
                found.append(ServiceStatus(name, "", address, 0, "silent", 0, 0.0))
        return found

    def said(self, service: str, after: str = "") -> Said:  # noqa: ARG002 (as a stack has it)
        """Nothing: what they say is kept where they run."""
        return Said("", "")

    def tail(self, service: str) -> str:
        """Why a service does not answer."""
        try:
            self._asks[service]()
        except LakekitError as error:
            return str(error)
        return "it answers now"

    @property
    def _asks(self) -> Mapping[str, Callable[[], str]]:
        """For each service what asks it, and gives its version; an S3 store has none to tell."""
        return {"s3": self._ask_s3, "nessie": self._nessie_version, "trino": self._ask_trino}

    def _ask_s3(self) -> str:
        location = urlsplit(self._warehouse())
        if not location.scheme.startswith("s3"):
            raise StackFailed(
                f"Nessie keeps the warehouse '{self._at.warehouse}' in no S3 store.", why=location.geturl()
            )
        require_bucket(self._at, location.netloc)
        return ""

    def _ask_trino(self) -> str:
        version = self._trino_version()
        self._let_in()
        return version

    def _let_in(self) -> None:
        """Ask Trino a first thing: its version it tells anyone."""
        connection = connect(self._at)
        try:
            connection.cursor().execute("select 1")
        except (trino_errors.Error, trino_errors.HttpError) as error:
            raise not_let_in(self._at, error) from error
        finally:
            connection.close()  # type: ignore[no-untyped-call]

    def _trino_version(self) -> str:
        try:
            answer = httpx.get(f"{self._at.trino_uri}/v1/info", timeout=10, verify=trusting(self._at.ca))
            version = str(answer.raise_for_status().json()["nodeVersion"]["version"])
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise StackFailed(
                f"No Trino answers at {self._at.trino_uri}.",
                why=str(error) or type(error).__name__,
                todo="check remote.trino, and remote.ca if its certificate is of a CA of your own",
            ) from error
        number = version.partition("-")[0]
        if number.isdigit() and int(number) < _OLDEST_TRINO:
            raise StackFailed(
                f"Trino at {self._at.trino_uri} is {version}.", why=f"lakekit needs {_OLDEST_TRINO} or newer"
            )
        return version

    def _nessie_version(self) -> str:
        with client(self._at) as nessie:
            try:
                config = result(nessie.get("/api/v2/config"))
            except ValueError as error:
                raise StackFailed(
                    f"What answers at {self._at.nessie_uri} is not Nessie.",
                    why=str(error),
                    todo="check remote.nessie",
                ) from error
            if config.get("maxSupportedApiVersion", 0) < _NESSIE_API:
                raise StackFailed(
                    f"Nessie at {self._at.nessie_uri} does not speak its API v{_NESSIE_API}.", why=str(config)
                )
            self._iceberg(nessie)
        return str(config.get("specVersion", ""))

    def _warehouse(self) -> str:
        """Where Nessie keeps the tables."""
        with client(self._at) as nessie:
            config = self._iceberg(nessie)
        return str({**config.get("defaults", {}), **config.get("overrides", {})}.get("warehouse", ""))

    def _iceberg(self, nessie: httpx.Client) -> dict[str, Any]:
        """What Nessie's Iceberg REST endpoint says of the warehouse; raises ``StackFailed`` if there is none."""
        answer = nessie.get("/iceberg/v1/config", params={"warehouse": self._at.warehouse})
        if answer.is_error:
            raise StackFailed(
                f"Nessie at {self._at.nessie_uri} has no Iceberg REST endpoint for the warehouse "
                f"'{self._at.warehouse}'.",
                why=f"{answer.status_code}: {answer.text[:300]}",
                todo="Nessie 0.99 or newer has one; remote.warehouse names the warehouse",
            )
        return dict(answer.json())


def _check(settings: RemoteSettings) -> None:
    """Raise ``SettingsError`` where something is missing, or contradicts something else."""
    required = ("trino", "nessie", "s3", "s3_access_key", "s3_secret_key")
    if missing := [name for name in required if not getattr(settings, name)]:
        raise SettingsError(
            f"The backend is remote, and these are not set: {', '.join(f'remote.{name}' for name in missing)}.",
            todo="addresses go under [remote] in lakekit.toml, secrets into LAKEKIT_REMOTE__S3_ACCESS_KEY and the like: "
            "see docs/stack.md",
        )
    if settings.trino_password and settings.trino_token:
        raise SettingsError("Trino wants a password or a token, not both.")
    if (settings.trino_password or settings.trino_token) and not settings.trino.startswith("https://"):
        raise SettingsError("Trino takes a password or a token over https only.", why=settings.trino)
    if settings.nessie_token and settings.nessie_client_id:
        raise SettingsError("Nessie wants a token or a client's credentials, not both.")
    if bool(settings.nessie_client_id) != bool(settings.nessie_client_secret and settings.nessie_token_uri):
        raise SettingsError("nessie_client_id, nessie_client_secret and nessie_token_uri belong together.")
    if settings.ca and not settings.ca.is_file():
        raise SettingsError(f"There are no certificates at {settings.ca}.", todo="set remote.ca to the file")


def _nessie_auth(settings: RemoteSettings) -> NessieAuth | None:
    if not (settings.nessie_token or settings.nessie_client_id):
        return None
    return NessieAuth(
        settings.nessie_token.reveal(),
        settings.nessie_client_id,
        settings.nessie_client_secret.reveal(),
        settings.nessie_token_uri,
        settings.nessie_scope,
    )
