"""Nessie: the catalog and its branches, on RocksDB or in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from .artifacts import NESSIE
from .endpoints import BUCKET
from .service import Launch

if TYPE_CHECKING:
    from pathlib import Path

    from .artifacts import Artifacts
    from .endpoints import Endpoints


def launch(
    folder: Path, port: int, java: str, artifacts: Artifacts, endpoints: Endpoints, *, ephemeral: bool
) -> Launch:
    """Prepare Nessie with one warehouse in the S3 store; its data lies in ``folder``/data unless ephemeral."""
    store = (
        "nessie.version.store.type=IN_MEMORY\n"
        if ephemeral
        else "nessie.version.store.type=ROCKSDB\n"
        f"nessie.version.store.persist.rocks.database-path={folder / 'data'}\n"
    )
    # Quarkus reads config/application.properties in its working directory: secrets stay off the command line.
    config = folder / "config" / "application.properties"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.touch(mode=0o600)
    config.write_text(
        "quarkus.http.host=127.0.0.1\n"
        f"quarkus.http.port={port}\n"
        "quarkus.management.host=127.0.0.1\n"
        "quarkus.management.port=0\n"
        "quarkus.log.level=WARN\n"
        "quarkus.banner.enabled=false\n"
        "quarkus.otel.sdk.disabled=true\n"
        f"{store}"
        f"nessie.catalog.default-warehouse={BUCKET}\n"
        f"nessie.catalog.warehouses.{BUCKET}.location=s3://{BUCKET}/\n"
        f"nessie.catalog.service.s3.default-options.endpoint={endpoints.s3_endpoint}\n"
        "nessie.catalog.service.s3.default-options.path-style-access=true\n"
        f"nessie.catalog.service.s3.default-options.region={endpoints.s3_region}\n"
        "nessie.catalog.service.s3.default-options.access-key=urn:nessie-secret:quarkus:lakekit.s3\n"
        f"lakekit.s3.name={endpoints.s3_access_key}\n"
        f"lakekit.s3.secret={endpoints.s3_secret_key}\n",
        encoding="utf-8",
    )
    jar = artifacts.file(NESSIE)
    return Launch(
        "nessie",
        NESSIE.version,
        port,
        [
            java,
            "-Xmx112m",
            "-XX:+UseCompactObjectHeaders",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-jar",
            str(jar),
        ],
        folder,
        lambda: _answers(endpoints),
    )


def _answers(endpoints: Endpoints) -> bool:
    try:
        return httpx.get(f"{endpoints.nessie_uri}/api/v2/config", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
