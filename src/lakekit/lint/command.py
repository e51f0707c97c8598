"""``lakekit lint``, as a command line: argparse, for click takes as long to import as a thousand models to judge."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from ..errors import LakekitError, UsageError
from . import opening
from .findings import Outcome
from .registry import rules
from .run import NOTHING, Selection, lint

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from .facts import Facts

_FORMATS: Final = ("text", "json", "sarif", "github", "junit")


def main(arguments: Sequence[str]) -> int:
    """Run the command; what it returns is the exit code: 0 clean, 1 findings, 2 usage or nothing to judge."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except LakekitError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(options: argparse.Namespace) -> int:
    if options.explain is not None:
        from .manual import explain

        sys.stdout.write(explain(options.explain))
        return 0
    selection = Selection(_codes(options.select), _codes(options.ignore))
    projects = _projects(options)
    outcomes = [_lint(facts, selection, files) for facts, files in projects]
    outcome = Outcome(
        tuple(sorted((one for each in outcomes for one in each.findings), key=lambda finding: finding[:7])),
        sum(each.judged for each in outcomes),
        sum(each.silenced for each in outcomes),
    )
    _write(_report(options, outcome, [facts for facts, _ in projects]))
    if any(finding.code == NOTHING for finding in outcome.findings):
        return 2
    return 1 if outcome.findings else 0


def _lint(facts: Facts, selection: Selection, files: frozenset[str] | None) -> Outcome:
    return lint(facts, selection, files, processes=os.cpu_count() or 1 if hasattr(os, "fork") else 1)


def _projects(options: argparse.Namespace) -> list[tuple[Facts, frozenset[str] | None]]:
    """Each project that the call is about, with the files that are; None is all."""
    for file in options.files:
        if not os.path.lexists(file):
            raise UsageError(f"There is no file {os.path.relpath(file)}.")
    if options.project or not options.files:
        found = opening.at(os.path.abspath(options.project or "."))
        files = frozenset(map(os.path.abspath, options.files)) or None
        return [(opening.load(*found), files)]
    groups: dict[tuple[str, str], set[str]] = {}
    for file in map(os.path.abspath, options.files):
        if found_around := opening.around(file):
            groups.setdefault(found_around, set()).add(file)
        elif os.path.isdir(file):
            groups.setdefault(opening.at(file), set()).add(file)
    if not groups:
        groups[opening.at(os.getcwd())] = set(map(os.path.abspath, options.files))
    return [(opening.load(*project), frozenset(files)) for project, files in groups.items()]


def _report(options: argparse.Namespace, outcome: Outcome, projects: list[Facts]) -> str:
    from .reports import FORMATS

    def text(path: str) -> str:
        # A model path may lead out of a project's folder.
        return next((one for one in projects if path.startswith(one.root + os.sep)), projects[0]).text(path)

    given = {"colour": _is_coloured()} if options.format == "text" else {}
    return FORMATS[options.format](outcome, rules(), text, **given)


def _write(report: str) -> None:
    """What standard output has no sign for is written by its number."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(report.encode(encoding, "backslashreplace").decode(encoding))


def _is_coloured() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def _codes(given: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(code.strip() for part in given or () for code in part.split(",") if code.strip())


def _parser() -> argparse.ArgumentParser:
    import argparse

    parser = argparse.ArgumentParser(
        prog="lakekit lint",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="""Check a project's conventions from its files alone: no manifest, no profile, no dbt.

Names, layers, materializations, the purity of staging, documentation and tested keys; and that Airbyte streams,
schema references, sources, models, Dagster assets and Cube members still fit together.

  lakekit lint                           the project around you, or below you
  lakekit lint orchestration/assets/core a folder, or files: judged against the whole project
  lakekit lint --fix                     mend what can be mended; --diff shows it first
  lakekit lint --explain LK201           what a rule wants, and why
  lakekit lint --select LK2 --ignore LK205""",
        epilog="""Silence one line with `-- noqa: LK201`, a file with `-- lakekit: noqa: LK2` on a line of its own.
Conventions are settings: [lint] in lakekit.toml. Exit codes: 0 clean, 1 findings, 2 usage or nothing to judge.""",
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="files or folders to judge; all if none is given"
    )
    parser.add_argument(
        "--project", metavar="FOLDER", help="the project; otherwise the one around the files or you"
    )
    parser.add_argument(
        "--select", action="append", metavar="CODES", help="only these: LK201, or LK2 for all of LK2…"
    )
    parser.add_argument("--ignore", action="append", metavar="CODES", help="all but these")
    parser.add_argument(
        "--explain", nargs="?", const="", metavar="CODE", help="a rule's manual page; all rules if none"
    )
    parser.add_argument(
        "--format", choices=_FORMATS, default="text", help="how findings are written (default: text)"
    )
    parser.add_argument(
        "--json", action="store_const", const="json", dest="format", help="the same as --format json"
    )
    return parser


def run() -> NoReturn:
    """``lakekit lint`` from a process of its own."""
    sys.exit(main(sys.argv[2:]))
