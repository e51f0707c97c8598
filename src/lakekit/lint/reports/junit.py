"""JUnit's XML, which CI servers show beside the tests: a failed case for each finding.

The servers take a report without any case for a run that broke, so that a clean one has a case that passed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ..places import shown
from .counts import sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..findings import Finding, Outcome
    from ..registry import Rule

_NAME: Final = "lakekit lint"


def report(
    outcome: Outcome,
    rules: Mapping[str, Rule],
    read: Callable[[str], str],  # noqa: ARG001 # all formats are asked alike
) -> str:
    found = len(outcome.findings)
    counts = f'name="{_NAME}" tests="{found or 1}" failures="{found}" errors="0"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<testsuites {counts}>",
            f'  <testsuite {counts} skipped="0">',
            *(_case(finding, rules.get(finding.code)) for finding in outcome.findings),
            *(() if found else (f'    <testcase classname="{_NAME}" name="{_safe(sentence(outcome))}"/>',)),
            "  </testsuite>",
            "</testsuites>",
            "",
        ]
    )


def _case(finding: Finding, rule: Rule | None) -> str:
    path, place = shown(finding.path), f"{finding.line}:{finding.column}"
    what = f"{finding.code} {rule.name}" if rule else finding.code
    case = {"classname": path, "name": f"{what} at {place}", "file": path, "line": str(finding.line)}
    failure = {"type": finding.code, "message": finding.message}
    said = _safe(f"{path}:{place}: {finding.code} {finding.message}")
    return (
        f"    <testcase{_attributes(case)}>\n"
        f"      <failure{_attributes(failure)}>{said}</failure>\n"
        f"    </testcase>"
    )


def _attributes(given: dict[str, str]) -> str:
    return "".join(f' {name}="{_safe(value)}"' for name, value in given.items())


def _safe(text: str) -> str:
    """``text`` for an attribute or an element, in ASCII; XML has no way to say most control characters."""
    text = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
    for character, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(character, written)
    for character in "\t\n\r":  # as they are, a reader of an attribute makes them spaces
        text = text.replace(character, f"&#{ord(character)};")
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")
