"""Where a running stack answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

BUCKET: Final = "lake"
"""The bucket, and the name of Nessie's warehouse in it."""


@dataclass(frozen=True, slots=True)
class NessieAuth:
    """What Nessie wants to see: a bearer token, or one that OAuth2's client credentials give (RFC 6749, 4.4)."""

    token: str = field(default="", repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    token_uri: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses and credentials. ``nessie_uri`` is the root below which ``/api/v2`` and ``/iceberg`` lie."""

    trino_uri: str
    nessie_uri: str
    s3_endpoint: str
    s3_access_key: str = field(repr=False)
    s3_secret_key: str = field(repr=False)
    s3_region: str = "us-east-1"
    trino_user: str = "lakekit"
    warehouse: str = BUCKET
    nessie_inside: str = ""
    """Where Trino finds Nessie, if that is another address than here."""
    s3_inside: str = ""
    """Where Trino and Nessie find the S3 store, if that is another address than here."""
    trino_password: str = field(default="", repr=False)
    trino_token: str = field(default="", repr=False)
    """A JWT; where neither it nor a password is given, Trino asks for none."""
    statistics: bool = True
    """Whether Trino works out statistics of what it writes: on small tables that is a third of each write's time."""
    nessie_auth: NessieAuth | None = None
    ca: str = ""
    """The file of the certificates to trust, where it is not the system's."""

    @property
    def trino_scheme(self) -> str:
        return urlsplit(self.trino_uri).scheme

    @property
    def trino_host(self) -> str:
        return str(urlsplit(self.trino_uri).hostname)

    @property
    def trino_port(self) -> int:
        return _port(self.trino_uri)

    @property
    def nessie_port(self) -> int:
        return _port(self.nessie_uri)

    @property
    def s3_port(self) -> int:
        return _port(self.s3_endpoint)


def _port(uri: str) -> int:
    parts = urlsplit(uri)
    return parts.port or (443 if parts.scheme == "https" else 80)
