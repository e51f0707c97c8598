"""PyIceberg's SqlCatalog bound to one ref: for what lands bronze, and for whoever asks for it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pyiceberg import exceptions
from pyiceberg.catalog import MetastoreCatalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.view import View
from pyiceberg.view.metadata import ViewMetadata
from sqlalchemy import create_engine
from sqlalchemy.pool import QueuePool
from typing_extensions import override

from ..protocol import TableId
from .commits import fresh_place
from .files import location_of
from .refusals import NoSuchRelation, NoSuchSchema, Refused, RelationExists, SchemaNotEmpty
from .relations import Relations
from .views import read_view

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyiceberg.typedef import Identifier

    from .store import Store

# What PyIceberg's users expect to be raised for what is said of views and schemas.
_RAISED: Final[dict[type[Refused], type[Exception]]] = {
    NoSuchRelation: exceptions.NoSuchViewError,
    NoSuchSchema: exceptions.NoSuchNamespaceError,
    RelationExists: exceptions.TableAlreadyExistsError,
    SchemaNotEmpty: exceptions.NamespaceNotEmptyError,
}


class RefCatalog(SqlCatalog):
    """The tables and views at one ref. At a commit's hash it is read-only: SQLite refuses any change."""

    def __init__(self, ref: str, store: Store, folder: Path) -> None:
        # SqlCatalog's own __init__ opens and probes a database; ours is open.
        self._relations = Relations(ref, store, folder)
        MetastoreCatalog.__init__(self, ref, warehouse=location_of(self._relations.warehouse))
        self.engine = create_engine(
            "sqlite://", creator=store.connect, poolclass=QueuePool, pool_size=4, max_overflow=-1
        )
        self._schema_version = "v1"

    def put_view(self, view: TableId, sql: str) -> bool:
        """As ``Relations.put_view``, in PyIceberg's exceptions."""
        with _as_pyiceberg():
            return self._relations.put_view(view, sql)

    @override
    def load_view(self, identifier: str | Identifier) -> View:
        view = _table_id(identifier)
        location = self._relations.pointer(view, "VIEW")
        if location is None:
            raise exceptions.NoSuchViewError(f"View does not exist: {view}")
        return View((view.schema, view.name), ViewMetadata.model_validate(read_view(location)))

    @override
    def view_exists(self, identifier: str | Identifier) -> bool:
        return self._relations.pointer(_table_id(identifier), "VIEW") is not None

    @override
    def list_views(self, namespace: str | Identifier) -> list[Identifier]:
        schema = self.namespace_to_string(namespace)
        return [(schema, name) for name in self._relations.names(schema, "VIEW")]

    @override
    def drop_view(self, identifier: str | Identifier) -> None:
        with _as_pyiceberg():
            self._relations.drop(_table_id(identifier), "VIEW")

    @override
    def drop_namespace(self, namespace: str | Identifier) -> None:
        with _as_pyiceberg():
            self._relations.drop_schema(self.namespace_to_string(namespace))

    @override
    def purge_table(self, identifier: str | Identifier) -> None:
        # Other branches, and commits that are still to be read, share its files.
        self.drop_table(identifier)

    @override
    def close(self) -> None:
        self.engine.dispose()

    @override
    def _get_default_warehouse_location(self, database_name: str, table_name: str) -> str:
        return fresh_place(self._relations.warehouse, TableId(database_name, table_name))


@contextmanager
def _as_pyiceberg() -> Iterator[None]:
    try:
        yield
    except Refused as error:
        raise _RAISED[type(error)](str(error)) from error


def _table_id(identifier: str | Identifier) -> TableId:
    *namespace, name = RefCatalog.identifier_to_tuple(identifier)
    return TableId(".".join(namespace), name)
