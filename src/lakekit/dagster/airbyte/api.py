"""What the sensor asks of an Airbyte server: its public API, version 1.

dagster-airbyte's client would not do: it lists jobs one connection at a time, hides why a request failed, and its
retries alone take longer than a tick may.
"""

from __future__ import annotations

import ssl
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from ...errors import AirbyteFailed, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from ...settings import AirbyteSettings

SECONDS: Final = 30.0
"""How long all requests of a tick may take together: Dagster ends a tick after 60 seconds."""

_PATH: Final = "/api/public/v1"
_PAGE: Final = 100
"""As many as the server gives at once."""
_MOST_BYTES: Final = 50_000_000

_T = TypeVar("_T")


class Job(msgspec.Struct, frozen=True, rename="camel"):
    """One job. Statuses and types are text: a later server may know more of them."""

    job_id: int
    status: str
    job_type: str
    connection_id: str
    start_time: str
    last_updated_at: str | None = None
    rows_synced: int | None = None
    bytes_synced: int | None = None

    @property
    def ended(self) -> datetime:
        """When it ended, to the second; a server that does not say means that it started then."""
        return _moment(self.last_updated_at or self.start_time)


class Stream(msgspec.Struct, frozen=True):
    """A stream that a connection syncs, and the namespace that its source gives it."""

    name: str
    namespace: str | None = None


class Streams(msgspec.Struct, frozen=True):
    """A connection's ``configurations``."""

    streams: list[Stream] = []


class Connection(msgspec.Struct, frozen=True, rename="camel"):
    """A connection, with what decides how its tables are called."""

    connection_id: str
    name: str
    destination_id: str
    namespace_definition: str | None = None
    namespace_format: str | None = None
    prefix: str | None = None
    configurations: Streams = Streams()


class Destination(msgspec.Struct, frozen=True, rename="camel"):
    """A destination. What it is configured with may hold secrets: it is never told."""

    destination_id: str
    name: str
    configuration: dict[str, Any] = {}


class _Page(msgspec.Struct, Generic[_T]):
    data: list[_T] = []


class _Token(msgspec.Struct):
    access_token: str


