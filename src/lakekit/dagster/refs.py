"""Which ref a run works at: the same in each of its processes, and again when it is executed anew from a failure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dagster import DagsterRun

REF: Final = "lake/ref"
"""The tag of a run that is to work at a ref of another's, which it names."""

BRANCH: Final = "lake/branch"
"""The tag of a run that has a branch of its own: its name."""

PUBLISHED: Final = "lake/published"
"""The tag of a run that has published its branch: main's hash since."""

LANDS: Final = "lake/lands"
"""The tag of an op that lands a source, and builds nothing."""

_OF_A_RUN: Final = re.compile(r"run-[0-9a-f]{8}")


def run_ref(run: DagsterRun) -> str:
    """The ref that a run's tag names; else the branch that is its own, and that of runs which go on from it."""
    return run.tags.get(REF) or f"run-{(run.root_run_id or run.run_id)[:8]}"


def is_of_a_run(branch: str) -> bool:
    """Whether a branch is called as ``run_ref`` calls them: others are people's, whatever they begin with."""
    return _OF_A_RUN.fullmatch(branch) is not None
