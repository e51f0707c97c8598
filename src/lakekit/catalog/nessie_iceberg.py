"""PyIceberg over Nessie's Iceberg REST endpoint, at a ref."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote as percent

import requests
from pyiceberg.catalog.rest import RestCatalog
from typing_extensions import override

from ..errors import StackFailed
from ..stack.tls import TrustingAdapter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requests import PreparedRequest, Response, Session

    from ..stack.endpoints import Endpoints, NessieAuth

_CA: Final = "lakekit.ca"


def open_at(endpoints: Endpoints, name: str, at: str) -> RestCatalog:
    """The tables at ``at``, as Nessie spells a ref: a branch, or ``DETACHED@<hash>``."""
    return _NessieRestCatalog(
        name,
        **{
            "uri": f"{endpoints.nessie_uri}/iceberg/{percent(at, safe='')}",
            "warehouse": endpoints.warehouse,
            "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
            "s3.endpoint": endpoints.s3_endpoint,
            "s3.region": endpoints.s3_region,
            "s3.access-key-id": endpoints.s3_access_key,
            "s3.secret-access-key": endpoints.s3_secret_key,
            "header.X-Iceberg-Access-Delegation": "",
            _CA: endpoints.ca,
            **_auth(endpoints.nessie_auth),
        },
    )


def _auth(auth: NessieAuth | None) -> dict[str, Any]:
    if auth is None:
        return {}
    if auth.token:
        return {"token": auth.token}
    client = {"client_id": auth.client_id, "client_secret": auth.client_secret, "token_url": auth.token_uri}
    if auth.scope:
        client["scope"] = auth.scope
    return {"auth": {"type": "oauth2", "oauth2": client}}


class _NessieRestCatalog(RestCatalog):
    @override
    def _create_session(self) -> Session:
        session = super()._create_session()
        session.mount(self.properties["uri"], _WithLastColumnId(self.properties[_CA]))
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
