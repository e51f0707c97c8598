"""``--fix`` and ``--diff``: rounds of fixes, until nothing is left that can be mended."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from . import fixing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .facts import Facts
    from .findings import Finding, Outcome
    from .fixing import Change

_ROUNDS: Final = 10
"""A fix may wait for another one, and make room for a third; but fixes that undo each other have to end."""


def mend(
    outcome: Outcome,
    projects: list[Facts],
    files: list[str],
    look: Callable[[], tuple[Outcome, list[Facts]]],
) -> tuple[Outcome, list[Facts]]:
    """Apply what findings bring, and look again; what is found then. ``files`` that were given go where they move to."""
    mended, changed, moved = 0, set[str](), 0
    for _ in range(_ROUNDS):
        applied = 0
        for facts in projects:
            made, count = _changes(outcome.findings, facts)
            fixing.apply(made, facts.root)
            applied += count
            changed.update(change.target for change in made)
            targets = {change.source: change.target for change in made if change.source != change.target}
            moved += len(targets)
            files[:] = [targets.get(os.path.abspath(file), file) for file in files]
        if not applied:
            break
        mended += applied
        outcome, projects = look()
    if mended:
        told = f"{mended} mended in {len(changed)} file{'' if len(changed) == 1 else 's'}"
        sys.stderr.write(f"{told}; {moved} renamed.\n" if moved else f"{told}.\n")
    return outcome, projects


def shown(findings: Iterable[Finding], projects: Iterable[Facts]) -> str:
    """The first round as a patch, with paths relative to the working directory."""
    return "".join(
        line for facts in projects for line in fixing.diff(_changes(findings, facts)[0], os.getcwd())
    )


def _changes(findings: Iterable[Finding], facts: Facts) -> tuple[list[Change], int]:
    within = facts.root + os.sep
    fixes = [finding.fix for finding in findings if finding.fix and finding.path.startswith(within)]
    return fixing.changes(fixes, facts)
