"""An Iceberg REST catalog in this process, for DuckDB: as much of it as DuckDB asks for.

Format: the Iceberg REST catalog's OpenAPI specification (github.com/apache/iceberg, open-api). The server
listens on a free port of 127.0.0.1, starts at the first use, and answers only to its own token.
"""

from __future__ import annotations

import hmac
import json
import secrets
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from typing_extensions import override

from ...errors import RefNotFound
from ..protocol import TableId
from . import refusals
from .commits import commit, create
from .files import path_of

if TYPE_CHECKING:
    from .catalog import EmbeddedCatalog
    from .files import Json
    from .relations import Relations

_STATUS: Final[dict[type[Exception], HTTPStatus]] = {
    RefNotFound: HTTPStatus.NOT_FOUND,
    refusals.NoSuchSchema: HTTPStatus.NOT_FOUND,
    refusals.NoSuchRelation: HTTPStatus.NOT_FOUND,
    refusals.SchemaExists: HTTPStatus.CONFLICT,
    refusals.SchemaNotEmpty: HTTPStatus.CONFLICT,
    refusals.RelationExists: HTTPStatus.CONFLICT,
    refusals.CommitConflict: HTTPStatus.CONFLICT,
    refusals.BadUpdate: HTTPStatus.BAD_REQUEST,
}
_NAMESPACE_SEPARATOR: Final = "\x1f"


class Endpoint:
    """The server over a catalog. ``url(ref)`` is what DuckDB attaches, with ``token`` as bearer."""

    def __init__(self, catalog: EmbeddedCatalog) -> None:
        self.token = secrets.token_urlsafe(32)
        self._catalog = catalog
        self._server: ThreadingHTTPServer | None = None
        self._lock = Lock()

    def url(self, ref: str) -> str:
        """The root of a ref's REST catalog; starts the server if need be."""
        with self._lock:
            if self._server is None:
                self._server = _Server(self._catalog, self.token)
                # How long a close waits for it at the most.
                Thread(
                    target=self._server.serve_forever, args=(0.02,), name="iceberg-rest", daemon=True
                ).start()
            # A ref may have any of . _ - / in it: hexadecimal passes through every client unchanged.
            return f"http://127.0.0.1:{self._server.server_port}/{ref.encode().hex()}"

    def close(self) -> None:
        with self._lock:
            if self._server is not None:
                self._server.shutdown()
                self._server.server_close()
                self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, catalog: EmbeddedCatalog, token: str) -> None:
        self.catalog = catalog
        self.authorization = f"Bearer {token}"
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    # Headers and body leave in one packet; otherwise each answer waits 40 ms for a delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_DELETE = do_GET  # noqa: N815 - http.server's names

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: what fails is told to the client."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, answer = self._handle(body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    def _handle(self, body: bytes) -> tuple[HTTPStatus, bytes]:
        given = self.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), self.server.authorization.encode()):
            return _error(
                HTTPStatus.UNAUTHORIZED, "NotAuthorizedException", "this endpoint wants its own token"
            )
        ref, *path = (unquote(part) for part in urlsplit(self.path).path.strip("/").split("/"))
        try:
            relations = self.server.catalog.relations(bytes.fromhex(ref).decode())
            return _route(relations, self.command, path, json.loads(body) if body else {})
        except Exception as error:  # noqa: BLE001 - the client gets it, with its message
            status = _STATUS.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR)
            return _error(status, type(error).__name__, str(error))


def _route(  # noqa: C901, PLR0911, PLR0912 - one case an operation of the specification
    relations: Relations, method: str, path: list[str], body: Any
) -> tuple[HTTPStatus, bytes]:
    match method, path:
        case "GET", ["v1", "config"]:
            return _ok({"defaults": {}, "overrides": {}})
        case "GET", ["v1", "namespaces"]:
            return _ok({"namespaces": [schema.split(".") for schema in relations.schemas()]})
        case "POST", ["v1", "namespaces"]:
            relations.create_schema(".".join(body["namespace"]), body.get("properties"))
            return _ok({"namespace": body["namespace"], "properties": body.get("properties") or {}})
        case "GET" | "HEAD", ["v1", "namespaces", namespace]:
            properties = relations.properties(_schema(namespace))
            return _ok({"namespace": namespace.split(_NAMESPACE_SEPARATOR), "properties": properties})
        case "DELETE", ["v1", "namespaces", namespace]:
            relations.drop_schema(_schema(namespace))
            return HTTPStatus.NO_CONTENT, b""
        case "GET", ["v1", "namespaces", namespace, "tables"]:
            names = relations.names(_schema(namespace), "TABLE")
            spaces = namespace.split(_NAMESPACE_SEPARATOR)
            return _ok({"identifiers": [{"namespace": spaces, "name": name} for name in names]})
        case "POST", ["v1", "namespaces", namespace, "tables"]:
            return _made(*create(relations, TableId(_schema(namespace), body["name"]), body))
        case "GET" | "HEAD", ["v1", "namespaces", namespace, "tables", name]:
            table = TableId(_schema(namespace), name)
            location = relations.pointer(table)
            if location is None:
                raise refusals.NoSuchRelation(f"There is no table {table}.")
            # The metadata goes out as it lies on disk: parsing it would cost more than all the rest.
            return HTTPStatus.OK, _load_result(location, path_of(location).read_bytes())
        case "POST", ["v1", "namespaces", namespace, "tables", name]:
            [made] = commit(relations, [(TableId(_schema(namespace), name), body)])
            return _made(*made)
        case "DELETE", ["v1", "namespaces", namespace, "tables", name]:
            relations.drop(TableId(_schema(namespace), name), "TABLE")
            return HTTPStatus.NO_CONTENT, b""
        case "POST", ["v1", "tables", "rename"]:
            relations.rename(_table_id(body["source"]), _table_id(body["destination"]))
            return HTTPStatus.NO_CONTENT, b""
        case "POST", ["v1", "transactions", "commit"]:
            changes = [(_table_id(change["identifier"]), change) for change in body["table-changes"]]
            commit(relations, changes)
            return HTTPStatus.NO_CONTENT, b""
    return _error(HTTPStatus.NOT_FOUND, "NotFoundException", f"{method} /{'/'.join(path)} is not served here")


def _made(location: str | None, metadata: Json) -> tuple[HTTPStatus, bytes]:
    return HTTPStatus.OK, _load_result(location, json.dumps(metadata).encode())


def _table_id(identifier: Json) -> TableId:
    return TableId(".".join(identifier["namespace"]), identifier["name"])


def _load_result(location: str | None, metadata: bytes) -> bytes:
    return b'{"metadata-location": %b, "metadata": %b, "config": {}}' % (
        json.dumps(location).encode(),
        metadata,
    )


def _schema(namespace: str) -> str:
    return namespace.replace(_NAMESPACE_SEPARATOR, ".")


def _ok(answer: object) -> tuple[HTTPStatus, bytes]:
    return HTTPStatus.OK, json.dumps(answer).encode()


def _error(status: HTTPStatus, kind: str, message: str) -> tuple[HTTPStatus, bytes]:
    return status, json.dumps({"error": {"message": message, "type": kind, "code": status}}).encode()
