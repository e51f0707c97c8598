"""LK9: the run itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..findings import Problem
from ..registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..facts import Facts
    from ..subjects import File


@rule("LK903")
def unreadable_file(file: File, facts: Facts) -> Iterator[Problem]:
    """A file can be read for what it is: SQL with Jinja, YAML, JSON, all in UTF-8.

    The others are judged all the same; of this one nothing else is said.
    """
    if broken := facts.broken(file.path):
        yield Problem(broken.why, broken.start, broken.end)
