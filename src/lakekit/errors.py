"""Every error that lakekit raises on purpose: what failed, why, and what to do next.

A user's mistake ends in one of these, never in a bare traceback; the command line prints ``str(error)`` and
exits with ``error.exit_code``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .dbt import BuildReport
    from .landing import LandingReport


class LakekitError(Exception):
    """What failed, with its cause and its remedy.

    ``what`` is one sentence; ``why`` and ``todo`` are optional and may span lines.
    """

    exit_code = 1

    def __init__(self, what: str, *, why: str = "", todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.todo = todo

    def __str__(self) -> str:
        lines = [self.what]
        if self.why:
            lines.append(f"  why: {self.why}")
        if self.todo:
            lines.append(f"  try: {self.todo}")
        return "\n".join(lines)


def plain(error: Exception) -> str:
    """What another library's error says, without the colours of a terminal."""
    return re.sub(r"\x1b\[\d*m", "", str(error))


class UsageError(LakekitError):
    """The call itself is off: a bad option, name or setting."""

    exit_code = 2


class SettingsError(UsageError):
    """``lakekit.toml`` or a ``LAKEKIT_*`` variable cannot be understood."""


class ProjectError(UsageError):
    """The folder is not a project, or a file that every project has is missing."""


class MissingExtra(UsageError):
    """A part of lakekit that is not installed was asked for."""

    def __init__(self, extra: str, module: str) -> None:
        super().__init__(
            f"This needs the extra '{extra}'.",
            why=f"the module '{module}' is not installed",
            todo=f"pip install 'lakekit[{extra}]'",
        )


class RefNotFound(LakekitError):
    """No branch, tag or commit has that name."""

    def __init__(self, ref: str, known: Sequence[str] = ()) -> None:
        todo = f"one of: {', '.join(sorted(known))}" if known else "lakekit branch list"
        super().__init__(f"There is no ref '{ref}'.", todo=todo)
        self.ref = ref


class RefExists(LakekitError):
    """A branch of that name is there already."""

    def __init__(self, ref: str) -> None:
        super().__init__(
            f"The branch '{ref}' exists already.", todo="choose another name, or delete it first"
        )
        self.ref = ref


class MergeConflict(LakekitError):
    """Both sides changed the same tables since the branch was made; nothing was merged.

    ``tables`` are dotted names. ``ours`` and ``theirs`` map each of them to the hash of the last commit that
    touched it on the target and on the branch.
    """

    def __init__(self, branch: str, into: str, ours: dict[str, str], theirs: dict[str, str]) -> None:
        self.branch = branch
        self.into = into
        self.tables = sorted(ours)
        self.ours = ours
        self.theirs = theirs
        sides = "\n".join(
            f"       {table}: {into} at {ours[table][:12]}, {branch} at {theirs[table][:12]}"
            for table in self.tables
        )
        super().__init__(
            f"'{branch}' cannot be merged into '{into}': both changed {', '.join(self.tables)}.",
            why=f"since the branch was made\n{sides}",
            todo=f"build again on a new branch of '{into}'",
        )


class RetractRefused(LakekitError):
    """A commit cannot be taken back without what came after it; nothing was. ``tables`` are dotted names."""

    def __init__(self, commit: str, on: str, tables: list[str]) -> None:
        self.tables = tables
        super().__init__(
            f"The commit {commit[:12]} cannot be taken back: {', '.join(tables)} changed on '{on}' since.",
            why="what came later would be lost with it",
            todo="take back the later commits first, the newest before the others",
        )


class PublishRefused(LakekitError):
    """The branch has no passing checks to vouch for it."""


class QueryFailed(LakekitError):
    """The engine refused or failed a statement."""


class UnsupportedSql(LakekitError):
    """The embedded engine cannot give Trino's answer to this statement, so it gives none."""


class BuildFailed(LakekitError):
    """dbt could not run, or a model, snapshot or seed failed; ``report`` says what else it did, if it ran."""

    def __init__(
        self, what: str, *, why: str = "", todo: str = "", report: BuildReport | None = None
    ) -> None:
        super().__init__(what, why=why, todo=todo)
        self.report = report


class LandingFailed(LakekitError):
    """Source data could not be written to bronze; what was committed before stands, and ``report`` tells of it."""

    def __init__(self, what: str, *, why: str = "", todo: str = "") -> None:
        super().__init__(what, why=why, todo=todo)
        self.report: LandingReport | None = None


class StackFailed(LakekitError):
    """A service could not be fetched, started, reached or stopped."""


class AirbyteFailed(LakekitError):
    """The Airbyte server did not answer, or refused, or said what makes no sense."""
