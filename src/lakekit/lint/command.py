"""``lakekit lint``, as a command line: argparse, for click takes as long to import as a thousand models to judge."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from ..errors import LakekitError, UsageError
from . import opening
from .findings import Outcome, ordered
from .registry import rules
from .run import NOTHING, Selection, lint

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from .facts import Facts

_PROCESSES: Final = (os.cpu_count() or 1) if hasattr(os, "fork") else 1
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
    if options.watch:
        _watch(options)
    return _judge(options)


def _watch(options: argparse.Namespace) -> NoReturn:
    """Judge after each change. What cannot be judged (settings that are being written) is told, and waited for."""
    from . import watch

    seen = watch.stamps(facts for facts, _ in _projects(options))
    while True:
        if sys.stdout.isatty():
            sys.stdout.write("\x1b[2J\x1b[H")
        seen = watch.again(seen)  # what stands where the project cannot be read: it is told once
        try:
            seen = watch.stamps(facts for facts, _ in _projects(options))
            _judge(options)
        except LakekitError as error:
            sys.stderr.write(f"error: {error}\n")
        sys.stdout.flush()
        watch.wait(seen)


def _judge(options: argparse.Namespace) -> int:
    outcome, projects = _look(options)
    if options.diff:
        from .mending import shown

        patch = shown(outcome.findings, projects)
        _write(patch)
        return 1 if patch else 0
    if options.fix:
        from .mending import mend

        outcome, projects = mend(outcome, projects, options.files, lambda: _look(options))
    _write(_report(options, outcome, projects))
    if any(finding.code == NOTHING for finding in outcome.findings):
        return 2
    return 1 if outcome.findings else 0


def _look(options: argparse.Namespace) -> tuple[Outcome, list[Facts]]:
    """What is found that the baseline does not know, and the projects that it is found in."""
    selection = Selection(_codes(options.select), _codes(options.ignore))
    asked = _projects(options)
    outcomes = [lint(facts, selection, files, processes=_PROCESSES) for facts, files in asked]
    outcome = Outcome(
        tuple(ordered(one for each in outcomes for one in each.findings)),
        sum(each.judged for each in outcomes),
        sum(each.silenced for each in outcomes),
    )
    projects = [facts for facts, _ in asked]
    return _beside_baseline(options, outcome, projects), projects


def _beside_baseline(options: argparse.Namespace, outcome: Outcome, projects: list[Facts]) -> Outcome:
    """What the baseline does not know; with --update-baseline, it knows all afterwards."""
    given = [os.path.join(one.root, one.conventions.baseline) for one in projects if one.conventions.baseline]
    file = options.baseline or next(iter(given), None)
    if file is None:
        if options.update_baseline:
            raise UsageError(
                "There is no baseline to update.",
                todo="name one: --baseline FILE, or lint.baseline in lakekit.toml",
            )
        return outcome
    from . import baseline

    if options.update_baseline:
        if options.files:
            raise UsageError(
                "A baseline is of a whole project.", why="files are given", todo="leave the files out"
            )
        baseline.write(file, outcome.findings)
    split = baseline.Baseline.read(file).split(outcome.findings)
    if split.stale and not options.files:
        mended = sum(split.stale.values())
        sys.stderr.write(
            f"{mended} of the baseline {'is' if mended == 1 else 'are'} mended: --update-baseline\n"
        )
    return outcome._replace(findings=split.new, known=len(split.known))


def _projects(options: argparse.Namespace) -> list[tuple[Facts, frozenset[str] | None]]:
    """Each project that the call is about, with the files that are; None is all."""
    if options.project and not os.path.isdir(options.project):
        raise UsageError(
            f"There is no folder {options.project}.", todo="name the project's: --project FOLDER"
        )
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
    # Whoever says that nothing to judge is fine (pre-commit gives what was committed) need not be in a project either.
    if not groups and not NOTHING.startswith(_codes(options.ignore)):
        groups[opening.at(os.getcwd())] = set(map(os.path.abspath, options.files))
    return [(opening.load(*project), frozenset(files)) for project, files in groups.items()]


def _report(options: argparse.Namespace, outcome: Outcome, projects: list[Facts]) -> str:
    from .reports import FORMATS

    def text(path: str) -> str:
        # A model path may lead out of its project's folder.
        return next((one for one in projects if path.startswith(one.root + os.sep)), projects[0]).text(path)

    given = {"colour": _is_coloured()} if options.format == "text" else {}
    return FORMATS[options.format](outcome, rules(), text, **given)


def _write(text: str) -> None:
    """What standard output has no sign for is written by its number."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _is_coloured() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def _codes(given: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(code.strip() for part in given or () for code in part.split(",") if code.strip())


def _width() -> int:
    """What argparse would take; it asks for each option, and imports all of shutil to do so."""
    try:
        columns = int(os.environ.get("COLUMNS") or os.get_terminal_size().columns)
    except (ValueError, OSError):
        columns = 80
    return columns - 2


def _parser() -> argparse.ArgumentParser:
    import argparse

    parser = argparse.ArgumentParser(
        prog="lakekit lint",
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=_width()),
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
    mending = parser.add_mutually_exclusive_group()
    mending.add_argument("--fix", action="store_true", help="mend what can be mended, and tell the rest")
    mending.add_argument(
        "--diff", action="store_true", help="show what --fix would do, as a patch; change nothing"
    )
    parser.add_argument(
        "--baseline", metavar="FILE", help="tell only what is not in this file of known findings"
    )
    parser.add_argument(
        "--update-baseline", action="store_true", help="make what is found now the known findings"
    )
    parser.add_argument(
        "--watch", action="store_true", help="judge again whenever a file changes, until interrupted"
    )
    parser.add_argument(
        "--explain",
        nargs="?",
        const="",
        metavar="CODE",
        help="a rule's manual page, or those of LK2…; all rules if none",
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
    code = main(sys.argv[2:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # taking five thousand models apart again takes a tenth of a run
