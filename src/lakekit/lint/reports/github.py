"""Workflow commands: GitHub shows each finding at its line of a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..places import of_whole_file, shown
from .counts import sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..findings import Finding, Outcome
    from ..registry import Rule


def report(
    outcome: Outcome,
    rules: Mapping[str, Rule],
    read: Callable[[str], str],  # noqa: ARG001 # all formats are asked alike
) -> str:
    commands = [_command(finding, rules.get(finding.code)) for finding in outcome.findings]
    return "\n".join([*commands, sentence(outcome), ""])


def _command(finding: Finding, rule: Rule | None) -> str:
    title = f"{finding.code} {rule.name}" if rule else finding.code
    said = {"title": title, "file": shown(finding.path), **_place(finding)}
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in said.items())
    # What a log shows of the command is its message alone, so that the place is said again.
    place = f"{shown(finding.path)}:{finding.line}:{finding.column}"
    return f"::error {properties}::{_data(f'{place}: {finding.code} {finding.message}')}"


def _place(finding: Finding) -> dict[str, int]:
    if of_whole_file(finding):
        return {"line": 1}
    if finding.end_line != finding.line:  # columns are for a single line
        return {"line": finding.line, "endLine": finding.end_line}
    return {
        "line": finding.line,
        "col": finding.column,
        "endLine": finding.end_line,
        "endColumn": finding.end_column,
    }


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
