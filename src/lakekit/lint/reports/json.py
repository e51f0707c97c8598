"""For programs. The shape is kept: what breaks a reader changes ``version``.

``version``
    1
``counts``
    ``judged`` files, ``findings``, ``fixable`` ones among them; what was ``silenced`` and what the ``baseline`` knows
``findings``
    in the order of their places, each with ``path``, ``line``, ``column``, ``end_line``, ``end_column`` (from 1, in
    characters, the end after the last one), ``whole_file``, ``code``, ``name`` of the rule (``null`` if it is not
    known), ``message`` and ``fix``: ``null``, or ``title``, ``edits`` (``path``, ``start``, ``end``, ``text``: offsets from
    0, in characters) and then ``moves`` (``from``, ``to``)

Paths are relative to the working directory where they are below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..findings import Rename
from ..places import of_whole_file, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..findings import Finding, Fix, Outcome
    from ..registry import Rule

VERSION: Final = 1


def report(
    outcome: Outcome,
    rules: Mapping[str, Rule],
    read: Callable[[str], str],  # noqa: ARG001 # all formats are asked alike
) -> str:
    import json

    found = outcome.findings
    whole = {
        "version": VERSION,
        "counts": {
            "judged": outcome.judged,
            "findings": len(found),
            "fixable": sum(finding.fix is not None for finding in found),
            "silenced": outcome.silenced,
            "baseline": outcome.known,
        },
        "findings": [_finding(finding, rules.get(finding.code)) for finding in found],
    }
    return json.dumps(whole, indent=2) + "\n"


def _finding(finding: Finding, rule: Rule | None) -> dict[str, Any]:
    return {
        "path": shown(finding.path),
        "line": finding.line,
        "column": finding.column,
        "end_line": finding.end_line,
        "end_column": finding.end_column,
        "whole_file": of_whole_file(finding),
        "code": finding.code,
        "name": rule.name if rule else None,
        "message": finding.message,
        "fix": _fix(finding.fix) if finding.fix else None,
    }


def _fix(fix: Fix | Rename) -> dict[str, Any]:
    if isinstance(fix, Rename):  # which files it is in is worked out for who wants it done
        return {"title": fix.title, "edits": [], "moves": []}
    return {
        "title": fix.title,
        "edits": [{**edit._asdict(), "path": shown(edit.path)} for edit in fix.edits],
        "moves": [{"from": shown(source), "to": shown(target)} for source, target in fix.moves],
    }
