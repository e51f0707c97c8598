"""The linter's rules as sqlfluff's: a class each, made of what the registry says.

Codes are made the way sqlfluff makes plugins' (``Lakekit_L101``); the linter's own (``LK101``) is an alias, so the same
``noqa`` comment serves both.
"""

from __future__ import annotations

import os
from types import new_class
from typing import TYPE_CHECKING, Final, cast

from sqlfluff.core.parser import RawSegment
from sqlfluff.core.parser.markers import PositionMarker
from sqlfluff.core.rules import BaseRule, LintResult
from sqlfluff.core.rules.crawlers import RootOnlyCrawler

from ...errors import LakekitError
from ..registry import rules
from .judging import FAMILIES, Projects

if TYPE_CHECKING:
    from sqlfluff.core.rules import RuleContext
    from sqlfluff.core.templaters import TemplatedFile

    from ..findings import Finding
    from ..registry import Rule

_SQL: Final = {"File", "SqlFile", "Model", "Query"}
"""What rules of SQL files judge."""

_projects: Final = Projects()
"""One in a process: sqlfluff asks each rule about each file."""


def _ask(self: BaseRule, context: RuleContext) -> list[LintResult]:
    """Every class's ``_eval``: what lakekit finds by its rule in the file that sqlfluff has read."""
    file = context.templated_file
    if file is None or context.path is None:
        return []
    try:
        found = _projects.findings(os.path.abspath(context.path), file.source_str)
    except LakekitError as error:
        return [_result(file, 0, 0, str(error))]
    return [
        _result(file, *_span(file, finding), finding.message)
        for finding in found
        if finding.code in self.aliases
    ]


def _class(rule: Rule) -> type[BaseRule]:
    members = {
        "__doc__": rule.title,
        "__module__": __name__,
        "name": f"lakekit.{rule.name.replace('-', '_')}",
        "groups": ("all", "lakekit", rule.code[:3]),
        "aliases": (rule.code,),
        "crawl_behaviour": RootOnlyCrawler(works_on_unparsable=True),
        "targets_templated": True,  # most of them are about what stands between braces
        "_eval": _ask,
    }
    name = f"Rule_Lakekit_L{rule.code[2:]}"
    return cast("type[BaseRule]", new_class(name, (BaseRule,), exec_body=lambda body: body.update(members)))


def _span(file: TemplatedFile, finding: Finding) -> tuple[int, int]:
    """Where a finding is in what sqlfluff has read, which may have other line ends than the file."""
    starts = [0, *(end + 1 for end, character in enumerate(file.source_str) if character == "\n")]
    return (
        starts[finding.line - 1] + finding.column - 1,
        starts[finding.end_line - 1] + finding.end_column - 1,
    )


def _result(file: TemplatedFile, start: int, end: int, message: str) -> LintResult:
    place = PositionMarker(slice(start, end), slice(0, 0), file)
    return LintResult(RawSegment(file.source_str[start:end], place), description=message)


RULES: Final = [
    _class(rule) for rule in rules().values() if rule.code[:3] in FAMILIES and rule.subject in _SQL
]
# Found by their names: sqlfluff's processes send each other what was found, with its rule.
globals().update({one.__name__: one for one in RULES})
