"""Table and view metadata that is made without PyIceberg, against PyIceberg's own."""

from __future__ import annotations

import sqlite3
import uuid
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given, settings
from pydantic import TypeAdapter
from pyiceberg.catalog import MetastoreCatalog
from pyiceberg.catalog.sql import SqlCatalogBaseTable
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadataUtil, new_table_metadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER, SortOrder
from pyiceberg.table.update import TableUpdate, update_table_metadata
from pyiceberg.view.metadata import ViewMetadata
from sqlalchemy import create_engine

from lakekit.catalog.embedded import EmbeddedCatalog, commits
from lakekit.catalog.embedded.metadata import apply, check, current_schema, new_table
from lakekit.catalog.embedded.refusals import BadUpdate, CommitConflict, NoSuchSchema, RelationExists
from lakekit.catalog.embedded.views import read_view, write_view
from lakekit.catalog.protocol import TableId
from lakekit.engine.duckdb import DuckDBEngine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    Json = dict[str, Any]

UPDATES: TypeAdapter[tuple[TableUpdate, ...]] = TypeAdapter(tuple[TableUpdate, ...])


def normal(metadata: Json) -> Json:
    """What PyIceberg reads in it, without the times at which both were made."""
    read = TableMetadataUtil.parse_obj(metadata).model_dump()
    del read["last-updated-ms"]
    for entry in read["snapshot-log"]:
        del entry["timestamp-ms"]
    return read


def pyiceberg_apply(base: Json | None, updates: Sequence[Json], location: str | None) -> Json:
    before = TableMetadataUtil.parse_obj(base) if base else MetastoreCatalog._empty_table_metadata()
    after = update_table_metadata(
        before, UPDATES.validate_python(updates), enforce_validation=base is None, metadata_location=location
    )
    return after.model_dump()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    catalog = EmbeddedCatalog(tmp_path)
    engine = DuckDBEngine(catalog)
    engine.execute("main", "create schema shop")
    yield engine
    engine.close()
    catalog.close()


def test_sqlalchemy_finds_its_own_tables(tmp_path: Path) -> None:
    SqlCatalogBaseTable.metadata.create_all(create_engine(f"sqlite:///{tmp_path / 'pyiceberg.db'}"))
    EmbeddedCatalog(tmp_path).close()
    for table in SqlCatalogBaseTable.metadata.tables:
        columns = [
            sqlite3.connect(tmp_path / file).execute(f"pragma table_info({table})").fetchall()
            for file in ("pyiceberg.db", "catalog.db")
        ]
        assert [(name, kind.lower(), *rest) for _, name, kind, *rest in columns[0]] == [
            (name, kind.lower(), *rest) for _, name, kind, *rest in columns[1]
        ]


STATEMENTS = """
create table shop.plain as select 1 as id, 'a' as word
insert into shop.plain values (2, 'b'), (3, 'c')
merge into shop.plain t using (select 2 as id, 'late' as word union all select 4, 'new') s on t.id = s.id when matched then update set word = s.word when not matched then insert (id, word) values (s.id, s.word)
alter table shop.plain add column note varchar
alter table shop.plain rename column note to remark
insert into shop.plain values (5, 'd', 'noted')
alter table shop.plain add column other bigint
alter table shop.plain drop column remark
insert into shop.plain (id, word) values (6, 'e')
delete from shop.plain where id = 4
update shop.plain set word = upper(word)
create table shop.parts (id bigint not null, at timestamp(6) with time zone, r row(a varchar, b array(decimal(10, 2))), m map(varchar, double)) with (partitioning = array['day(at)', 'bucket(id, 4)'])
insert into shop.parts select 1, timestamp '2026-01-31 23:30:00 UTC', cast(row('x', array[1.5]) as row(a varchar, b array(decimal(10, 2)))), map(array['k'], array[1e0])
delete from shop.parts
create or replace table shop.plain as select id, word from shop.plain
truncate table shop.plain
"""


