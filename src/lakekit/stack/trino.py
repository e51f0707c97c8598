"""Trino: one node, the Iceberg connector, a catalog for each Nessie ref."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from ..errors import StackFailed
from ..naming import quote as quoted
from . import probe
from .artifacts import TRINO, TRINO_ICEBERG
from .launch import Launch, write_properties

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from trino.dbapi import Connection

    from .artifacts import Artifacts
    from .endpoints import Endpoints
    from .jvm import Jvm
    from .service import Plan

NAME: Final = "trino"

MEMORY: Final = 1_400_000_000
"""What the stack takes in bytes when it has worked for a while and Trino has the smallest heap that it can use."""

_HEAP: Final = 352
_ACCESS_KEY: Final = "LAKEKIT_S3_ACCESS_KEY"
_SECRET_KEY: Final = "LAKEKIT_S3_SECRET_KEY"  # noqa: S105 (a variable's name)
_NESSIE_TOKEN: Final = "LAKEKIT_NESSIE_TOKEN"  # noqa: S105 (a variable's name)
_NESSIE_CREDENTIAL: Final = "LAKEKIT_NESSIE_CREDENTIAL"


def connect(endpoints: Endpoints, catalog: str | None = None) -> Connection:
    """A connection of Trino's own client."""
    from requests import Session
    from trino.auth import Authentication, BasicAuthentication, JWTAuthentication
    from trino.dbapi import Connection

    from .tls import TrustingAdapter

    session = Session()
    session.mount("https://", TrustingAdapter(endpoints.ca))
    auth: Authentication | None = None
    if endpoints.trino_password:
        auth = BasicAuthentication(endpoints.trino_user, endpoints.trino_password)
    elif endpoints.trino_token:
        auth = JWTAuthentication(endpoints.trino_token)
    return Connection(
        host=endpoints.trino_host,
        port=endpoints.trino_port,
        user=endpoints.trino_user,
        catalog=catalog,
        http_scheme=endpoints.trino_scheme,
        auth=auth,
        http_session=session,
    )


def not_let_in(endpoints: Endpoints, error: Exception) -> StackFailed:
    """What to say where Trino refuses who one is."""
    return StackFailed(
        f"Trino at {endpoints.trino_uri} does not let {endpoints.trino_user} in.",
        why=str(error),
        todo="set LAKEKIT_REMOTE__TRINO_PASSWORD or LAKEKIT_REMOTE__TRINO_TOKEN",
    )


def create_catalog_sql(name: str, ref: str, endpoints: Endpoints, *, read_only: bool = False) -> str:
    """Make the Trino catalog ``name`` show the lake at a Nessie ref.

    Trino takes credentials from its own environment: the statement, which it logs and shows, has none.
    """
    nessie = endpoints.nessie_inside or endpoints.nessie_uri
    properties = {
        "iceberg.catalog.type": "rest",
        "iceberg.rest-catalog.uri": f"{nessie}/iceberg/{quote(ref, safe='')}",
        "iceberg.rest-catalog.warehouse": endpoints.warehouse,
        # One writer's worth of data a commit: small files are what MERGE on small tables would leave.
        "iceberg.max-partitions-per-writer": "100",
        "fs.native-s3.enabled": "true",
        "s3.endpoint": endpoints.s3_inside or endpoints.s3_endpoint,
        "s3.region": endpoints.s3_region,
        "s3.path-style-access": "true",
        "s3.aws-access-key": f"${{ENV:{_ACCESS_KEY}}}",
        "s3.aws-secret-key": f"${{ENV:{_SECRET_KEY}}}",
    }
    if not endpoints.statistics:
        properties["iceberg.extended-statistics.collect-on-write"] = "false"
    if auth := endpoints.nessie_auth:
        oauth2 = "iceberg.rest-catalog.oauth2"
        properties["iceberg.rest-catalog.security"] = "OAUTH2"
        if auth.token:
            properties[f"{oauth2}.token"] = f"${{ENV:{_NESSIE_TOKEN}}}"
        else:
            properties[f"{oauth2}.credential"] = f"${{ENV:{_NESSIE_CREDENTIAL}}}"
            properties[f"{oauth2}.server-uri"] = auth.token_uri
            if auth.scope:
                properties[f"{oauth2}.scope"] = auth.scope
    if read_only:
        properties["iceberg.security"] = "READ_ONLY"
    settings = ", ".join(f"{quoted(key)} = '{value}'" for key, value in properties.items())
    return f"create catalog if not exists {quoted(name)} using iceberg with ({settings})"


