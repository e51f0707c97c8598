"""Trino's SQL as DuckDB's: the same answer, or none.

sqlglot does the bulk of it. What DuckDB would answer differently is rewritten here, by the types that DuckDB
itself tells; what cannot be rewritten is refused with ``UnsupportedSql``. What is let through at all is listed in
``functions``; ``tests/stack/test_parity_sql.py`` holds every line of it against a real Trino.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp

from .functions import refuse_what_is_not_listed
from .macros import MACROS, SETTINGS
from .scopes import Describe, Scopes

if TYPE_CHECKING:
    from typing import Final

__all__ = ["MACROS", "SETTINGS", "Describe", "transpile"]

_UNTOUCHED: Final = (exp.Drop, exp.Alter, exp.TruncateTable)


def transpile(sql: str, describe: Describe) -> str:
    """One statement of Trino SQL as DuckDB's; its tables have DuckDB's names already.

    ``describe`` says which names and types the columns of a DuckDB query have; it raises ``QueryFailed`` where the query
    cannot be planned. Raises ``UnsupportedSql``.
    """
    tree = sqlglot.parse_one(sql, dialect="trino")
    if not isinstance(tree, _UNTOUCHED):
        refuse_what_is_not_listed(tree)
        tree = Scopes(describe).rewrite(tree)
    return tree.sql(dialect="duckdb", unsupported_level=sqlglot.ErrorLevel.IGNORE)
