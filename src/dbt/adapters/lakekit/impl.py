"""The adapter: names come from the catalog, columns from the session, and all SQL goes to the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from dbt.adapters.base.impl import ConstraintSupport
from dbt.adapters.base.meta import available
from dbt.adapters.contracts.relation import RelationType
from dbt.adapters.sql.impl import SQLAdapter
from dbt_common.contracts.constraints import ConstraintType
from typing_extensions import override

from lakekit.catalog.protocol import TableId
from lakekit.engine.duckdb.plan import LOCAL, SCRATCH
from lakekit.naming import CATALOG, quote

from .column import LakekitColumn
from .connections import LakekitConnectionManager, asked

if TYPE_CHECKING:
    import agate
    from dbt.adapters.base.relation import BaseRelation

    from lakekit.engine.duckdb.session import Session


class LakekitAdapter(SQLAdapter):
    """dbt on the embedded engine, at the ref that LAKEKIT_REF names."""

    ConnectionManager = LakekitConnectionManager
    Column = LakekitColumn

    CONSTRAINT_SUPPORT = dict.fromkeys(ConstraintType, ConstraintSupport.NOT_SUPPORTED)

    @property
    def session(self) -> Session:
        session: Session = self.connections.get_thread_connection().handle.session
        return session

    @classmethod
    @override
    def date_function(cls) -> str:
        return "current_date"

    @classmethod
    @override
    def quote(cls, identifier: str) -> str:
        return quote(identifier)

    @override
    def valid_incremental_strategies(self) -> list[str]:
        return ["append", "delete+insert", "merge"]

    # Names: out of the catalog, which is much nearer than a query.

    @override
    def list_schemas(self, database: str) -> list[str]:
        return list(asked(self.session, "schemas"))

    @override
    def check_schema_exists(self, database: str, schema: str) -> bool:
        return schema in self.list_schemas(database)

    @override
    def list_relations_without_caching(self, schema_relation: BaseRelation) -> list[BaseRelation]:
        schema = str(schema_relation.schema)
        return [self._relation(schema, name, kind) for name, kind in asked(self.session, "relations", schema)]

    @available.parse_none
    @override
    def get_relation(self, database: str, schema: str, identifier: str) -> BaseRelation | None:
        """As the catalog says now: there is nothing to cache where it takes no query to ask."""
        kind = asked(self.session, "kind", schema, identifier)
        return self._relation(schema, identifier, kind) if kind else None

    @override
    def create_schema(self, relation: BaseRelation) -> None:
        self._run(f"create schema if not exists {quote(CATALOG, str(relation.schema))}")

    @override
    def drop_schema(self, relation: BaseRelation) -> None:
        for found in self.list_relations_without_caching(relation):
            self.drop_relation(found)
        self._run(f"drop schema if exists {quote(CATALOG, str(relation.schema))}")
        self.cache.drop_schema(relation.database, relation.schema)

    @override
    def drop_relation(self, relation: BaseRelation) -> None:
        if relation.database == LOCAL:
            asked(self.session, "drop scratch", str(relation.identifier))
            return
        self.cache_dropped(relation)
        self._run(f"drop {relation.type} if exists {relation}")

    @override
    def truncate_relation(self, relation: BaseRelation) -> None:
        self._run(f"truncate table {relation}")

    @override
    def rename_relation(self, from_relation: BaseRelation, to_relation: BaseRelation) -> None:
        self.cache_renamed(from_relation, to_relation)
        with self.connections.exception_handler(f"rename {from_relation} to {to_relation}"):
            source, target = _table_id(from_relation), _table_id(to_relation)
            asked(self.session, "rename", str(source), str(target))

    # Columns, in Trino's types.

    @override
    def get_columns_in_relation(self, relation: BaseRelation) -> list[LakekitColumn]:
        with self.connections.exception_handler(f"columns of {relation}"):
            table = _table_id(relation)
            return _columns(asked(self.session, "columns", table.schema, table.name))

    @available.parse(lambda *_, **__: [])
    def get_column_schema_from_query(self, sql: str) -> list[LakekitColumn]:
        with self.connections.exception_handler(sql):
            return _columns(asked(self.session, "describe", sql))

    @override
    def expand_column_types(self, goal: BaseRelation, current: BaseRelation) -> None:
        """Do nothing: a varchar has no length here."""

    def _relation(self, schema: str, name: str, kind: str) -> BaseRelation:
        return self.Relation.create(database=CATALOG, schema=schema, identifier=name, type=RelationType(kind))

    # For the materializations.

    @available
    def scratch_relation(self, of: BaseRelation) -> BaseRelation:
        """A name for a table in memory that lives no longer than a model's build."""
        return self.Relation.create(
            database=LOCAL,
            schema=SCRATCH,
            # It depends on the model alone: a statement that is made again is the same statement.
            identifier=f"{of.schema}__{of.identifier}__batch",
            type=RelationType.Table,
        )

    @available.parse_none
    def load_seed(self, relation: BaseRelation, rows: agate.Table, types: dict[str, str]) -> None:
        """Make a table of a seed's rows in one commit, with Trino types given or inferred."""
        names = list(rows.column_names)
        columns = [
            pa.array([None if v is None else str(v) for v in rows.columns[n]], pa.string()) for n in names
        ]
        casts = ", ".join(
            f"cast({quote(name)} as {types.get(name) or self.convert_type(rows, index)}) as {quote(name.lower())}"
            for index, name in enumerate(names)
        )
        scratch = self.scratch_relation(relation)
        with self.connections.exception_handler(f"seed {relation}"):
            self.session.scratch(str(scratch.identifier), pa.Table.from_arrays(columns, names=names))
            try:
                self._run(f"create or replace table {relation} as select {casts} from {scratch}")
            finally:
                self.session.drop_scratch(str(scratch.identifier))

    # Types that agate infers for a seed, as Trino names them.

    @classmethod
    @override
    def convert_text_type(cls, agate_table: agate.Table, col_idx: int) -> str:
        return "varchar"

    @classmethod
    @override
    def convert_number_type(cls, agate_table: agate.Table, col_idx: int) -> str:
        import agate

        return "double" if agate_table.aggregate(agate.MaxPrecision(col_idx)) else "bigint"

    @classmethod
    @override
    def convert_integer_type(cls, agate_table: agate.Table, col_idx: int) -> str:
        return "bigint"

    @classmethod
    @override
    def convert_datetime_type(cls, agate_table: agate.Table, col_idx: int) -> str:
        return "timestamp(6)"

    def _run(self, sql: str) -> Any:
        return self.execute(sql, auto_begin=False, fetch=False)


def _columns(found: list[tuple[str, str]]) -> list[LakekitColumn]:
    return [LakekitColumn(name, kind) for name, kind in found]


def _table_id(relation: BaseRelation) -> TableId:
    return TableId(str(relation.schema), str(relation.identifier))
