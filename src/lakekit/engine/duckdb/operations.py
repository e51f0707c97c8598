"""What dbt's adapter asks of the embedded engine, by name and in plain values: so that it can be written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...catalog.protocol import TableId
from .statements import run_script
from .types import trino_type

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from .session import Session


def ask(session: Session, name: str, arguments: tuple[str, ...]) -> Any:
    """Do what is asked, and answer it; two equal answers have equal ``repr``."""
    return _OPERATIONS[name](session, *arguments)


def _schemas(session: Session) -> list[str]:
    return sorted(session.catalog.schemas(session.ref))


def _relations(session: Session, schema: str) -> list[tuple[str, str]]:
    entries = session.catalog.entries(session.ref)
    return sorted((table.name, entry.kind) for table, entry in entries.items() if table.schema == schema)


def _kind(session: Session, schema: str, name: str) -> str | None:
    entry = session.catalog.entries(session.ref).get(TableId(schema, name))
    return entry.kind if entry else None


def _columns(session: Session, schema: str, name: str) -> list[tuple[str, str]]:
    found = session.columns(TableId(schema, name)) or {}
    return [(column, trino_type(kind)) for column, kind in found.items()]


def _describe(session: Session, query: str) -> list[tuple[str, str]]:
    return [(column, trino_type(kind)) for column, kind in session.describe(query).items()]


def _run(session: Session, sql: str) -> Rows:
    return Rows(run_script(session, sql))


def _drop_scratch(session: Session, name: str) -> None:
    session.drop_scratch(name)


def _rename(session: Session, source: str, target: str) -> None:
    session.writable().rename(TableId.parse(source), TableId.parse(target))


_OPERATIONS: Final[dict[str, Callable[..., Any]]] = {
    "schemas": _schemas,
    "relations": _relations,
    "kind": _kind,
    "columns": _columns,
    "describe": _describe,
    "run": _run,
    "drop scratch": _drop_scratch,
    "rename": _rename,
}


class Rows:
    """A statement's rows, taken out of Arrow when someone looks at them."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def tuples(self) -> list[tuple[Any, ...]]:
        return list(zip(*(column.to_pylist() for column in self.table.columns), strict=True))

    def __repr__(self) -> str:
        return f"{self.table.column_names} {self.tuples()}"
