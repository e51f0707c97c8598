"""A stack as a company runs it: certificates of a CA of its own, and nobody gets in without saying who they are.

Trino checks JWTs itself; the part of it that checks passwords is not to be had here, so a proxy that does stands before
it. Nessie asks an identity provider, which is played here: OpenID Connect discovery, keys, and client credentials
(RFC 6749, section 4.4), its tokens signed as RFC 7515 says.
"""

from __future__ import annotations

import base64
import json
import ssl
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import jwt
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization.pkcs12 import (
    PKCS12Certificate,
    serialize_java_truststore,
    serialize_key_and_certificates,
)

from lakekit.stack import nessie, s3, trino
from lakekit.stack.artifacts import Artifacts
from lakekit.stack.endpoints import BUCKET, Endpoints
from lakekit.stack.jvm import Jvm
from lakekit.stack.launch import hold_port
from lakekit.stack.process import Processes
from lakekit.stack.service import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lakekit.stack.launch import Launch

CLIENT, SECRET = "lakekit", "the client's secret"
USER, PASSWORD = "ana", "the user's password"
STORE_PASSWORD = "of the key store"


@dataclass(frozen=True)
class Secured:
    """Where everything answers, and what one must show."""

    trino: str
    trino_behind_password: str
    nessie: str
    s3: str
    ca: Path
    bucket: Path
    identity: Identity
    s3_access_key: str = "the-access-key"
    s3_secret_key: str = "the-secret-key"

    def lakekit_toml(self, **more: str) -> str:
        settings = {"trino": self.trino, "nessie": self.nessie, "s3": self.s3, "ca": str(self.ca), **more}
        lines = "\n".join(f'{name} = "{value}"' for name, value in settings.items())
        return f'engine = "trino"\nbackend = "remote"\n\n[remote]\n{lines}\n'


