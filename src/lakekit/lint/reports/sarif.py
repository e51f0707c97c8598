"""SARIF 2.1.0, which code scanning services and editors read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from ... import __version__
from ..findings import Fix
from ..places import of_whole_file, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..findings import Edit, Finding, Outcome
    from ..registry import Rule

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT: Final = "%SRCROOT%"


def report(
    outcome: Outcome,
    rules: Mapping[str, Rule],
    read: Callable[[str], str],  # noqa: ARG001 # all formats are asked alike
) -> str:
    import json

    indexes = {code: index for index, code in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "lakekit",
                "semanticVersion": __version__,
                "rules": [_rule(rule) for rule in rules.values()],
            }
        },
        # Where the root is, the reader knows: a folder of the machine that linted would say nothing to another.
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder that lakekit lint was run in."}}},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True}],
        "results": [_result(finding, indexes.get(finding.code)) for finding in outcome.findings],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    title = rule.title or rule.name
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": title},
        "fullDescription": {"text": title},
        "help": {"text": rule.page or title},
        "defaultConfiguration": {"level": "error"},
    }


def _result(finding: Finding, index: int | None) -> dict[str, Any]:
    place = {"artifactLocation": _artifact(finding.path), "region": _region(finding)}
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "level": "error",
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": place}],
    }
    if index is not None:
        result["ruleIndex"] = index
    if (
        isinstance(finding.fix, Fix) and finding.fix.edits and not finding.fix.moves
    ):  # it has no words for a file that moves
        result["fixes"] = [_fix(finding.fix)]
    return result


def _artifact(path: str) -> dict[str, str]:
    from urllib.parse import quote

    relative = shown(path)
    uri = quote(os.fsencode(relative))
    if relative == path.replace(os.sep, "/"):
        return {"uri": f"file://{'' if uri.startswith('/') else '/'}{uri}"}
    return {"uri": uri, "uriBaseId": _ROOT}


def _region(finding: Finding) -> dict[str, int]:
    if of_whole_file(finding):
        return {"startLine": 1}  # a result without any region is not shown by GitHub
    return {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endLine": finding.end_line,
        "endColumn": finding.end_column,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    changes: dict[str, list[Edit]] = {}
    for edit in fix.edits:
        changes.setdefault(edit.path, []).append(edit)
    return {
        "description": {"text": fix.title},
        "artifactChanges": [
            {"artifactLocation": _artifact(path), "replacements": [_replacement(edit) for edit in edits]}
            for path, edits in changes.items()
        ],
    }


def _replacement(edit: Edit) -> dict[str, Any]:
    return {
        "deletedRegion": {"charOffset": edit.start, "charLength": edit.end - edit.start},
        "insertedContent": {"text": edit.text},
    }
