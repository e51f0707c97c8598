"""Speaking HTTP to Nessie: whom to trust, who one is, and what its refusals mean."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import httpx
from typing_extensions import override

from ..errors import RefNotFound, StackFailed
from ..stack.tls import trusting

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ..stack.endpoints import Endpoints, NessieAuth

_BEFORE_THE_END: Final = 60.0
_LIFE: Final = 300.0
"""How long a token is good for, in seconds, where its server does not say."""


def client(endpoints: Endpoints) -> httpx.Client:
    """An HTTP client of Nessie, which trusts whom the endpoints trust and says who it is."""
    auth = _Authorization(endpoints.nessie_auth, endpoints.ca) if endpoints.nessie_auth else None
    return _Client(base_url=endpoints.nessie_uri, timeout=60, verify=trusting(endpoints.ca), auth=auth)


def authorization(auth: NessieAuth, ca: str) -> Callable[[], str]:
    """Gives the Authorization header that Nessie wants, with a new token where the last has run out.

    What it returns raises ``StackFailed`` where no token is given.
    """
    if auth.token:
        return lambda: f"Bearer {auth.token}"
    tokens = _Tokens(auth, ca)
    return lambda: f"Bearer {tokens.current()}"


class _Tokens:
    """The tokens that a client's credentials give, one after the other (RFC 6749, section 4.4).

    PyIceberg's own would not do: whom it trusts cannot be told.
    """

    def __init__(self, auth: NessieAuth, ca: str) -> None:
        self._auth = auth
        self._ca = ca
        self._lock = Lock()
        self._token = ""
        self._ends = 0.0

    def current(self) -> str:
        with self._lock:
            if time.monotonic() >= self._ends:
                self._renew()
            return self._token

    def _renew(self) -> None:
        form = {"grant_type": "client_credentials"}
        if self._auth.scope:
            form["scope"] = self._auth.scope
        client = self._auth.client_id, self._auth.client_secret
        try:
            answer = httpx.post(
                self._auth.token_uri, data=form, auth=client, timeout=60, verify=trusting(self._ca)
            )
            given = answer.raise_for_status().json()
            self._token = str(given["access_token"])
            self._ends = time.monotonic() + float(given.get("expires_in", _LIFE)) - _BEFORE_THE_END
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise StackFailed(
                f"{self._auth.token_uri} gives no token for Nessie: it does not accept the credentials, or does not answer.",
                why=str(error) or type(error).__name__,
                todo="check remote.nessie_client_id, LAKEKIT_REMOTE__NESSIE_CLIENT_SECRET, and remote.ca if its "
                "certificate is of a CA of your own",
            ) from error


class _Authorization(httpx.Auth):
    def __init__(self, auth: NessieAuth, ca: str) -> None:
        self._header = authorization(auth, ca)

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
