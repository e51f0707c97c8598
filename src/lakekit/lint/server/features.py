"""What an editor may ask of the server, and what it tells it: a function each."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, NoReturn

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from ...errors import LakekitError, ProjectError
from .. import opening, renaming
from ..findings import Rename
from ..manual import page
from ..registry import rules
from . import judging
from .edits import Unsupported
from .session import Session, diagnostic, path_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..facts import Facts
    from ..findings import Finding, Fix
    from .judging import Named
    from .positions import Places

_WATCHED: Final = "**/{*.sql,*.yml,*.yaml,*.json,*.py,lakekit.toml,.dbtignore}"
_MADE: Final = {"target", "logs", "dbt_packages"}
"""Folders of what dbt writes, a file after the other, while it runs."""


class Refused(JsonRpcException):
    """The request was right, and cannot be done; the editor shows why."""

    CODE = -32803  # the protocol's RequestFailed


def server() -> Session:
    """A server that has seen no editor yet."""
    made = Session()
    made.feature(types.INITIALIZED)(_initialized)
    made.feature(types.TEXT_DOCUMENT_DID_OPEN)(_opened)
    made.feature(types.TEXT_DOCUMENT_DID_CHANGE)(_changed)
    made.feature(types.TEXT_DOCUMENT_DID_SAVE)(_saved)
    made.feature(types.TEXT_DOCUMENT_DID_CLOSE)(_closed)
    made.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)(_changed_on_disk)
    made.feature(types.TEXT_DOCUMENT_HOVER)(_hover)
    made.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)(_prepare_rename)
    made.feature(types.TEXT_DOCUMENT_RENAME)(_rename)
    kinds = types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])
    made.feature(types.TEXT_DOCUMENT_CODE_ACTION, kinds)(_code_actions)
    return made


def _initialized(session: Session, _params: types.InitializedParams) -> None:
    for folder in session.workspace.folders.values():
        if path := path_of(folder.uri):
            try:
                session.ask(opening.at(path), whole=True)
            except ProjectError:  # no project, or several: its open files will tell
                continue
            except LakekitError as error:
                session.say(error)
    able = session.client_capabilities.workspace
    watched = able.did_change_watched_files if able else None
    if watched and watched.dynamic_registration:
        options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(_WATCHED)])
        session.client_register_capability(
            types.RegistrationParams(
                [types.Registration("watch", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)]
            )
        )


# What is told


def _opened(session: Session, params: types.DidOpenTextDocumentParams) -> None:
    _ask(session, params.text_document.uri, whole=False)


def _changed(session: Session, params: types.DidChangeTextDocumentParams) -> None:
    _ask(session, params.text_document.uri, whole=False)


def _saved(session: Session, params: types.DidSaveTextDocumentParams) -> None:
    _ask(session, params.text_document.uri, whole=True)


def _closed(session: Session, params: types.DidCloseTextDocumentParams) -> None:
    _ask(session, params.text_document.uri, whole=True)


def _changed_on_disk(session: Session, params: types.DidChangeWatchedFilesParams) -> None:
    for change in params.changes:
        path = path_of(change.uri)
        project = session.project(path) if path else None
        if path and project:
            *folders, _ = os.path.relpath(path, project[0]).split(os.sep)
            if not any(folder.startswith(".") or folder in _MADE for folder in folders):
                session.ask(project, whole=True)


def _ask(session: Session, uri: str, *, whole: bool) -> None:
    if path := path_of(uri):
        session.ask(session.project(path), whole=whole)


# What is asked


def _hover(session: Session, params: types.HoverParams) -> types.Hover | None:
    """The manual's page of what is found there."""
    known = rules()
    for _, places, finding in _found(session, params.text_document.uri):
        where = places.of(finding)
        if where.start <= params.position <= where.end:
            text = types.MarkupContent(types.MarkupKind.Markdown, page(known[finding.code]))
            return types.Hover(text, where)
    return None


def _code_actions(session: Session, params: types.CodeActionParams) -> list[types.CodeAction]:
    """What mends the findings that are, even in part, in the given range."""
    actions = []
    for facts, places, finding in _found(session, params.text_document.uri):
        where = places.of(finding)
        if finding.fix is None or where.end < params.range.start or params.range.end < where.start:
            continue
        fix = _resolved(finding.fix, facts)
        if fix is None:
            continue
        try:
            edit = session.edit(fix, facts)
        except Unsupported:  # then it is not offered
            continue
        told = diagnostic(finding, places)
        title = f"{finding.code}: {finding.fix.title}"
        actions.append(types.CodeAction(title, types.CodeActionKind.QuickFix, [told], True, edit=edit))
    return actions


def _prepare_rename(
    session: Session, params: types.PrepareRenameParams
) -> types.PrepareRenamePlaceholder | None:
    named = _named(session, params.text_document.uri, params.position)
    if named is None:
        return None
    _, places, one = named
    return types.PrepareRenamePlaceholder(places.range(one.start, one.end), one.model.name)


def _rename(session: Session, params: types.RenameParams) -> types.WorkspaceEdit | None:
    """A model gets another name, and so does all that names it."""
    named = _named(session, params.text_document.uri, params.position)
    if named is None:
        return None
    facts, _, one = named
    new = params.new_name
    if not re.fullmatch(r"\w+", new):
        _refuse(f"'{new}' is no name of a model: letters, digits and _ are")
    if facts.is_taken(new):
        _refuse(f"there is a '{new}' already")
    try:
        fix = renaming.fix(Rename(one.model.name, new), facts)
    except renaming.Refused as error:
        _refuse(f"'{one.model.name}' cannot be renamed: {error}")
    try:
        return session.edit(fix, facts)
    except Unsupported as error:
        _refuse(str(error))


def _refuse(why: str) -> NoReturn:
    raise Refused(why)


def _found(session: Session, uri: str) -> Iterator[tuple[Facts, Places, Finding]]:
    """What is found in an open file as it is now."""
    if looked := _look(session, uri):
        facts, path, places = looked
        try:
            findings = judging.judge(facts, [path])
        except LakekitError as error:
            _refuse(str(error))
        yield from ((facts, places, finding) for finding in findings if finding.path == path)


def _named(session: Session, uri: str, position: types.Position) -> tuple[Facts, Places, Named] | None:
    if looked := _look(session, uri):
        facts, path, places = looked
        if one := judging.named(facts, path, places.offset(position)):
            return facts, places, one
    return None


def _look(session: Session, uri: str) -> tuple[Facts, str, Places] | None:
    """The project around an open file as it is now, the file's path and its places; nothing where it is in none."""
    path = path_of(uri)
    project = session.project(path) if path else None
    if path is None or project is None:
        return None
    try:
        facts = session.look(project)
    except LakekitError as error:
        _refuse(str(error))
    return facts, path, session.places(facts.text(path))


def _resolved(fix: Fix | Rename, facts: Facts) -> Fix | None:
    """The fix, if it can be made for sure."""
    if not isinstance(fix, Rename):
        return fix
    try:
        return renaming.fix(fix, facts)
    except renaming.Refused:
        return None
