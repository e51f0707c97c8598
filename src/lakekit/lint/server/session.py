"""What a server knows of the editor that it serves: open files, and what was told of which project."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Final

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from ... import __version__
from ...errors import LakekitError
from .. import opening
from . import judging
from .edits import workspace_edit
from .positions import Places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..facts import Facts
    from ..findings import Finding, Fix
    from .judging import Project

_PAUSE: Final = 0.1
"""Seconds: letters come in bursts, and are judged together."""


class Session(LanguageServer):
    """Judges projects when it is asked to, one after another, and tells the editor what was found."""

    def __init__(self) -> None:
        super().__init__(
            # Whole texts: they are small, and no other way of counting lines can come between.
            "lakekit",
            __version__,
            text_document_sync_kind=types.TextDocumentSyncKind.Full,
        )
        self._asked: dict[Project, bool] = {}
        self._work: asyncio.Task[None] | None = None
        self._told: dict[Project, set[str]] = {}
        self._error = ""

    # Files

    @property
    def open_files(self) -> Mapping[str, types.VersionedTextDocumentIdentifier]:
        """What the editor has open, by path: there only the editor's text counts."""
        return {
            path: types.VersionedTextDocumentIdentifier(document.version or 0, document.uri)
            for document in self.workspace.text_documents.values()
            if (path := path_of(document.uri))
        }

    def uri_of(self, path: str) -> str:
        """As the editor itself calls a file, where it has it open."""
        known = self.open_files.get(path)
        return known.uri if known else from_fs_path(path) or ""

    def version_of(self, path: str) -> int | None:
        known = self.open_files.get(path)
        return known.version if known else None

    def places(self, text: str) -> Places:
        return Places(text, self.encoding)

    @property
    def encoding(self) -> str:
        return str(self.workspace.position_encoding or types.PositionEncodingKind.Utf16.value)

    # Projects

    def project(self, path: str) -> Project | None:
        """The project around a file; where its settings are broken, that is told, and it is none."""
        try:
            return opening.around(path)
        except LakekitError as error:
            self.say(error)
            return None

    @property
    def _held(self) -> dict[str, str]:
        """What the editor has in its open files."""
        return {
            path: self.workspace.get_text_document(one.uri).source for path, one in self.open_files.items()
        }

    def look(self, project: Project) -> Facts:
        return judging.look(project, self._held)

    def ask(self, project: Project | None, *, whole: bool) -> None:
        """Have a project judged soon: its open files, or the ``whole`` of it."""
        if project is None:
            return
        self._asked[project] = whole or self._asked.get(project, False)
        if self._work is None or self._work.done():
            self._work = asyncio.get_running_loop().create_task(self._judge_all())

    async def _judge_all(self) -> None:
        while self._asked:
            await asyncio.sleep(_PAUSE)
            asked, self._asked = self._asked, {}
            for project, whole in asked.items():
                await self._judge(project, whole=whole)

    async def _judge(self, project: Project, *, whole: bool) -> None:
        held = self._held
        versions = {path: one.version for path, one in self.open_files.items()}
        try:
            found = await asyncio.to_thread(self._found, project, held, whole)
        except LakekitError as error:
            self.say(error)
            return
        self._error = ""
        told = self._told.setdefault(project, set())
        for path in sorted(told - found.keys() if whole else ()):
            found[path] = []
        for path, diagnostics in found.items():
            if diagnostics or path in told:
                self.text_document_publish_diagnostics(
                    types.PublishDiagnosticsParams(self.uri_of(path), diagnostics, versions.get(path))
                )
                (told.add if diagnostics else told.discard)(path)

    def _found(
        self, project: Project, held: Mapping[str, str], whole: bool
    ) -> dict[str, list[types.Diagnostic]]:
        """What to tell, by file: of each that was asked about, and of others with findings."""
        facts = judging.look(project, held)
        found: dict[str, list[types.Diagnostic]] = {path: [] for path in held}
        places: dict[str, Places] = {}
        for finding in judging.judge(facts, None if whole else held):
            if finding.path not in places:
                places[finding.path] = self.places(facts.text(finding.path))
            found.setdefault(finding.path, []).append(diagnostic(finding, places[finding.path]))
        return found

    def say(self, error: LakekitError) -> None:
        """Once, until something else is wrong, or nothing."""
        if str(error) != self._error:
            self._error = str(error)
            self.window_show_message(types.ShowMessageParams(types.MessageType.Error, self._error))

    # Fixes

    def edit(self, fix: Fix, facts: Facts) -> types.WorkspaceEdit:
        """A fix for this editor. Raises ``Unsupported``."""
        return workspace_edit(
            fix, facts, self.encoding, self.uri_of, self.version_of, self.client_capabilities
        )


def diagnostic(finding: Finding, places: Places) -> types.Diagnostic:
    return types.Diagnostic(
        places.of(finding),
        finding.message,
        types.DiagnosticSeverity.Warning,
        finding.code,
        source="lakekit",
    )


def path_of(uri: str) -> str | None:
    """The path of a file; None for what is none (a diff, a file not yet saved)."""
    path = to_fs_path(uri)
    return os.path.normpath(path) if path else None