class Identity:
    """The identity provider."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.uri = ""
        self.given = 0

    def token(self, subject: str, seconds: int = 3600) -> str:
        now = int(time.time())
        claims = {"iss": self.uri, "sub": subject, "aud": "nessie", "iat": now, "exp": now + seconds}
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": "1"})

    def public_key(self) -> str:
        return (
            self._key.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )

    def answer(self, path: str, form: dict[str, str], client: str) -> tuple[int, dict[str, Any]]:
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.uri,
                "jwks_uri": f"{self.uri}/keys",
                "token_endpoint": f"{self.uri}/token",
                "authorization_endpoint": f"{self.uri}/authorize",
            }
        if path == "/keys":
            key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
            return 200, {"keys": [{**key, "kid": "1", "alg": "RS256", "use": "sig"}]}
        if path == "/token":
            known = client == f"{CLIENT}:{SECRET}" or (
                (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
            )
            if form.get("grant_type") != "client_credentials" or not known:
                return 401, {"error": "invalid_client"}
            self.given += 1
            return 200, {"access_token": self.token(CLIENT), "token_type": "Bearer", "expires_in": 3600}
        return 404, {}


@contextmanager
def secured(folder: Path) -> Iterator[Secured]:
    ca = trustme.CA()
    (folder / "ca.pem").write_bytes(ca.cert_pem.bytes())
    certificate = ca.issue_cert("127.0.0.1")
    (folder / "server.pem").write_bytes(certificate.private_key_and_cert_chain_pem.bytes())
    _write_key_store(folder / "server.p12", certificate)
    identity = Identity()
    (folder / "public.pem").write_text(identity.public_key())
    _write_trust_store(folder / "trusted.jks", ca)
    with ExitStack() as running:
        identity.uri = running.enter_context(_serving(_identity_handler(identity), folder / "server.pem"))
        ports = {
            name: running.enter_context(hold_port(name, None)) for name in ("s3", "nessie", "trino", "https")
        }
        at = Secured(
            trino=f"https://127.0.0.1:{ports['https']}",
            trino_behind_password=running.enter_context(
                _serving(_password_handler(ports["trino"], identity), folder / "server.pem")
            ),
            nessie=f"http://127.0.0.1:{ports['nessie']}",
            s3=f"https://127.0.0.1:{ports['s3']}",
            ca=folder / "ca.pem",
            bucket=folder / "s3" / "data" / BUCKET,
            identity=identity,
        )
        processes = Processes(folder, f"secured-{time.time_ns()}")
        running.callback(processes.stop)
        _start(folder, processes, at, ports)
        yield at


def _start(folder: Path, processes: Processes, at: Secured, ports: dict[str, int]) -> None:
    endpoints = Endpoints(
        f"http://127.0.0.1:{ports['trino']}", at.nessie, at.s3, at.s3_access_key, at.s3_secret_key
    )
    plan = Plan(folder, endpoints, trino.MEMORY, "s3proxy", ephemeral=True)
    artifacts = Artifacts(lambda _: None)
    jvm = Jvm(artifacts.cache, quick=True)
    store, catalog, engine = (part.launch(plan, jvm, artifacts) for part in (s3, nessie, trino))
    config = store.folder / "s3proxy.conf"
    config.write_text(
        config.read_text().replace("s3proxy.endpoint=", "s3proxy.secure-endpoint=")
        + f"s3proxy.keystore-path={folder / 'server.p12'}\ns3proxy.keystore-password={STORE_PASSWORD}\n"
    )
    with (catalog.folder / "config" / "application.properties").open("a") as stream:
        stream.write(
            "nessie.server.authentication.enabled=true\n"
            f"quarkus.oidc.auth-server-url={at.identity.uri}\n"
            "quarkus.oidc.client-id=nessie\n"
        )
    with (engine.folder / "etc" / "config.properties").open("a") as stream:
        stream.write(
            "http-server.process-forwarded=true\n"
            "http-server.https.enabled=true\n"
            f"http-server.https.port={ports['https']}\n"
            f"http-server.https.keystore.path={folder / 'server.pem'}\n"
            "http-server.authentication.type=JWT\n"
            f"http-server.authentication.jwt.key-file={folder / 'public.pem'}\n"
            "internal-communication.shared-secret=only between them\n"
        )
    secrets = {
        "LAKEKIT_NESSIE_CREDENTIAL": f"{CLIENT}:{SECRET}",
        "LAKEKIT_NESSIE_TOKEN": at.identity.token("trino"),
    }
    engine = replace(engine, env={**engine.env, **secrets})
    for launch in (store, _trusting(catalog, folder), _trusting(engine, folder)):
        processes.spawn(launch)
    deadline = time.monotonic() + 120
    while not trino.answers(endpoints):
        assert time.monotonic() < deadline, processes.said("trino").text + processes.said("nessie").text
        time.sleep(0.1)


def _write_key_store(file: Path, certificate: trustme.LeafCert) -> None:
    key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    served = x509.load_pem_x509_certificate(certificate.cert_chain_pems[0].bytes())
    encryption = serialization.BestAvailableEncryption(STORE_PASSWORD.encode())
    file.write_bytes(serialize_key_and_certificates(b"server", key, served, None, encryption))


def _write_trust_store(file: Path, ca: trustme.CA) -> None:
    certificate = x509.load_pem_x509_certificate(ca.cert_pem.bytes())
    file.write_bytes(
        serialize_java_truststore([PKCS12Certificate(certificate, b"ca")], serialization.NoEncryption())
    )


def _trusting(launch: Launch, folder: Path) -> Launch:
    """A Java service that trusts the CA, as it must to speak to the identity provider."""
    java, *arguments = launch.command
    return replace(launch, command=[java, f"-Djavax.net.ssl.trustStore={folder / 'trusted.jks'}", *arguments])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        pass

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _identity_handler(identity: Identity) -> type[_Handler]:
    class Handler(_Handler):
        def do_GET(self) -> None:
            form = {name: values[0] for name, values in parse_qs(self.body().decode()).items()}
            status, answer = identity.answer(self.path, form, _basic(self.headers.get("Authorization")))
            self.reply(status, {"Content-Type": "application/json"}, json.dumps(answer).encode())

        do_POST = do_GET

    return Handler


def _password_handler(port: int, identity: Identity) -> type[_Handler]:
    class Handler(_Handler):
        def do_GET(self) -> None:
            if self.path != "/v1/info" and _basic(self.headers.get("Authorization")) != f"{USER}:{PASSWORD}":
                self.reply(401, {"WWW-Authenticate": "Basic"}, b"who are you?")
                return
            headers = {name: value for name, value in self.headers.items() if name != "Authorization"}
            host = str(self.headers["Host"])
            headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-Host": host}
            headers["Authorization"] = f"Bearer {identity.token(USER)}"
            connection = HTTPConnection("127.0.0.1", port)
            connection.request(self.command, self.path, self.body(), headers)
            answer = connection.getresponse()
            dropped = {"content-length", "transfer-encoding", "connection"}
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in dropped}
            self.reply(answer.status, kept, answer.read())
            connection.close()

        do_POST = do_DELETE = do_GET

    return Handler


def _basic(header: str | None) -> str:
    if not header or not header.startswith("Basic "):
        return ""
    return base64.b64decode(header.removeprefix("Basic ")).decode()


@contextmanager
def _serving(handler: type[_Handler], certificate: Path | None = None) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
