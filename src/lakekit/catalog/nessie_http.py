"""Speaking HTTP to Nessie: whom to trust, who one is, and what its refusals mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
from typing_extensions import override

from ..errors import RefNotFound, StackFailed
from ..stack.tls import trusting

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ..stack.endpoints import Endpoints, NessieAuth


def client(endpoints: Endpoints) -> httpx.Client:
    """An HTTP client of Nessie, which trusts whom the endpoints trust and says who it is."""
    auth = _Authorization(endpoints.nessie_auth) if endpoints.nessie_auth else None
    return _Client(base_url=endpoints.nessie_uri, timeout=60, verify=trusting(endpoints.ca), auth=auth)


def authorization(auth: NessieAuth) -> Callable[[], str]:
    """Gives the Authorization header that Nessie wants, with a new token where the last has run out.

    What it returns raises ``StackFailed`` where no token is given.
    """
    if auth.token:
        return lambda: f"Bearer {auth.token}"
    from pyiceberg.catalog.rest.auth import OAuth2AuthManager
    from requests import RequestException

    manager = OAuth2AuthManager(auth.client_id, auth.client_secret, auth.token_uri, auth.scope or None)

    def header() -> str:
        try:
            return manager.auth_header()
        except RequestException as error:
            raise StackFailed(
                f"{auth.token_uri} gives no token for Nessie: it does not accept the credentials, or does not answer.",
                why=str(error),
                todo="check remote.nessie_client_id, and LAKEKIT_REMOTE__NESSIE_CLIENT_SECRET",
            ) from error

    return header


class _Authorization(httpx.Auth):
    def __init__(self, auth: NessieAuth) -> None:
        self._header = authorization(auth)

    @override
    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = self._header()
        yield request


class _Client(httpx.Client):
    @override
    def send(self, request: httpx.Request, **how: Any) -> httpx.Response:
        try:
            return super().send(request, **how)
        except httpx.TransportError as error:
            raise StackFailed(
                f"Nessie does not answer at {self.base_url}.", why=str(error), todo="lakekit status"
            ) from error


def error_code(answer: httpx.Response) -> str:
    """Nessie's own name for why it refused; empty if it did not."""
    if not answer.is_error or "json" not in answer.headers.get("content-type", ""):
        return ""
    return str(answer.json().get("errorCode", ""))


def result(answer: httpx.Response, ref: str = "") -> dict[str, Any]:
    """What Nessie answered; raises ``RefNotFound`` for ``ref``, or ``StackFailed``."""
    if answer.is_success:
        return dict(answer.json()) if answer.content else {}
    if answer.status_code in (401, 403):
        raise StackFailed(
            f"Nessie at {answer.request.url.host} does not accept the credentials.",
            why=f"{answer.status_code} for {answer.request.method} {answer.request.url.path}",
            todo="set LAKEKIT_REMOTE__NESSIE_TOKEN, or nessie_client_id with LAKEKIT_REMOTE__NESSIE_CLIENT_SECRET",
        )
    if answer.status_code == 404 and "REFERENCE_NOT_FOUND" in answer.text:
        raise RefNotFound(ref)
    raise StackFailed(
        f"Nessie refused {answer.request.method} {answer.request.url.path}.",
        why=f"{answer.status_code}: {answer.text[:500]}",
    )
