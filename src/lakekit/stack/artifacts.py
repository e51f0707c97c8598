"""Fetching what the services are made of: by Maven coordinates, checked against a pinned SHA-256.

What is in the cache has been checked; it gets there by a rename, so that a killed download or unpacking
leaves nothing that looks whole. Several processes may ask at once.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock

from ..errors import StackFailed
from . import minio
from .report import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jgo.maven import MavenContext

    from .report import Report


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file in a Maven repository and the SHA-256 that it must have (hexadecimal).

    An archive's ``contents`` are what ``contents_of`` gives for the folder in it.
    """

    group: str
    name: str
    version: str
    sha256: str
    packaging: str = "jar"
    classifier: str = ""
    contents: str = ""

    @property
    def filename(self) -> str:
        classifier = f"-{self.classifier}" if self.classifier else ""
        return f"{self.name}-{self.version}{classifier}.{self.packaging}"


TRINO: Final = Artifact(
    "io.trino",
    "trino-server-core",
    # The newest that is published as an archive.
    "476",
    "0f388f9967c177ae70a47c099082fc95387f0c3cb96d8000d1d41fc3a5223158",
    packaging="tar.gz",
    contents="31bf8eb7507674601db5d75afe44f998ff1ab89f48dbddcc11b6916e2f872f2d",
)
TRINO_ICEBERG: Final = Artifact(
    "io.trino",
    "trino-iceberg",
    "476",
    "99edba5b491ed94d599aeb61e0794272d3569d8b563f3bb8569e8a49daa87b6c",
    packaging="zip",
    contents="fbf409904d1c3ea2003271b2bcedcf274694e7eab2560527c18edc37e69f3a31",
)
NESSIE: Final = Artifact(
    "org.projectnessie.nessie",
    "nessie-quarkus",
    "0.99.0",
    "ce9fa33e2878bf5ea3981876b9e6204cabc0362b3dd82326b10e47271a78c417",
    classifier="runner",
)
S3PROXY: Final = Artifact(
    "org.gaul",
    "s3proxy",
    "4.1.0",
    "a4d025969aaf796616ed4b1e2491d87d455ce84bb28cb9db086b2e6aaa68b48d",
    classifier="jar-with-dependencies",
)


