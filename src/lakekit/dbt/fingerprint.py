"""What a project's builds depend on, in a digest: everything in its files but the SQL of single models."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from ..errors import ProjectError
from .runner import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_READ: Final = frozenset({".sql", ".yml", ".yaml", ".csv", ".md"})
_OUTPUT: Final = frozenset({"target", "logs", "dbt_internal_packages"})
_VARIABLE: Final = re.compile(rb"""env_var\(\s*['"](\w+)['"]""")
_BLOCK: Final = re.compile(rb"\{%-?\s*docs\b")
_WHERE: Final = (b"LAKEKIT_", b"DBT_ENV_SECRET_")
_SIZE: Final = 1 << 20
_INSTALLED: Final = ("lakekit", "dbt-core", "dbt-adapters", "dbt-common")
_ADAPTER: Final = PACKAGE.parents[2] / "dbt" / "include" / "lakekit"
"""The macros of lakekit's adapter of dbt."""
_PATHS: Final = re.compile(r"^[\w-]+-paths:", re.MULTILINE)
_ELSEWHERE: Final = re.compile(r"\.\./|(?:^|[\s'\"\[,])[/~]", re.MULTILINE)


def fingerprint(project: Path, model_paths: Sequence[Path], target: str, variables: Mapping[str, Any]) -> str:
    """The digest of a dbt project in the folder ``project``; raises ``ProjectError`` where a file cannot be read.

    A model counts by its place, not by what it says: that is looked at model by model. Of a seed too large to read at
    each start, size and time count. Environment variables count where a file names them, but for secrets, and for
    lakekit's own: those say where the lake is.
    """
    found = hashlib.sha256()
    named: set[bytes] = set()
    about = [target, json.dumps(variables, sort_keys=True, default=str), sys.version]
    for part in (*about, *map(version, _INSTALLED)):
        found.update(part.encode() + b"\0")
    for root in (project, PACKAGE, _ADAPTER, *_elsewhere(project)):
        for file in _files(root, root, project / "dbt_packages" / "lakekit"):
            try:
                size = file.stat().st_size
                content = file.read_bytes() if size <= _SIZE else f"{size} {file.stat().st_mtime_ns}".encode()
            except OSError as error:
                raise ProjectError(f"{file} cannot be read.", why=error.strerror or str(error)) from error
            if file.suffix == ".md" and not _BLOCK.search(content):
                continue  # notes
            found.update(str(file.relative_to(root)).encode() + b"\0")
            named |= set(_VARIABLE.findall(content))
            if not (file.suffix == ".sql" and any(file.is_relative_to(path) for path in model_paths)):
                found.update(hashlib.sha256(content).digest())
    for name in sorted(name for name in named if not name.startswith(_WHERE)):
        found.update(name + b"=" + os.environ.get(name.decode(), "\0").encode() + b"\0")
    return found.hexdigest()[:24]


def _elsewhere(project: Path) -> list[Path]:
    """The folders outside the project that its ``dbt_project.yml`` names as paths of macros, models and others."""
    try:
        text = (project / "dbt_project.yml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []  # dbt says better what is wrong with it
    if not (_PATHS.search(text) and _ELSEWHERE.search(text)):
        return []  # to import a YAML parser takes longer than all of this
    import yaml

    try:
        said = yaml.safe_load(text)
    except yaml.YAMLError:
        return []
    paths = [said[key] for key in said if str(key).endswith("-paths")] if isinstance(said, dict) else []
    folders = {project / str(path) for some in paths if isinstance(some, list) for path in some}
    return sorted(folder for folder in folders if not folder.resolve().is_relative_to(project.resolve()))


def _files(
    folder: Path, root: Path, left_out: Path, above: frozenset[tuple[int, int]] = frozenset()
) -> Iterator[Path]:
    """The files below ``root`` that dbt may read, in a fixed order, and those that links lead to, but for one of them.

    lakekit's own package is looked at where it is installed.
    """
    try:
        found = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return  # not there: dbt does without, too
    here = (found.st_dev, found.st_ino)
    if here in above:  # a link that leads back
        return
    for entry in entries:
        path, name = folder / entry.name, entry.name
        if entry.is_dir():
            if not (name.startswith(".") or (folder == root and name in _OUTPUT) or path == left_out):
                yield from _files(path, root, left_out, above | {here})
        elif path.suffix in _READ or name == ".dbtignore":
            yield path
