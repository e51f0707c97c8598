"""Nessie: the catalog and its branches, on RocksDB or in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from . import probe
from .artifacts import NESSIE
from .endpoints import BUCKET
from .launch import Launch, write_properties

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .artifacts import Artifacts
    from .endpoints import Endpoints
    from .jvm import Jvm
    from .service import Plan

NAME: Final = "nessie"
HEAP: Final = 112


def launch(plan: Plan, jvm: Jvm, artifacts: Artifacts) -> Launch:
    """Prepare Nessie as a process; unless the stack is ephemeral, its data lies in ``nessie/data``."""
    folder = plan.folder / NAME
    port = plan.endpoints.nessie_port
    # Quarkus reads config/application.properties in its working directory: secrets stay off the command line.
    config = folder / "config" / "application.properties"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.touch(mode=0o600)
    settings = {
        "quarkus.http.host": "127.0.0.1",
        "quarkus.http.port": str(port),
        "quarkus.management.host": "127.0.0.1",
        "quarkus.management.port": "0",
        **properties(plan.endpoints, None if plan.ephemeral else str(folder / "data")),
    }
    write_properties(config, settings)
    jar = str(artifacts.file(NESSIE))
    return Launch(
        NAME,
        NESSIE.version,
        port,
        jvm.command(NAME, folder / "tmp", HEAP, jars(artifacts), ["-jar", jar]),
        folder,
    )


def jars(artifacts: Artifacts) -> list[Path]:
    """What Nessie's classes come from."""
    return [artifacts.file(NESSIE)]


def properties(endpoints: Endpoints, data: str | None) -> Mapping[str, str]:
    """What Nessie must know: one warehouse in the S3 store, its own data in the folder ``data`` or in memory."""
    s3 = "nessie.catalog.service.s3.default-options"
    return {
        "quarkus.log.level": "WARN",
        "quarkus.http.access-log.enabled": "false",
        "quarkus.banner.enabled": "false",
        "quarkus.otel.sdk.disabled": "true",
        **(
            {
                "nessie.version.store.type": "ROCKSDB",
                "nessie.version.store.persist.rocks.database-path": data,
            }
            if data
            else {"nessie.version.store.type": "IN_MEMORY"}
        ),
        "nessie.catalog.default-warehouse": BUCKET,
        f"nessie.catalog.warehouses.{BUCKET}.location": f"s3://{BUCKET}/",
        f"{s3}.endpoint": endpoints.s3_inside or endpoints.s3_endpoint,
        f"{s3}.external-endpoint": endpoints.s3_endpoint,
        f"{s3}.path-style-access": "true",
        f"{s3}.region": endpoints.s3_region,
        f"{s3}.access-key": "urn:nessie-secret:quarkus:lakekit.s3",
        "lakekit.s3.name": endpoints.s3_access_key,
        "lakekit.s3.secret": endpoints.s3_secret_key,
    }


def answers(endpoints: Endpoints) -> bool:
    """Whether Nessie answers now."""
    status, _ = probe.get(f"{endpoints.nessie_uri}/api/v2/config")
    return status == 200
