"""Trino's SQL as DuckDB's: the same answer, or none.

sqlglot does the bulk of it. What DuckDB would answer differently is rewritten here, by the types that DuckDB
itself tells; what cannot be rewritten is refused with ``UnsupportedSql``. What is let through at all is listed in
``functions``; ``tests/stack/test_parity_sql.py`` holds every line of it against a real Trino.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .macros import MACROS, SETTINGS

if TYPE_CHECKING:
    from .scopes import Describe

__all__ = ["MACROS", "SETTINGS", "transpile"]


def transpile(sql: str, describe: Describe) -> str:
    """One statement of Trino SQL as DuckDB's; its tables have DuckDB's names already.

    ``describe`` says which names and types the columns of a DuckDB query have; it raises ``QueryFailed`` where the query
    cannot be planned. Raises ``UnsupportedSql``.
    """
    # A statement that was translated before needs none of this, nor the tenth of a second that its import takes.
    import sqlglot
    from sqlglot import exp

    from .functions import refuse_what_is_not_listed
    from .numbers import type_decimals
    from .scopes import Scopes

    tree = sqlglot.parse_one(sql, dialect="trino")
    if not isinstance(tree, exp.Drop | exp.Alter | exp.TruncateTable):
        refuse_what_is_not_listed(tree, sql)
        type_decimals(tree)
        tree = Scopes(describe).rewrite(tree)
    return tree.sql(dialect="duckdb", unsupported_level=sqlglot.ErrorLevel.IGNORE)
