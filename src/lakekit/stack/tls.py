"""Trusting certificates of a CA of one's own, with httpx and with requests."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from typing_extensions import override

if TYPE_CHECKING:
    from requests import PreparedRequest, Response


def trusting(ca: str) -> ssl.SSLContext | bool:
    """What httpx takes as ``verify``: the certificates in one file, or the system's if none is named."""
    return ssl.create_default_context(cafile=ca) if ca else True


class TrustingAdapter(HTTPAdapter):
    """Trusts the certificates in one file, or the system's if none is named.

    A session's own ``verify`` would not do: requests lets REQUESTS_CA_BUNDLE win over it.
    """

    def __init__(self, ca: str) -> None:
        super().__init__()
        self._ca = ca

    @override
    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        if self._ca:
            kwargs["verify"] = self._ca
        return super().send(request, *args, **kwargs)
