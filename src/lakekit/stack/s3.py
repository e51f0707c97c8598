"""The S3 store: MinIO if it is on PATH, else s3proxy over a folder."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import httpx

from .artifacts import S3PROXY
from .endpoints import BUCKET
from .service import Launch

if TYPE_CHECKING:
    from pathlib import Path

    from .artifacts import Artifacts
    from .endpoints import Endpoints


def launch(folder: Path, port: int, java: str, artifacts: Artifacts, endpoints: Endpoints) -> Launch:
    """Prepare the S3 store whose data lies in ``folder``/data."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    if minio := shutil.which("minio"):
        return _minio(minio, folder, data, port, endpoints)
    return _s3proxy(folder, data, port, java, artifacts, endpoints)


def make_bucket(endpoints: Endpoints) -> None:
    """Make the bucket, if it is not there yet."""
    from pyarrow.fs import S3FileSystem

    S3FileSystem(
        access_key=endpoints.s3_access_key,
        secret_key=endpoints.s3_secret_key,
        endpoint_override=endpoints.s3_endpoint,
        region=endpoints.s3_region,
        allow_bucket_creation=True,
    ).create_dir(BUCKET)


def _minio(minio: str, folder: Path, data: Path, port: int, endpoints: Endpoints) -> Launch:
    answer = subprocess.run([minio, "--version"], check=False, capture_output=True, text=True)
    return Launch(
        "minio",
        answer.stdout.split()[2] if len(answer.stdout.split()) > 2 else "unknown",
        port,
        [
            minio,
            "server",
            "--quiet",
            "--address",
            f"127.0.0.1:{port}",
            "--console-address",
            "127.0.0.1:0",
            str(data),
        ],
        folder,
        lambda: _answers(f"{endpoints.s3_endpoint}/minio/health/live"),
        env={"MINIO_ROOT_USER": endpoints.s3_access_key, "MINIO_ROOT_PASSWORD": endpoints.s3_secret_key},
    )


def _s3proxy(
    folder: Path, data: Path, port: int, java: str, artifacts: Artifacts, endpoints: Endpoints
) -> Launch:
    config = folder / "s3proxy.conf"
    config.touch(mode=0o600)
    config.write_text(
        f"s3proxy.endpoint={endpoints.s3_endpoint}\n"
        "s3proxy.authorization=aws-v2-or-v4\n"
        f"s3proxy.identity={endpoints.s3_access_key}\n"
        f"s3proxy.credential={endpoints.s3_secret_key}\n"
        "s3proxy.ignore-unknown-headers=true\n"
        "jclouds.provider=filesystem-nio2\n"
        f"jclouds.filesystem.basedir={data}\n",
        encoding="utf-8",
    )
    jar = artifacts.file(S3PROXY)
    return Launch(
        "s3proxy",
        S3PROXY.version,
        port,
        [
            java,
            *(
                "-Xmx40m",
                "-XX:+UseCompactObjectHeaders",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            ),
            *("-jar", str(jar), "--properties", str(config)),
        ],
        folder,
        lambda: _answers(endpoints.s3_endpoint),
    )


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code < 500
    except httpx.TransportError:
        return False
