"""PyIceberg over Nessie's Iceberg REST endpoint, at a ref."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote as percent

import requests
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.catalog.rest.auth import AuthManager
from pyiceberg.io.pyarrow import PyArrowFileIO
from typing_extensions import override

from ..errors import StackFailed
from ..stack.s3 import filesystem
from ..stack.tls import TrustingAdapter
from .nessie_http import authorization

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyarrow.fs import FileSystem
    from requests import PreparedRequest, Response, Session

    from ..stack.endpoints import Endpoints, NessieAuth

_ENDPOINTS: Final = "lakekit.endpoints"


def open_at(endpoints: Endpoints, name: str, at: str) -> RestCatalog:
    """The tables at ``at``, as Nessie spells a ref: a branch, or ``DETACHED@<hash>``."""
    return _NessieRestCatalog(
        name,
        **{
            "uri": f"{endpoints.nessie_uri}/iceberg/{percent(at, safe='')}",
            "warehouse": endpoints.warehouse,
            "py-io-impl": f"{__name__}.{S3FileIO.__name__}",
            _ENDPOINTS: endpoints,
            "header.X-Iceberg-Access-Delegation": "",
            **_auth(endpoints),
        },
    )


def _auth(endpoints: Endpoints) -> dict[str, Any]:
    if endpoints.nessie_auth is None:
        return {}
    given = {"auth": endpoints.nessie_auth, "ca": endpoints.ca}
    return {"auth": {"type": "custom", "impl": f"{__name__}.{Authorization.__name__}", "custom": given}}


class Authorization(AuthManager):
    """Says to PyIceberg who one is. It is made by its name."""

    def __init__(self, auth: NessieAuth, ca: str) -> None:
        self._header = authorization(auth, ca)

    @override
    def auth_header(self) -> str:
        return self._header()


class S3FileIO(PyArrowFileIO):
    """Reads and writes files in the S3 store; PyIceberg's own cannot be told whom to trust. It is made by its name."""

    @override
    def _initialize_s3_fs(self, netloc: str | None) -> FileSystem:
        return filesystem(self.properties[_ENDPOINTS])


class _NessieRestCatalog(RestCatalog):
    @override
    def _create_session(self) -> Session:
        session = super()._create_session()
        session.mount(self.properties["uri"], _WithLastColumnId(self.properties[_ENDPOINTS].ca))
        return session


class _WithLastColumnId(TrustingAdapter):
    """Adds to an ``add-schema`` update the ``last-column-id`` that Nessie 0.99 insists on.

    The REST specification has deprecated it, and PyIceberg sends it no more.
    """

    @override
    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        if isinstance(request.body, bytes) and b'"add-schema"' in request.body:
            body = json.loads(request.body)
            for update in body["updates"]:
                if update["action"] == "add-schema":
                    update.setdefault("last-column-id", max(_ids(update["schema"])))
            request.prepare_body(json.dumps(body).encode(), None)
        try:
            return super().send(request, *args, **kwargs)
        except requests.ConnectionError as error:
            raise StackFailed(
                f"Nessie does not answer at {request.url}.", why=str(error), todo="lakekit status"
            ) from error


def _ids(kind: Any) -> Iterator[int]:
    """Every id in a schema's JSON: of fields, elements, keys and values, however deep."""
    if isinstance(kind, dict):
        for name, value in kind.items():
            if name in ("id", "element-id", "key-id", "value-id"):
                yield value
            yield from _ids(value)
    elif isinstance(kind, list):
        for item in kind:
            yield from _ids(item)