class Airbyte:
    """An Airbyte server, for one tick. All methods raise ``AirbyteFailed``, and take no more than ``SECONDS`` together."""

    def __init__(self, settings: AirbyteSettings) -> None:
        self._settings = settings
        self._url = settings.url.rstrip("/").removesuffix(_PATH)
        self._ends = time.monotonic() + SECONDS
        self._http = _client(settings, self._url + _PATH)
        self._authorized = not settings.client_id

    def succeeded(self, since: datetime | None) -> Iterator[Job]:
        """The jobs that have succeeded from ``since`` on, whoever started them, in the order they ended.

        Nothing is passed over while pages are read: a job that has succeeded changes no more, and one that succeeds
        meanwhile comes after the others.
        """
        start = {"updatedAtStart": since.strftime("%Y-%m-%dT%H:%M:%SZ")} if since else {}
        return self._listed("jobs", Job, status="succeeded", orderBy="updatedAt|ASC", **start)

    def newest(self) -> Iterator[Job]:
        """The jobs that have succeeded, the last one first."""
        return self._listed("jobs", Job, status="succeeded", orderBy="updatedAt|DESC")

    def connections(self) -> dict[str, Connection]:
        """All connections by their ids."""
        return {one.connection_id: one for one in self._listed("connections", Connection)}

    def destinations(self) -> dict[str, Destination]:
        """All destinations by their ids."""
        return {one.destination_id: one for one in self._listed("destinations", Destination)}

    def _listed(self, what: str, kind: type[_T], **filters: str) -> Iterator[_T]:
        if self._settings.workspace:
            filters["workspaceIds"] = self._settings.workspace
        offset = 0
        while True:
            parameters = {**filters, "limit": str(_PAGE), "offset": str(offset)}
            page: list[_T] = self._asked("GET", what, _Page[kind], params=parameters).data  # type: ignore[valid-type]
            yield from page
            if len(page) < _PAGE:
                return
            offset += _PAGE

    def _asked(self, method: str, path: str, kind: type[_T], **how: Any) -> _T:
        if not self._authorized:
            self._authorize()
        told = self._answer(method, path, **how)
        try:
            return msgspec.json.decode(told, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise AirbyteFailed(
                f"What answers at {self._url} is no Airbyte server, or one of another kind.",
                why=f"{method} {_PATH}/{path}: {error}",
                todo=f"airbyte.url is the server's own address, without the {_PATH}; see docs/dagster.md",
            ) from error

    def _authorize(self) -> None:
        self._authorized = True
        credentials = {
            "client_id": self._settings.client_id.reveal(),
            "client_secret": self._settings.client_secret.reveal(),
            "grant_type": "client_credentials",
        }
        token = self._asked("POST", "applications/token", _Token, json=credentials)
        self._http.headers["Authorization"] = f"Bearer {token.access_token}"

    def _answer(self, method: str, path: str, **how: Any) -> bytes:
        """The answer's body. It is read in pieces, for no time limit of httpx bounds one that trickles in."""
        body = bytearray()
        try:
            with self._http.stream(method, path, timeout=self._left(path), **how) as answer:
                for piece in answer.iter_bytes():
                    body += piece
                    self._left(path)
                    if len(body) > _MOST_BYTES:
                        raise AirbyteFailed(f"Airbyte at {self._url} answers {path} without an end.")
        except httpx.TimeoutException as error:
            raise self._slow(path) from error
        except httpx.HTTPError as error:
            raise AirbyteFailed(
                f"Airbyte does not answer at {self._url}.",
                why=str(error) or type(error).__name__,
                todo="start it, or correct airbyte.url; what synced meanwhile is caught up at a later tick",
            ) from error
        if not answer.is_success:
            raise self._refused(f"{answer.status_code} for {method} {_PATH}/{path}", answer.status_code)
        return bytes(body)

    def _left(self, path: str) -> float:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self._slow(path)
        return left

    def _slow(self, path: str) -> AirbyteFailed:
        return AirbyteFailed(
            f"Airbyte at {self._url} takes too long.",
            why=f"after {SECONDS:g} seconds it was still at {path}",
            todo="look at the load of its server and of its database; the next tick asks again",
        )

    def _refused(self, why: str, status: int) -> AirbyteFailed:
        if status in (401, 403):
            return AirbyteFailed(
                f"Airbyte at {self._url} does not accept the credentials.",
                why=why,
                todo="set LAKEKIT_AIRBYTE__CLIENT_ID and LAKEKIT_AIRBYTE__CLIENT_SECRET to an application's of a user "
                "who may read the workspace (Airbyte: Settings, Applications)",
            )
        if status == 404:
            return AirbyteFailed(
                f"There is no Airbyte API at {self._url}.",
                why=why,
                todo="correct airbyte.url, or airbyte.workspace",
            )
        return AirbyteFailed(
            f"Airbyte at {self._url} failed.", why=why, todo="see its server's log; the next tick asks again"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()


def _client(settings: AirbyteSettings, url: str) -> httpx.Client:
    if "@" in url or "?" in url:
        raise SettingsError(
            "airbyte.url holds credentials.",
            why="it is shown in errors and logs",
            todo="take them out, and set LAKEKIT_AIRBYTE__CLIENT_ID and LAKEKIT_AIRBYTE__CLIENT_SECRET",
        )
    if not _is_address(url):
        raise SettingsError(
            "airbyte.url is no address of a server.",
            why=repr(settings.url),
            todo="write it like http://localhost:8000",
        )
    try:
        trusted = ssl.create_default_context(cafile=settings.ca) if settings.ca else True
    except OSError as error:
        raise SettingsError(f"airbyte.ca cannot be read: {settings.ca}.", why=str(error)) from error
    return httpx.Client(base_url=url, verify=trusted)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise AirbyteFailed("Airbyte gives a job's time that is none.", why=repr(text[:80])) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
