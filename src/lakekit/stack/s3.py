"""The S3 store: MinIO where there is one, else s3proxy over a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from ..errors import StackFailed
from . import minio, probe
from .artifacts import S3PROXY
from .endpoints import BUCKET
from .launch import Launch

if TYPE_CHECKING:
    from pathlib import Path

    from pyarrow.fs import FileSystem

    from .artifacts import Artifacts
    from .endpoints import Endpoints
    from .jvm import Jvm
    from .service import Plan

StoreName = Literal["minio", "s3proxy"]

_HEAP: Final = 40


def choose(
    folder: Path, wanted: StoreName | None, *, has_minio: bool, needs_minio: bool = False
) -> StoreName:
    """The store of the stack in ``folder``: whose data is there, else the one wanted, else MinIO if there is one.

    Raises ``StackFailed`` where the data is another store's, or its store is not there.
    """
    wanted = "minio" if needs_minio else wanted
    data = folder / "s3" / "data"
    there: StoreName | None = None
    if data.is_dir() and any(data.iterdir()):
        there = "minio" if (data / ".minio.sys").is_dir() else "s3proxy"
    if there and wanted and there != wanted:
        stay = "stay with the process backend" if needs_minio else f'set store = "{there}" in lakekit.toml'
        raise StackFailed(
            f"The data in {data} is {there}'s, and {wanted} cannot read it.",
            why="containers have MinIO" if needs_minio else "",
            todo=f"{stay}, or begin anew: remove {folder}",
        )
    chosen = there or wanted
    if chosen == "minio" and not has_minio:
        raise StackFailed(
            "The stack keeps its data in MinIO, and there is none.",
            why=f"{data} is MinIO's" if there else 'store = "minio"',
            todo="put minio on PATH, name it in LAKEKIT_MINIO, or build it: lakekit stack fetch",
        )
    return chosen or ("minio" if has_minio else "s3proxy")


def launch(plan: Plan, jvm: Jvm, artifacts: Artifacts) -> Launch:
    """Prepare the S3 store as a process; its data lies in ``s3/data``."""
    data = plan.folder / "s3" / "data"
    (data / BUCKET).mkdir(parents=True, exist_ok=True)  # to either store, a folder there is a bucket
    return (
        _minio(plan, data, artifacts.cache) if plan.store == "minio" else _s3proxy(plan, data, jvm, artifacts)
    )


def jars(artifacts: Artifacts) -> list[Path]:
    """What s3proxy's classes come from."""
    return [artifacts.file(S3PROXY)]


def answers(endpoints: Endpoints) -> bool:
    """Whether the store answers now: MinIO says of itself whether it is well, s3proxy only that it is there."""
    status, _ = probe.get(f"{endpoints.s3_endpoint}/minio/health/live")
    return 0 < status < 500


def filesystem(endpoints: Endpoints) -> FileSystem:
    """The store as pyarrow's file system, which trusts whom the endpoints trust."""
    from pyarrow.fs import S3FileSystem

    return S3FileSystem(
        endpoint_override=endpoints.s3_endpoint,
        access_key=endpoints.s3_access_key,
        secret_key=endpoints.s3_secret_key,
        region=endpoints.s3_region,
        # Where none is named, releases of pyarrow that do not know the option are good enough.
        **({"tls_ca_file_path": endpoints.ca} if endpoints.ca else {}),
    )


def require_bucket(endpoints: Endpoints, bucket: str) -> None:
    """Ask for a bucket with the credentials; raises ``StackFailed`` if it is not there, or not for them."""
    from pyarrow.fs import FileType

    try:
        found = filesystem(endpoints).get_file_info(bucket)
    except OSError as error:
        if "ACCESS_DENIED" in str(error):
            raise StackFailed(
                f"The S3 store at {endpoints.s3_endpoint} does not let these keys into the bucket '{bucket}'.",
                why=str(error),
                todo="check LAKEKIT_REMOTE__S3_ACCESS_KEY and LAKEKIT_REMOTE__S3_SECRET_KEY, and that they may list it",
            ) from error
        raise StackFailed(
            f"No S3 store answers at {endpoints.s3_endpoint}.",
            why=str(error),
            todo="check remote.s3, remote.s3_region, and remote.ca if its certificate is of a CA of your own",
        ) from error
    if found.type == FileType.NotFound:
        raise StackFailed(
            f"The S3 store at {endpoints.s3_endpoint} has no bucket '{bucket}'.",
            why=f"Nessie keeps the warehouse '{endpoints.warehouse}' there",
            todo="make it; or check remote.s3, and remote.warehouse",
        )


def _minio(plan: Plan, data: Path, cache: Path) -> Launch:
    program = minio.find(cache)
    assert program is not None, "chosen, so it is there"
    port = plan.endpoints.s3_port
    return Launch(
        "minio",
        minio.version(program),
        port,
        [
            str(program),
            *("server", "--quiet", "--address", f"127.0.0.1:{port}", "--console-address", "127.0.0.1:0"),
            str(data),
        ],
        plan.folder / "s3",
        env=minio.environment(plan.endpoints),
    )


def _s3proxy(plan: Plan, data: Path, jvm: Jvm, artifacts: Artifacts) -> Launch:
    folder = plan.folder / "s3"
    config = folder / "s3proxy.conf"
    config.touch(mode=0o600)
    config.write_text(
        f"s3proxy.endpoint={plan.endpoints.s3_endpoint}\n"
        "s3proxy.authorization=aws-v2-or-v4\n"
        f"s3proxy.identity={plan.endpoints.s3_access_key}\n"
        f"s3proxy.credential={plan.endpoints.s3_secret_key}\n"
        "s3proxy.ignore-unknown-headers=true\n"
        "jclouds.provider=filesystem-nio2\n"
        f"jclouds.filesystem.basedir={data}\n",
        encoding="utf-8",
    )
    jar = str(artifacts.file(S3PROXY))
    main = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-jar", jar, "--properties", str(config)]
    return Launch(
        "s3proxy",
        S3PROXY.version,
        plan.endpoints.s3_port,
        jvm.command("s3proxy", folder / "tmp", _HEAP, jars(artifacts), main),
        folder,
    )
