"""A stand-in for a self-managed Airbyte server: its public API, as far as a sensor and dagster-airbyte's client ask it.

What it answers is what Airbyte's own server answers (times to the second and without seconds where those are zero,
``lastUpdatedAt`` of ended jobs alone, a ``next`` on every page that has something), and nothing of it is Airbyte's.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

PUBLIC = "/api/public/v1"
OPEN = ("pending", "queued", "running", "incomplete")
ENDED = ("failed", "cancelled", "succeeded")


@dataclass
class Job:
    id: int
    connection: str
    type: str
    created: datetime
    updated: datetime
    status: str = "pending"
    rows: int | None = None
    bytes: int | None = None

    def answer(self) -> dict[str, Any]:
        ended = self.status in ENDED
        seconds = int((self.updated - self.created).total_seconds())
        return _given(
            jobId=self.id,
            status=self.status,
            jobType=self.type,
            connectionId=self.connection,
            startTime=_time(self.created),
            lastUpdatedAt=_time(self.updated) if ended else None,
            duration=f"PT{seconds}S" if self.status != "pending" else None,
            bytesSynced=self.bytes,
            rowsSynced=self.rows,
        )


@dataclass
class AirbyteServer:
    """What the server holds, and what it was asked; ``fault`` is what is wrong with it."""

    url: str = ""
    workspace: str = field(default_factory=lambda: str(uuid.uuid4()))
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    fault: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    connections: dict[str, dict[str, Any]] = field(default_factory=dict)
    destinations: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[int, Job] = field(default_factory=dict)
    _token: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def environment(self) -> dict[str, str]:
        """The settings of a project that follows it."""
        return {
            "LAKEKIT_AIRBYTE__URL": self.url,
            "LAKEKIT_AIRBYTE__CLIENT_ID": self.client_id,
            "LAKEKIT_AIRBYTE__CLIENT_SECRET": self.client_secret,
        }

    def pass_time(self, **by: float) -> None:
        self.now += timedelta(**by)

    def add_destination(self, namespace: str, *, kind: str = "s3-data-lake") -> str:
        id_ = str(uuid.uuid4())
        lake = {
            "destinationType": kind,
            "s3_bucket_name": "lake",
            "s3_bucket_region": "us-east-1",
            "warehouse_location": "s3://lake/",
            "main_branch_name": "main",
            "catalog_type": {
                "catalog_type": "NESSIE",
                "server_uri": "http://nessie:19120/iceberg",
                "namespace": namespace,
            },
            "secret_access_key": "******",
        }
        other = {
            "destinationType": kind,
            "host": "db",
            "port": 5432,
            "database": "shop",
            "schema": namespace,
            "username": "x",
        }
        self.destinations[id_] = {
            "destinationId": id_,
            "name": f"Lake {namespace}",
            "destinationType": kind,
            "definitionId": str(uuid.uuid4()),
            "workspaceId": self.workspace,
            "createdAt": int(self.now.timestamp()),
            "configuration": lake if kind == "s3-data-lake" else other,
        }
        return id_

    def add_connection(
        self, name: str, streams: list[str], destination: str, *, namespaces: str = "destination", **more: str
    ) -> str:
        """``namespaces`` is Airbyte's ``namespaceDefinition``; ``more`` may hold ``prefix``, ``namespaceFormat`` and
        the ``namespace`` that the source gives its streams."""
        id_ = str(uuid.uuid4())
        self.connections[id_] = _given(
            connectionId=id_,
            name=name,
            sourceId=str(uuid.uuid4()),
            destinationId=destination,
            workspaceId=self.workspace,
            status="active",
            schedule={"scheduleType": "basic", "basicTiming": "Every 1 HOURS"},
            configurations={
                "streams": [
                    _given(
                        name=stream, namespace=more.get("namespace"), syncMode="incremental_deduped_history"
                    )
                    for stream in streams
                ]
            },
            nonBreakingSchemaUpdatesBehavior="ignore",
            namespaceDefinition=namespaces,
            namespaceFormat=more.get("namespaceFormat"),
            prefix=more.get("prefix"),
            createdAt=int(self.now.timestamp()),
            tags=[],
        )
        return id_

    def start(self, connection: str, kind: str = "sync") -> Job:
        job = Job(len(self.jobs) + 1, connection, kind, self.now, self.now)
        self.jobs[job.id] = job
        return job

    def move(self, job: Job, status: str, rows: int | None = None, size: int | None = None) -> None:
        """Give a job another status, now. One that has ended changes no more."""
        assert job.status in OPEN or job.status not in ENDED
        job.status, job.updated = status, self.now
        job.rows, job.bytes = rows, size

    def sync(self, connection: str, rows: int = 1, size: int = 100) -> Job:
        """A whole sync, of three seconds."""
        job = self.start(connection)
        self.pass_time(seconds=1)
        self.move(job, "running")
        self.pass_time(seconds=2)
        self.move(job, "succeeded", rows, size)
        return job

    def answer(
        self, method: str, path: str, query: dict[str, str], body: dict[str, Any], auth: str
    ) -> tuple[int, Any]:
        """The status and the body that a request gets."""
        if (method, path) == ("POST", f"{PUBLIC}/applications/token"):
            if (body.get("client_id"), body.get("client_secret")) != (self.client_id, self.client_secret):
                return _problem(401, "Unauthorized")
            return 200, {"access_token": self._token, "token_type": "Bearer", "expires_in": 180}
        if auth != f"Bearer {self._token}":
            return _problem(401, "Unauthorized")
        parts = path.removeprefix(PUBLIC).strip("/").split("/")
        if path.startswith(PUBLIC) and method == "GET":
            return self._read(parts, query)
        return self._do(method, parts, body)

    def _read(self, parts: list[str], query: dict[str, str]) -> tuple[int, Any]:
        match parts:
            case ["workspaces", id_] if id_ == self.workspace:
                return 200, {"workspaceId": id_, "name": "shop", "dataResidency": "auto", "notifications": {}}
            case ["connections"]:
                return self._page("connections", list(self.connections.values()), query)
            case ["destinations"]:
                return self._page("destinations", list(self.destinations.values()), query)
            case ["destinations", id_] if id_ in self.destinations:
                return 200, self.destinations[id_]
            case ["jobs"]:
                return self._page("jobs", [job.answer() for job in self._chosen(query)], query)
            case ["jobs", id_] if int(id_) in self.jobs:
                return 200, self.jobs[int(id_)].answer()
        return _problem(404, "Not found")

    def _do(self, method: str, parts: list[str], body: dict[str, Any]) -> tuple[int, Any]:
        connection = body.get("connectionId", "")
        match method, parts:
            case "POST", ["jobs"] if connection in self.connections:
                return 200, self.start(connection, body.get("jobType", "sync")).answer()
            case "DELETE", ["jobs", id_] if int(id_) in self.jobs:
                self.move(self.jobs[int(id_)], "cancelled")
                return 200, self.jobs[int(id_)].answer()
            case "POST", ["api", "v1", "connections", "get"] if connection in self.connections:
                return 200, _of_configuration_api(self.connections[connection])
        return _problem(404, "Not found")

    def _chosen(self, query: dict[str, str]) -> list[Job]:
        jobs = list(self.jobs.values())
        for name, what in (("createdAt", "created"), ("updatedAt", "updated")):
            if start := query.get(f"{name}Start"):
                jobs = [job for job in jobs if getattr(job, what) >= datetime.fromisoformat(start)]
            if end := query.get(f"{name}End"):
                jobs = [job for job in jobs if getattr(job, what) <= datetime.fromisoformat(end)]
        for name, what in (("connectionId", "connection"), ("status", "status"), ("jobType", "type")):
            if value := query.get(name):
                jobs = [job for job in jobs if getattr(job, what) == value]
        by, _, method = query.get("orderBy", "createdAt|ASC").partition("|")
        key = {"createdAt": "created", "updatedAt": "updated"}[by]
        return sorted(jobs, key=lambda job: getattr(job, key), reverse=method == "DESC")

    def _page(self, what: str, rows: list[dict[str, Any]], query: dict[str, str]) -> tuple[int, Any]:
        if query.get("workspaceIds", self.workspace) != self.workspace:
            return _problem(403, "Forbidden")
        limit, offset = int(query.get("limit", 20)), int(query.get("offset", 0))
        if not 1 <= limit <= 100:
            return _problem(400, "limit is from 1 to 100")
        page = rows[offset : offset + limit]
        following = f"{self.url}{PUBLIC}/{what}?{urlencode({'limit': limit, 'offset': offset + limit})}"
        return 200, {"data": page, "next": following if page else ""}


def _of_configuration_api(connection: dict[str, Any]) -> dict[str, Any]:
    streams = [
        {
            "stream": _given(
                name=one["name"],
                namespace=one.get("namespace"),
                jsonSchema={"properties": {"id": {"type": "integer"}}},
            ),
            "config": {"syncMode": "incremental", "destinationSyncMode": "append_dedup", "selected": True},
        }
        for one in connection["configurations"]["streams"]
    ]
    kept = ("connectionId", "name", "sourceId", "destinationId", "status", "prefix")
    return {
        **{name: connection[name] for name in kept if name in connection},
        "breakingChange": False,
        "syncCatalog": {"streams": streams},
    }


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _problem(status: int, title: str) -> tuple[int, Any]:
    return status, {"type": "about:blank", "title": title, "status": status}


def _time(moment: datetime) -> str:
    """As Java writes a time."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}".removesuffix(":00") + "Z"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    airbyte: AirbyteServer

    def do_GET(self) -> None:
        self._do("GET")

    def do_POST(self) -> None:
        self._do("POST")

    def do_DELETE(self) -> None:
        self._do("DELETE")

    def log_message(self, *_: object) -> None:
        pass

    def _do(self, method: str) -> None:
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.airbyte.calls.append((method, self.path))
        fault, _, only = self.airbyte.fault.partition(" ")
        if not fault or only not in url.path:
            fault = ""
        if fault.isdecimal():
            status, told = _problem(int(fault), "as was asked for")
        else:
            status, told = self.airbyte.answer(
                method, url.path, query, json.loads(sent or "{}"), self.headers.get("Authorization", "")
            )
        body = json.dumps(told).encode()
        length = len(body)
        match fault:
            case "garbage":
                body = b"<!doctype html><title>Sign in</title>"
                length = len(body)
            case "cut":
                self.close_connection = True
                body = body[: len(body) // 2]
            case "gone":
                self.close_connection = True
                return
            case "slow":
                time.sleep(3)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(length))
        self.end_headers()
        try:
            for at in range(0, len(body), 1 if fault == "trickle" else len(body)):
                self.wfile.write(body[at : at + 1] if fault == "trickle" else body)
                if fault == "trickle":
                    time.sleep(0.05)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # whoever asked has waited long enough


@contextmanager
def airbyte_server() -> Iterator[AirbyteServer]:
    """A server without a job, on a free port of this machine."""
    airbyte = AirbyteServer()
    handler = type("Handler", (_Handler,), {"airbyte": airbyte})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    airbyte.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield airbyte
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
