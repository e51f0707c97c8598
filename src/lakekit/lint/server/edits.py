"""A fix as the protocol writes it."""

from __future__ import annotations

import os
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from lsprotocol import types

from .positions import Places

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..facts import Facts
    from ..findings import Fix

    Uri = Callable[[str], str]
    Version = Callable[[str], int | None]


class Unsupported(Exception):
    """The editor cannot do what a fix asks for; the message says what."""


def workspace_edit(
    fix: Fix, facts: Facts, encoding: str, uri: Uri, version: Version, client: types.ClientCapabilities
) -> types.WorkspaceEdit:
    """The edits of a fix, then its moves. Raises ``Unsupported``."""
    able = client.workspace.workspace_edit if client.workspace else None
    operations = set(able.resource_operations or ()) if able and able.document_changes else set()
    edits = {path: list(group) for path, group in groupby(sorted(fix.edits), key=attrgetter("path"))}
    new = [path for path in edits if path not in facts.held and not os.path.exists(path)]
    if new and types.ResourceOperationKind.Create not in operations:
        raise Unsupported("this editor lets no server create files")
    if fix.moves and types.ResourceOperationKind.Rename not in operations:
        raise Unsupported("this editor lets no server rename files")

    made: dict[str, list[types.TextEdit | types.AnnotatedTextEdit | types.SnippetTextEdit]] = {}
    for path, group in edits.items():
        places = Places("" if path in new else facts.text(path), encoding)
        made[path] = [types.TextEdit(places.range(one.start, one.end), one.text) for one in group]
    if not able or not able.document_changes:
        plain = {
            uri(path): [one for one in each if isinstance(one, types.TextEdit)] for path, each in made.items()
        }
        return types.WorkspaceEdit(changes=plain)
    return types.WorkspaceEdit(
        document_changes=[
            *(types.CreateFile(uri(path)) for path in new),
            *(
                types.TextDocumentEdit(
                    types.OptionalVersionedTextDocumentIdentifier(uri(path), version(path)), each
                )
                for path, each in made.items()
            ),
            *(types.RenameFile(uri(old), uri(new_)) for old, new_ in fix.moves),
        ]
    )
