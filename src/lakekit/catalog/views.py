"""Moving SQL from one Trino catalog to another.

A Trino view remembers the catalog that it was made through, in its text and as its default; read through
another catalog it still reads the first. So whoever opens a branch, and whoever publishes one, rebinds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp

from ..errors import QueryFailed, plain

if TYPE_CHECKING:
    from collections.abc import Callable


def rebind(sql: str, is_ours: Callable[[str], bool], catalog: str) -> str:
    """Put ``catalog`` for every catalog name in ``sql`` that ``is_ours``, and leave all other text as it is.

    The tree says which words are catalog names; the change is made in the text at their positions, so that
    nothing else is reformatted or reinterpreted. Raises ``QueryFailed`` if ``sql`` cannot be parsed.
    """
    try:
        trees = sqlglot.parse(sql, read="trino")
    except sqlglot.errors.SqlglotError as error:
        raise QueryFailed("The statement cannot be parsed as Trino SQL.", why=plain(error)) from error
    places = {
        (node.meta["start"], node.meta["end"] + 1)
        for tree in trees
        if tree
        for node in tree.find_all(exp.Identifier)
        if node.arg_key == "catalog" and is_ours(node.name)
    }
    quoted = exp.to_identifier(catalog, quoted=True).sql(dialect="trino")
    for start, end in sorted(places, reverse=True):
        sql = sql[:start] + quoted + sql[end:]
    return sql


def rebound_version(
    metadata: dict[str, Any], is_ours: Callable[[str], bool], catalog: str
) -> dict[str, Any] | None:
    """The Iceberg view version that reads ``catalog``; None where the current one does already.

    ``metadata`` is a view's metadata as the Iceberg view spec has it.
    """
    current = next(v for v in metadata["versions"] if v["version-id"] == metadata["current-version-id"])
    representations = [
        {**text, "sql": rebind(text["sql"], is_ours, catalog)} for text in current["representations"]
    ]
    default = current.get("default-catalog")
    default = {"default-catalog": catalog} if default and is_ours(default) else {}
    version = {**current, **default, "representations": representations}
    if version == current:
        return None
    return {**version, "version-id": max(v["version-id"] for v in metadata["versions"]) + 1}


def meaning(metadata: dict[str, Any], is_ours: Callable[[str], bool], catalog: str) -> str:
    """The view's text and defaults as they would be in ``catalog``: equal for views that differ by catalog only."""
    current = next(v for v in metadata["versions"] if v["version-id"] == metadata["current-version-id"])
    texts = [rebind(text["sql"], is_ours, catalog) for text in current["representations"]]
    return repr((texts, current.get("default-namespace")))
