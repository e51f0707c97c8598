"""SHOW and DESCRIBE, as Trino answers them, out of the catalog."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from ...catalog.protocol import TableId
from ...errors import QueryFailed
from ...naming import CATALOG
from .types import trino_type

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .session import Session

_NAME: Final = r'(?:\w+|"[^"]+")'
_LIKE: Final = r"(?:\s+like\s+'(?P<like>[^']*)')?"
_CATALOG: Final = rf'(?:"?{CATALOG}"?\s*\.\s*)?'
_TABLE: Final = rf"{_CATALOG}(?P<schema>{_NAME})\s*\.\s*(?P<table>{_NAME})"
_FORMS: Final = {
    "schemas": rf'show\s+schemas(?:\s+(?:from|in)\s+"?{CATALOG}"?)?{_LIKE}',
    "tables": rf"show\s+tables(?:\s+(?:from|in)\s+{_CATALOG}(?P<schema>{_NAME}))?{_LIKE}",
    "columns": rf"(?:describe|desc|show\s+columns\s+(?:from|in))\s+{_TABLE}",
    "view": rf"show\s+create\s+view\s+{_TABLE}",
}


def show(session: Session, sql: str) -> pa.Table | None:
    """The answer to a SHOW or DESCRIBE; None if ``sql`` is neither. Raises ``QueryFailed``."""
    for what, form in _FORMS.items():
        if found := re.fullmatch(form, sql.strip().rstrip(";").strip(), re.IGNORECASE):
            given = {name: value and value.strip('"').lower() for name, value in found.groupdict().items()}
            match what:
                case "schemas":
                    return _list("Schema", session.catalog.schemas(session.ref), found["like"])
                case "tables":
                    return _list("Table", _tables(session, given["schema"]), found["like"])
            table = TableId(given["schema"] or "", given["table"] or "")
            return _columns(session, table) if what == "columns" else _view(session, table)
    return None


def _tables(session: Session, schema: str | None) -> list[str]:
    if schema is None:
        raise QueryFailed("A schema must be named.", todo="show tables from marts; show schemas lists them")
    if schema not in session.catalog.schemas(session.ref):
        raise QueryFailed(f"There is no schema '{schema}'.", todo="show schemas lists them")
    return [table.name for table in session.catalog.entries(session.ref) if table.schema == schema]


def _columns(session: Session, table: TableId) -> pa.Table:
    columns = session.columns(table)
    if columns is None:
        raise QueryFailed(f"There is no table {table}.", todo=f"show tables from {table.schema}")
    return pa.table({
        "Column": list(columns),
        "Type": [trino_type(kind) for kind in columns.values()],
        "Extra": [""] * len(columns),
        "Comment": [""] * len(columns),
    })  # fmt: skip


def _view(session: Session, table: TableId) -> pa.Table:
    entry = session.catalog.entries(session.ref).get(table)
    if entry is None or entry.kind != "view":
        raise QueryFailed(f"There is no view {table}.", todo=f"show tables from {table.schema}")
    return pa.table({"Create View": [f"CREATE VIEW {table} AS\n{session.views.text(entry)}"]})


def _list(title: str, names: Iterable[str], like: str | None) -> pa.Table:
    """Sorted names, those that match an SQL pattern if one is given."""
    pattern = re.escape(like).replace("%", ".*").replace("_", ".") if like is not None else ".*"
    return pa.table({title: pa.array(sorted(n for n in names if re.fullmatch(pattern, n)), pa.string())})
