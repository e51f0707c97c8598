"""A run in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..findings import Outcome


def sentence(outcome: Outcome) -> str:
    """How much was found, in how many files, and how much of it can be mended or was left out."""
    found = outcome.findings
    if found:
        files = _many(len({finding.path for finding in found}), "file")
        said = f"{_many(len(found), 'finding')} in {files} ({outcome.judged} judged)"
        mendable = sum(finding.fix is not None for finding in found)
        if mendable:
            said += f", {mendable} can be mended with --fix"
    elif outcome.judged:
        said = f"All fine: {_many(outcome.judged, 'file')} judged"
    else:
        said = "No file was judged"
    left_out = [
        f"{count} {how}"
        for count, how in ((outcome.silenced, "silenced"), (outcome.known, "in the baseline"))
        if count
    ]
    return f"{said}; {', '.join(left_out)}." if left_out else f"{said}."


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