def test_pyiceberg_makes_the_same_of_what_duckdb_sends(
    engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def both(base: Json | None, updates: Sequence[Json], location: str | None = None) -> Json:
        ours = apply(base, updates, location)
        assert normal(ours) == normal(pyiceberg_apply(base, updates, location))
        seen.extend(update["action"] for update in updates)
        return ours

    monkeypatch.setattr(commits, "apply", both)
    for statement in STATEMENTS.strip().splitlines():
        engine.execute("main", statement)
        for table in engine.catalog.entries("main"):
            name = f"{table.schema}.{table.name}"
            ours = engine.execute("main", f"select * from {name}")
            theirs = engine.catalog.iceberg("main").load_table(name).scan().to_arrow()
            assert sorted(map(repr, ours.to_pylist())) == sorted(map(repr, theirs.to_pylist()))
    assert {"assign-uuid", "add-spec", "add-snapshot", "set-snapshot-ref", "set-current-schema"} <= set(seen)


PRIMITIVES = st.sampled_from(["long", "string", "decimal(10, 2)", "timestamptz", "boolean"])


def struct(kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    field = st.tuples(kinds, st.booleans(), st.integers(1, 50))
    return st.lists(field, min_size=1, max_size=4).map(
        lambda fields: {
            "type": "struct",
            "fields": [
                {"id": id_, "name": f"f{n}", "type": kind, "required": required}
                for n, (kind, required, id_) in enumerate(fields)
            ],
        }
    )


KINDS = st.recursive(
    PRIMITIVES,
    lambda inner: st.one_of(
        struct(inner),
        inner.map(lambda kind: {"type": "list", "element-id": 7, "element": kind, "element-required": True}),
        inner.map(
            lambda kind: {
                "type": "map", "key-id": 8, "key": "string", "value-id": 9, "value": kind, "value-required": False,
            }
        ),
    ),
    max_leaves=6,
)  # fmt: skip


@settings(deadline=None, derandomize=True)
@given(struct(KINDS))
def test_a_new_table_is_numbered_as_pyiceberg_numbers_it(schema: Json) -> None:
    for n, field in enumerate(schema["fields"]):  # the top's own are sound, as they are what partitions go by
        field["id"] = 100 + n
    plain = next((field for field in schema["fields"] if isinstance(field["type"], str)), None)
    spec = {"spec-id": 0, "fields": []}
    order = {"order-id": 0, "fields": []}
    if plain:
        by = {"source-id": plain["id"], "transform": "identity"}
        spec["fields"] = [{**by, "field-id": 1000, "name": "part"}]
        order = {"order-id": 1, "fields": [{**by, "direction": "asc", "null-order": "nulls-first"}]}
    theirs = new_table_metadata(
        Schema.model_validate(schema),
        PartitionSpec.model_validate(spec) if plain else UNPARTITIONED_PARTITION_SPEC,
        SortOrder.model_validate(order) if plain else UNSORTED_SORT_ORDER,
        "file:///somewhere",
        {"a": "b"},
        uuid.UUID(int=1),
    )
    ours = new_table("file:///somewhere", schema, spec, order, {"a": "b", "format-version": "2"})
    ours["table-uuid"] = str(uuid.UUID(int=1))
    assert normal(ours) == normal(theirs.model_dump())


def snapshot(metadata: Json, id_: int) -> list[Json]:
    number = metadata["last-sequence-number"] + 1
    parent = (
        {"parent-snapshot-id": metadata["current-snapshot-id"]} if "current-snapshot-id" in metadata else {}
    )
    return [
        {
            "action": "add-snapshot",
            "snapshot": {
                "snapshot-id": id_, "sequence-number": number, "timestamp-ms": 1000 * number, **parent,
                "manifest-list": f"file:///m{id_}.avro", "summary": {"operation": "append"}, "schema-id": 0,
            },
        }
    ]  # fmt: skip


def updates_for(metadata: Json, step: str, n: int) -> list[Json]:  # noqa: C901 - one case a step
    """A commit of one kind that fits a table as it is."""
    schema, held = current_schema(metadata), [one["snapshot-id"] for one in metadata["snapshots"]]
    some, new = held[n % len(held)] if held else None, max(held, default=0) + 1 + n % 3
    others = [one["schema-id"] for one in metadata["schemas"] if one is not schema]
    new_schema = max(one["schema-id"] for one in metadata["schemas"]) + 1
    match step:
        case "column":
            id_ = metadata["last-column-id"] + 1
            fields = [*schema["fields"], {"id": id_, "name": f"c{id_}", "type": "int", "required": False}]
            added = {**schema, "schema-id": new_schema, "fields": fields}
            current = -1 if n % 2 else new_schema
            return [
                {"action": "add-schema", "schema": added},
                {"action": "set-current-schema", "schema-id": current},
            ]
        case "schema" if others:
            return [{"action": "set-current-schema", "schema-id": others[n % len(others)]}]
        case "fewer schemas" if others:
            return [{"action": "remove-schemas", "schema-ids": others[:1]}]
        case "append":
            ref = {"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": new}
            return [*snapshot(metadata, new), ref]
        case "append aside":
            return snapshot(metadata, new)
        case "tag" if held:
            ref = {"action": "set-snapshot-ref", "ref-name": f"t{n % 3}", "type": "tag", "snapshot-id": some}
            return [{**ref, "max-ref-age-ms": 10}]
        case "back" if held:
            return [{"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": some}]
        case "no ref":
            return [{"action": "remove-snapshot-ref", "ref-name": ("main", "t0", "t1")[n % 3]}]
        case "expire" if held:
            return [{"action": "remove-snapshots", "snapshot-ids": [some]}]
        case "spec":
            id_, field = (
                max(one["spec-id"] for one in metadata["partition-specs"]) + 1,
                metadata["last-partition-id"] + 1,
            )
            by = {"source-id": 1, "field-id": field, "transform": f"bucket[{n % 9 + 1}]", "name": f"p{field}"}
            return [
                {"action": "add-spec", "spec": {"spec-id": id_, "fields": [by]}},
                {"action": "set-default-spec", "spec-id": -1 if n % 2 else id_},
            ]
        case "order":
            id_ = max(one["order-id"] for one in metadata["sort-orders"]) + 1
            by = {"source-id": 1, "transform": "identity", "direction": "desc", "null-order": "nulls-last"}
            return [
                {"action": "add-sort-order", "sort-order": {"order-id": id_, "fields": [by]}},
                {"action": "set-default-sort-order", "sort-order-id": -1 if n % 2 else id_},
            ]
        case "properties":
            return [
                {
                    "action": "set-properties",
                    "updates": {f"p{n % 3}": str(n), "write.metadata.previous-versions-max": "5"},
                }
            ]
        case "fewer properties" if known := sorted(metadata["properties"]):
            return [{"action": "remove-properties", "removals": known[:1]}]
        case "place":
            return [{"action": "set-location", "location": f"file:///at{n % 3}"}]
    return []


STEPS = (
    "column", "schema", "fewer schemas", "append", "append aside", "tag", "back", "no ref", "expire", "spec", "order",
    "properties", "fewer properties", "place",
)  # fmt: skip


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.lists(
        st.tuples(st.lists(st.sampled_from(STEPS), min_size=1, max_size=3), st.integers(1, 10**18)),
        max_size=15,
    )
)
def test_pyiceberg_makes_the_same_of_whatever_fits(commits_: list[tuple[list[str], int]]) -> None:
    fields = [{"id": 1, "name": "id", "type": "long", "required": True}]
    metadata = new_table("file:///at", {"fields": fields}, None, None, {})
    for place, (steps, n) in enumerate(commits_):
        updates: list[Json] = []
        for offset, step in enumerate(dict.fromkeys(steps)):
            draft = apply(metadata, updates)
            updates += updates_for(draft, step, n + offset)
        location = f"file:///at/metadata/{place}.json"
        ours, theirs = apply(metadata, updates, location), pyiceberg_apply(metadata, updates, location)
        if ours is metadata:  # to PyIceberg a commit that changes nothing may still be one
            continue
        assert [entry["metadata-file"] for entry in ours["metadata-log"]] == [
            entry["metadata-file"] for entry in theirs["metadata-log"]
        ]
        assert normal(ours | {"metadata-log": []}) == normal(theirs | {"metadata-log": []})
        metadata = ours


@pytest.mark.parametrize(
    ("update", "why"),
    [
        ({"action": "rename-column", "from": "a"}, "not known here"),
        ({"action": "set-location", "location": "file:///x", "when": 1}, "not of the known form"),
        ({"action": "set-location"}, "not of the known form"),
        ({"action": "upgrade-format-version", "format-version": 3}, "format version 3"),
        ({"action": "assign-uuid", "uuid": "other"}, "cannot be changed"),
        ({"action": "set-current-schema", "schema-id": 9}, "no schema-id 9"),
        ({"action": "set-current-schema", "schema-id": -1}, "there is no last one"),
        ({"action": "add-schema", "schema": {"schema-id": 0, "type": "struct", "fields": []}}, "another schema-id"),
        ({"action": "remove-schemas", "schema-ids": [0]}, "in use"),
        ({"action": "remove-snapshots", "snapshot-ids": [1]}, "no snapshot-id 1"),
        ({"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": 1}, "no snapshot-id 1"),
        ({"action": "set-snapshot-ref", "ref-name": "a", "type": "tag", "snapshot-id": 1, "for": 2}, "has no for"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused(update: Json, why: str) -> None:
    fields = [{"id": 1, "name": "id", "type": "long", "required": True}]
    metadata = new_table("file:///at", {"fields": fields}, None, None, {})
    with pytest.raises(BadUpdate, match=why):
        apply(metadata, [update])


def test_a_table_is_partitioned_by_columns_that_it_has() -> None:
    fields = [{"id": n, "name": f"c{n}", "type": "long", "required": False} for n in (1, 2)]
    part = {"source-id": 2, "transform": "identity", "name": "part"}
    metadata = new_table("file:///at", {"fields": fields}, {"fields": [part]}, None, {})
    fewer = {"schema-id": 1, "type": "struct", "fields": fields[:1]}
    with pytest.raises(BadUpdate, match="cannot be taken away"):
        apply(
            metadata,
            [{"action": "add-schema", "schema": fewer}, {"action": "set-current-schema", "schema-id": 1}],
        )
    with pytest.raises(BadUpdate, match="no column 5"):
        new_table("file:///at", {"fields": fields}, {"fields": [{**part, "source-id": 5}]}, None, {})


@pytest.mark.parametrize(
    "requirement",
    [
        {"type": "assert-create"},
        {"type": "assert-table-uuid", "uuid": "other"},
        {"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": 5},
        {"type": "assert-last-assigned-field-id", "last-assigned-field-id": 5},
        {"type": "assert-current-schema-id", "current-schema-id": 5},
        {"type": "assert-last-assigned-partition-id", "last-assigned-partition-id": 5},
        {"type": "assert-default-spec-id", "default-spec-id": 5},
        {"type": "assert-default-sort-order-id", "default-sort-order-id": 5},
    ],
)
def test_a_table_must_be_what_the_writer_took_it_for(requirement: Json) -> None:
    fields = [{"id": 1, "name": "id", "type": "long", "required": True}]
    metadata = new_table("file:///at", {"fields": fields}, None, None, {})
    with pytest.raises(CommitConflict):
        check(metadata, [requirement])
    if requirement["type"] != "assert-create":
        with pytest.raises(CommitConflict):
            check(None, [requirement])
    held = {"assert-ref-snapshot-id": None, "assert-last-assigned-field-id": 1}
    *_, name = requirement
    value = {"uuid": metadata["table-uuid"], "last-assigned-partition-id": 999}.get(
        name, held.get(requirement["type"], 0)
    )
    check(
        None if requirement["type"] == "assert-create" else metadata,
        [requirement | {name: value}][:1] if name != "type" else [requirement],
    )
    with pytest.raises(BadUpdate, match="not known"):
        check(metadata, [{"type": "assert-weather"}])


def test_of_two_writers_one_comes_first_and_of_two_tables_both_or_none_change(tmp_path: Path) -> None:
    catalog = EmbeddedCatalog(tmp_path)
    main = catalog.relations("main")
    main.create_schema("shop")
    fields = [{"id": 1, "name": "id", "type": "long", "required": True}]
    one, two = TableId("shop", "one"), TableId("shop", "two")
    for table in (one, two):
        commits.create(main, table, {"schema": {"fields": fields}})
    with pytest.raises(RelationExists):
        commits.create(main, one, {"schema": {"fields": fields}})
    with pytest.raises(NoSuchSchema):
        commits.create(main, TableId("nowhere", "one"), {"schema": {"fields": fields}})
    before, hash_ = catalog.entries("main"), catalog.ref("main").hash
    put = {"updates": [{"action": "set-properties", "updates": {"a": "b"}}]}
    stale = put | {"requirements": [{"type": "assert-current-schema-id", "current-schema-id": 7}]}
    with pytest.raises(CommitConflict):
        commits.commit(main, [(one, put), (two, stale)])
    with pytest.raises(CommitConflict, match="another writer"):
        commits.commit(main, [(two, put), (one, put), (one, put)])
    with pytest.raises(BadUpdate):
        commits.commit(main, [(one, put), (TableId("shop", "new"), put)])
    assert (catalog.entries("main"), catalog.ref("main").hash) == (before, hash_)
    made = commits.commit(main, [(one, put), (two, put)])
    newest, previous, *_ = catalog.log("main")
    assert (newest.tables, newest.message) == ((one, two), "change shop.one, shop.two")
    assert previous.hash == hash_
    assert [location for location, _ in made] == [entry.pointer for entry in catalog.entries("main").values()]
    # What changes nothing is no commit.
    assert commits.commit(main, [(one, put)])[0][0] == catalog.entries("main")[one].pointer
    assert catalog.ref("main").hash == newest.hash
    catalog.close()


def test_pyiceberg_reads_a_view(tmp_path: Path) -> None:
    location = write_view(tmp_path, TableId("shop", "v"), "select 'ß' as a")
    metadata = ViewMetadata.model_validate(read_view(location))
    assert metadata.versions[0].representations[0].root.sql == "select 'ß' as a"
    assert metadata.current_version_id == 1


def test_a_table_of_another_format_is_read_but_not_changed(engine: DuckDBEngine) -> None:
    rows = pa.table({"id": [1, 2]})
    old = engine.catalog.iceberg("main").create_table(
        "shop.old", rows.schema, properties={"format-version": "1"}
    )
    old.append(rows)
    assert engine.execute("main", "select id from shop.old order by id").to_pylist() == rows.to_pylist()
    with pytest.raises(BadUpdate, match="format version 1"):
        apply({"format-version": 1}, [])
