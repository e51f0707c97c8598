"""``lakekit lsp``: the linter in an editor."""

from __future__ import annotations

import click

from ..errors import MissingExtra


@click.command()
def lsp() -> None:
    """Serve an editor: findings, fixes and renames.

    Findings come as you type; a model is renamed with all that names it.
    It speaks the Language Server Protocol on stdin and stdout, for SQL, YAML, JSON and Python. Needs lakekit[lsp].
    """
    try:
        from ..lint.server import serve
    except ModuleNotFoundError as error:
        raise MissingExtra("lsp", error.name or "pygls") from error

    serve()