class Artifacts:
    """The cache of artifacts: ``LAKEKIT_CACHE``, else ``lakekit`` in the user's cache folder."""

    def __init__(
        self, report: Report, *, cache: Path | None = None, maven: MavenContext | None = None
    ) -> None:
        self._report = report
        self.cache = cache or default_cache()
        self._maven = maven

    def has(self, artifact: Artifact) -> bool:
        """Whether the artifact is in the cache."""
        place = self.cache / artifact.sha256[:16]
        return (place / artifact.filename).is_file() or (
            place / f"{artifact.name}-{artifact.version}"
        ).is_dir()

    def file(self, artifact: Artifact) -> Path:
        """The artifact's file, fetched if need be. Raises ``StackFailed`` offline or on a wrong checksum."""
        kept = self.cache / artifact.sha256[:16] / artifact.filename
        if kept.is_file():  # without the lock: the cache may be on a disk that can only be read
            return kept
        with _disk_errors(artifact), self._lock(artifact):
            if not kept.is_file():
                fetched = self._fetch(artifact)
                kept.parent.mkdir(exist_ok=True)
                _place(fetched, kept)
        return kept

    def folder(self, artifact: Artifact) -> Path:
        """The artifact, unpacked: the one folder that its archive holds."""
        kept = self.cache / artifact.sha256[:16] / f"{artifact.name}-{artifact.version}"
        if kept.is_dir():
            return kept
        with _disk_errors(artifact), self._lock(artifact):
            if not kept.is_dir():
                archive = self._fetch(artifact)
                self._report(f"unpacking {artifact.filename}")
                kept.parent.mkdir(exist_ok=True)
                scratch = kept.parent / "unpacking"
                shutil.rmtree(scratch, ignore_errors=True)  # of one that was killed
                try:
                    _unpack(archive, scratch)
                    (scratch / kept.name).rename(kept)
                finally:
                    shutil.rmtree(scratch, ignore_errors=True)
        return kept

    def _lock(self, artifact: Artifact) -> FileLock:
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StackFailed(
                f"The cache folder {self.cache} cannot be made.",
                why=str(error),
                todo="set LAKEKIT_CACHE to a folder that can be written",
            ) from error
        return FileLock(self.cache / f"{artifact.sha256[:16]}.lock")

    def _fetch(self, artifact: Artifact) -> Path:
        """Download, or take from the local Maven repository, and check; a damaged file is fetched once more."""
        file = self._resolve(artifact)
        if sha256_of(file) == artifact.sha256:
            return file
        self._report(f"{artifact.filename} is damaged: fetching it again")
        file.unlink()
        file = self._resolve(artifact)
        found = sha256_of(file)
        if found != artifact.sha256:
            file.unlink()
            raise StackFailed(
                f"{artifact.filename} is not what it should be, twice in a row.",
                why=f"its SHA-256 is {found}, not {artifact.sha256}",
                todo="check the mirror or proxy between here and Maven Central",
            )
        return file

    def _resolve(self, artifact: Artifact) -> Path:
        import requests
        from jgo.maven import MavenContext
        from jgo.maven._resolver import PythonResolver

        # Its default timeout is meant for small jars on a quick line.
        maven = self._maven or MavenContext(
            resolver=PythonResolver(progress_callback=self._download_progress), timeout=60
        )
        component = maven.project(artifact.group, artifact.name).at_version(artifact.version)
        wanted = component.artifact(classifier=artifact.classifier, packaging=artifact.packaging)
        self._report(f"looking for {artifact.filename}")
        try:
            return Path(wanted.resolve())
        except (requests.RequestException, RuntimeError, OSError) as error:
            raise StackFailed(
                f"{artifact.filename} could not be fetched from Maven Central.",
                why=f"{type(error).__name__}: {error}",
                todo="connect to the network once, or bring the local Maven repository (M2_REPO, or ~/.m2/repository) "
                "from a machine that has it",
            ) from error

    @contextmanager
    def _download_progress(self, filename: str, total: int) -> Iterator[Callable[[int], None]]:
        done = 0

        def update(count: int) -> None:
            nonlocal done
            before, done = done, done + count
            if before >> 22 != done >> 22:  # every 4 MiB
                self._report(
                    f"fetching {filename} {progress_bar(done, total)} {done >> 20} of {total >> 20} MB"
                )

        yield update


def fetch(report: Report) -> list[tuple[str, str, Path]]:
    """Fetch all that a stack is made of, MinIO too where it can be built: name, version and place of each."""
    artifacts = Artifacts(report)
    found = [
        ("trino", TRINO.version, artifacts.folder(TRINO)),
        ("trino's iceberg plugin", TRINO_ICEBERG.version, artifacts.folder(TRINO_ICEBERG)),
        ("nessie", NESSIE.version, artifacts.file(NESSIE)),
        ("s3proxy", S3PROXY.version, artifacts.file(S3PROXY)),
    ]
    if program := minio.build(artifacts.cache, report):
        found.append(("minio", minio.version(program), program))
    return found


@contextmanager
def _disk_errors(artifact: Artifact) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StackFailed(
            f"{artifact.filename} could not be put into the cache.",
            why=f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}",
            todo="set LAKEKIT_CACHE to a folder that can be written and has 1 GB of room",
        ) from error


def default_cache() -> Path:
    """Where artifacts are kept between runs."""
    if given := os.environ.get("LAKEKIT_CACHE"):
        return Path(given).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lakekit"


def contents_of(folder: Path) -> str:
    """A SHA-256 over all files below a folder, by path and content."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    whole = hashlib.sha256()
    with ThreadPoolExecutor() as pool:
        names = sorted(paths)
        for name, digest in zip(names, pool.map(lambda name: sha256_of(paths[name]), names), strict=True):
            whole.update(f"{name} {digest}\n".encode())
    return whole.hexdigest()


def sha256_of(file: Path) -> str:
    """A file's SHA-256."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _place(source: Path, target: Path) -> None:
    """Put a file where it is to stay, all at once."""
    partial = target.with_suffix(".partial")
    shutil.copyfile(source, partial)
    partial.rename(target)


def _unpack(archive: Path, folder: Path) -> None:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as zipped:
            zipped.extractall(folder)  # noqa: S202 (its SHA-256 was checked)
    else:
        with tarfile.open(archive) as tarred:
            tarred.extractall(folder, filter="data")
