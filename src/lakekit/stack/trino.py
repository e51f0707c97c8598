"""Trino: one node, the Iceberg connector, a catalog for each Nessie ref."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import httpx

from ..naming import quote as quoted
from .artifacts import TRINO, TRINO_ICEBERG
from .service import Launch

if TYPE_CHECKING:
    from pathlib import Path

    from .artifacts import Artifacts
    from .endpoints import Endpoints

_ACCESS_KEY: Final = "LAKEKIT_S3_ACCESS_KEY"
_SECRET_KEY: Final = "LAKEKIT_S3_SECRET_KEY"  # noqa: S105 (a variable's name)


def create_catalog_sql(name: str, ref: str, endpoints: Endpoints, *, read_only: bool = False) -> str:
    """Make the Trino catalog ``name`` show the lake at a Nessie ref.

    Trino takes the S3 credentials from its own environment: the statement, which it logs and shows, has none.
    """
    properties = {
        "iceberg.catalog.type": "rest",
        "iceberg.rest-catalog.uri": f"{endpoints.nessie_uri}/iceberg/{quote(ref, safe='')}",
        "iceberg.rest-catalog.warehouse": endpoints.warehouse,
        # One writer's worth of data a commit: small files are what MERGE on small tables would leave.
        "iceberg.max-partitions-per-writer": "100",
        "fs.native-s3.enabled": "true",
        "s3.endpoint": endpoints.s3_endpoint,
        "s3.region": endpoints.s3_region,
        "s3.path-style-access": "true",
        "s3.aws-access-key": f"${{ENV:{_ACCESS_KEY}}}",
        "s3.aws-secret-key": f"${{ENV:{_SECRET_KEY}}}",
    }
    if read_only:
        properties["iceberg.security"] = "READ_ONLY"
    settings = ", ".join(f"{quoted(key)} = '{value}'" for key, value in properties.items())
    return f"create catalog if not exists {quoted(name)} using iceberg with ({settings})"


def launch(folder: Path, port: int, java: str, artifacts: Artifacts, endpoints: Endpoints) -> Launch:
    """Prepare a Trino that develops on a laptop: a small heap, and no more tasks than two cores are good for."""
    server, plugin = artifacts.folder(TRINO), artifacts.folder(TRINO_ICEBERG)
    etc, plugins = folder / "etc", folder / "plugin"
    etc.mkdir(parents=True, exist_ok=True)
    plugins.mkdir(exist_ok=True)
    link = plugins / "iceberg"
    link.unlink(missing_ok=True)
    link.symlink_to(plugin, target_is_directory=True)
    (etc / "log.properties").write_text("=WARN\n", encoding="utf-8")
    (etc / "config.properties").write_text(
        "coordinator=true\n"
        "node-scheduler.include-coordinator=true\n"
        f"http-server.http.port={port}\n"
        f"discovery.uri={endpoints.trino_uri}\n"
        "catalog.management=dynamic\n"
        "catalog.store=memory\n"
        f"plugin.dir={plugins}\n"
        f"log.levels-file={etc / 'log.properties'}\n"
        "query.max-memory=160MB\n"
        "query.max-memory-per-node=160MB\n"
        "memory.heap-headroom-per-node=96MB\n"
        "task.concurrency=2\n"
        "task.max-worker-threads=4\n"
        "query.max-history=50\n"
        "query.min-expire-age=1m\n",
        encoding="utf-8",
    )
    properties = {
        "node.id": "lakekit",
        "node.environment": "lakekit",
        "node.data-dir": str(folder / "data"),
        "node.bind-ip": "127.0.0.1",
        "node.internal-address": "127.0.0.1",
        "config": str(etc / "config.properties"),
    }
    return Launch(
        "trino",
        TRINO.version,
        port,
        [
            java,
            *(
                "-Xmx352m",
                "-Xmn64m",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-XX:+UseCompactObjectHeaders",
                "-XX:+ExitOnOutOfMemoryError",
            ),
            *("-XX:ReservedCodeCacheSize=192m", "-Djdk.attach.allowAttachSelf=true"),
            *(f"-D{name}={value}" for name, value in properties.items()),
            *("-cp", f"{server / 'lib'}/*", "io.trino.server.TrinoServer"),
        ],
        folder,
        lambda: _answers(endpoints),
        env={
            _ACCESS_KEY: endpoints.s3_access_key,
            _SECRET_KEY: endpoints.s3_secret_key,
            # Each arena of glibc's keeps what it once had; with many threads that is a second heap.
            "MALLOC_ARENA_MAX": "2",
        },
    )


def _answers(endpoints: Endpoints) -> bool:
    try:
        info = httpx.get(f"{endpoints.trino_uri}/v1/info", timeout=5)
    except httpx.TransportError:
        return False
    return info.status_code == 200 and not info.json()["starting"]
