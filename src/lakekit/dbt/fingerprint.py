"""What a project's builds depend on, in a digest: everything in its files but the SQL of single models."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import ProjectError
from .runner import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_READ: Final = frozenset({".sql", ".yml", ".yaml", ".csv"})
_OUTPUT: Final = frozenset({"target", "logs", "dbt_internal_packages"})
_VARIABLE: Final = re.compile(rb"""env_var\(\s*['"](\w+)['"]""")
_WHERE: Final = (b"LAKEKIT_", b"DBT_ENV_SECRET_")
_SIZE: Final = 1 << 20


def fingerprint(project: Path, model_paths: Sequence[Path], target: str, variables: Mapping[str, Any]) -> str:
    """The digest of a dbt project in the folder ``project``; raises ``ProjectError`` where a file cannot be read.

    A model counts by its place, not by what it says: that is looked at model by model. Of a seed too large to read at
    each start, size and time count. Environment variables count where a file names them, but for secrets, and for
    lakekit's own: those say where the lake is.
    """
    found = hashlib.sha256()
    named: set[bytes] = set()
    about = [target, json.dumps(variables, sort_keys=True, default=str), sys.version]
    for part in (*about, *(version(name) for name in ("lakekit", "dbt-core"))):
        found.update(part.encode() + b"\0")
    for root in (project, PACKAGE):
        for file in _files(root):
            found.update(str(file.relative_to(root)).encode() + b"\0")
            if file.suffix == ".sql" and any(file.is_relative_to(path) for path in model_paths):
                continue
            try:
                size = file.stat().st_size
                content = file.read_bytes() if size <= _SIZE else f"{size} {file.stat().st_mtime_ns}".encode()
            except OSError as error:
                raise ProjectError(f"{file} cannot be read.", why=error.strerror or str(error)) from error
            found.update(hashlib.sha256(content).digest())
            named |= set(_VARIABLE.findall(content))
    for name in sorted(name for name in named if not name.startswith(_WHERE)):
        found.update(name + b"=" + os.environ.get(name.decode(), "\0").encode() + b"\0")
    return found.hexdigest()[:24]


def _files(root: Path) -> Iterator[Path]:
    """The files that dbt may read, in a fixed order; lakekit's own package is looked at where it is installed."""
    linked = root / "dbt_packages" / "lakekit"
    for folder, folders, names in os.walk(root, followlinks=False):
        here = Path(folder)
        folders[:] = sorted(
            name
            for name in folders
            if not (name.startswith(".") or (here == root and name in _OUTPUT) or here / name == linked)
        )
        for name in sorted(names):
            if Path(name).suffix in _READ or name == ".dbtignore":
                yield here / name