def launch(plan: Plan, jvm: Jvm, artifacts: Artifacts) -> Launch:
    """Prepare Trino as a process."""
    folder = plan.folder / NAME
    server, plugin = artifacts.folder(TRINO), artifacts.folder(TRINO_ICEBERG)
    etc, plugins = folder / "etc", folder / "plugin"
    etc.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(plugins, ignore_errors=True)  # a copied folder has the plugin itself where the link was
    plugins.mkdir()
    (plugins / "iceberg").symlink_to(plugin, target_is_directory=True)
    heap = heap_of(plan.memory)
    write_properties(etc / "log.properties", {"": "WARN"})
    settings = {
        **properties(plan.endpoints.trino_port, heap),
        "plugin.dir": plugins,
        "log.enable-console": "true",
        "log.levels-file": etc / "log.properties",
    }
    write_properties(etc / "config.properties", settings)
    node = {
        "node.id": "lakekit",
        "node.environment": "lakekit",
        "node.data-dir": folder / "data",
        "node.bind-ip": "127.0.0.1",
        "node.internal-address": "127.0.0.1",
        "config": etc / "config.properties",
    }
    main = [
        *jvm_flags(heap),
        *(f"-D{name}={value}" for name, value in node.items()),
        *("-cp", f"{server / 'lib'}/*", "io.trino.server.TrinoServer"),
    ]
    return Launch(
        NAME,
        TRINO.version,
        plan.endpoints.trino_port,
        jvm.command(NAME, folder / "tmp", heap, jars(artifacts), main, computes=True),
        folder,
        env=environment(plan.endpoints),
    )


def jvm_flags(heap: int) -> list[str]:
    """What Trino's JVM is told beside its heap."""
    return [f"-Xmn{heap * 2 // 11}m", "-XX:ReservedCodeCacheSize=192m", "-Djdk.attach.allowAttachSelf=true"]


def jars(artifacts: Artifacts) -> list[Path]:
    """What Trino's own classes come from; a plugin's have a class loader that no AOT cache knows."""
    return sorted((artifacts.folder(TRINO) / "lib").glob("*.jar"))


def heap_of(memory: int) -> int:
    """Trino's heap, in MiB, in a stack that takes ``memory`` bytes: what the others and its own code leave."""
    return _HEAP + max(memory - MEMORY, 0) // 2**20


def properties(port: int, heap: int) -> Mapping[str, object]:
    """A Trino that develops on a laptop: all in one node, and no more tasks than two cores are good for."""
    query = heap * 5 // 11
    return {
        "coordinator": "true",
        "node-scheduler.include-coordinator": "true",
        "http-server.http.port": port,
        "discovery.uri": f"http://127.0.0.1:{port}",
        "catalog.management": "dynamic",
        "catalog.store": "memory",
        "query.max-memory": f"{query}MB",
        "query.max-memory-per-node": f"{query}MB",
        "memory.heap-headroom-per-node": f"{heap * 3 // 11}MB",
        "task.concurrency": "2",
        "task.max-worker-threads": "4",
        "query.max-history": "50",
        "query.min-expire-age": "1m",
    }


def environment(endpoints: Endpoints) -> Mapping[str, str]:
    """What ``create_catalog_sql`` expects to find in Trino's environment."""
    return {
        _ACCESS_KEY: endpoints.s3_access_key,
        _SECRET_KEY: endpoints.s3_secret_key,
        # Each arena of glibc's keeps what it once had; with many threads that is a second heap.
        "MALLOC_ARENA_MAX": "2",
    }


def answers(endpoints: Endpoints) -> bool:
    """Whether Trino has started and answers now."""
    status, info = probe.get(f"{endpoints.trino_uri}/v1/info")
    return status == 200 and not json.loads(info)["starting"]
