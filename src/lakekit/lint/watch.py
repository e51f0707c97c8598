"""Waiting for a change in a project's files."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .facts import Facts

Stamps = dict[str, tuple[int, int, int] | None]

_EVERY: Final = 0.3
"""Seconds between two looks."""


def stamps(projects: Iterable[Facts]) -> Stamps:
    """When each file of the projects changed last, and each folder, in which files come and go; None for what is gone."""
    found: Stamps = {}
    for facts in projects:
        for path in (*facts.paths, os.path.join(facts.root, "lakekit.toml"), *_beside(facts)):
            for one in (path, os.path.dirname(path)):
                if one not in found:
                    found[one] = _stamp(one)
    return found


def again(seen: Stamps) -> Stamps:
    """The same files and folders as they are now."""
    return {path: _stamp(path) for path in seen}


def wait(since: Stamps) -> None:
    """Return once any of them has changed."""
    while again(since) == since:
        time.sleep(_EVERY)


def _beside(facts: Facts) -> Iterable[str]:
    return (os.path.join(facts.folder, name) for name in ("dbt_project.yml", ".dbtignore"))


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
