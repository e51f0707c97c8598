"""``--fix`` and ``--diff``: rounds of fixes, until nothing is left that can be mended."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from . import fixing, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .facts import Facts
    from .findings import Finding, Outcome

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
    refused: list[str] = []
    for _ in range(_ROUNDS):
        plans = [_plan(outcome.findings, facts) for facts in projects]
        refused = [why for plan in plans for why in plan.refused]
        for facts, plan in zip(projects, plans, strict=True):
            writing.apply(plan.changes, facts.root)
            mended += plan.applied
            changed.update(change.target for change in plan.changes)
            targets = {
                change.source: change.target for change in plan.changes if change.source != change.target
            }
            moved += len(targets)
            files[:] = [targets.get(os.path.abspath(file), file) for file in files]
        if not any(plan.applied for plan in plans):
            break
        outcome, projects = look()
    if mended:
        told = f"{mended} mended in {len(changed)} file{'' if len(changed) == 1 else 's'}"
        sys.stderr.write(f"{told}; {moved} renamed.\n" if moved else f"{told}.\n")
    _tell(refused)
    return outcome, projects


def shown(findings: Iterable[Finding], projects: Iterable[Facts]) -> str:
    """The first round as a patch."""
    from . import patches

    plans = [_plan(findings, facts) for facts in projects]
    _tell(why for plan in plans for why in plan.refused)
    start = patches.start(os.getcwd())
    return "".join(line for plan in plans for line in patches.diff(plan.changes, start))


def _tell(refused: Iterable[str]) -> None:
    for why in refused:
        sys.stderr.write(f"{why}.\n")


def _plan(findings: Iterable[Finding], facts: Facts) -> fixing.Plan:
    within = facts.root + os.sep
    fixes = [finding.fix for finding in findings if finding.fix and finding.path.startswith(within)]
    return fixing.plan(fixes, facts)
