"""What the ready-made checks have in common: batches that come one after the other, and tables before and after."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ..errors import UsageError
from ..naming import EXTRACTED_AT, META_COLUMNS, quote
from .compare import compare
from .rows import rows_of
from .syncs import Stream, complete
from .values import type_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from ..catalog.protocol import TableId
    from ..dbt.graph import Model
    from .generate import Batch
    from .lake import LakeUnderTest

_WORD: Final = re.compile(r"\w+")
_NOT_OURS: Final = {"target", "dbt_packages", "logs"}


def built(lake: LakeUnderTest, model: str, batches: Iterable[Mapping[str, Any]]) -> None:
    """Give each batch, and build the model upon it."""
    for batch in batches:
        for table, rows in batch.items():
            lake.given(table, rows)
        lake.build(model)


def told(model: str, batches: Iterable[Batch], end: str = "", *, full_refresh: bool = False) -> str:
    """What was done, as the lines of a test that does it; ``end`` is what is to be expected then."""
    lines = []
    for batch in batches:
        lines += [f'lake.given("{table}", {rows!r})' for table, rows in batch.items()]
        lines.append(f'lake.build("{model}")')
    if full_refresh:
        end = f'what lake.build("+{model}", full_refresh=True) makes of it'
    return "\n".join(["as a test:", *(f"    {line}" for line in lines), f"    # expect {end}"])


def contents(lake: LakeUnderTest, table: TableId) -> pa.Table:
    """All that a table or view holds."""
    return lake.sql(f"select * from {quote(table.schema, table.name)}").arrow()


def between(found: pa.Table, expected: pa.Table, key: Sequence[str], ignore: Iterable[str]) -> object | None:
    """How two states of a table differ, but for columns; its ``str`` says so. None if they do not.

    Rows are told apart by their key, as long as it does so.
    """
    left_out = set(ignore)
    columns = [
        {field.name: type_name(field.type) for field in table.schema if field.name not in left_out}
        for table in (expected, found)
    ]
    if columns[0] != columns[1]:
        before, after = (", ".join(f"{name} {kind}" for name, kind in of.items()) for of in columns)
        return f"its columns were\n  {before}\nand are\n  {after}"
    names = list(columns[0])
    found, expected = found.select(names), expected.select(names)
    tells = set(key) <= set(names) and all(_tells(key, table) for table in (found, expected))
    return compare(found, expected.to_pylist(), key=key if tells else ())


def extraction(table: pa.Table) -> list[str]:
    """The columns that tell when rows were extracted, and of what sync they are."""
    return [
        name
        for name in table.column_names
        if name in META_COLUMNS or name.endswith(EXTRACTED_AT.removeprefix("_airbyte"))
    ]


def completed(lake: LakeUnderTest, batches: Sequence[Mapping[str, Any]]) -> list[Batch]:
    """Batches whose rows say all that a connector would have said in this order, and so mean the same in any."""
    story = lake.story.copy()
    whole: list[Batch] = []
    for batch in batches:
        records = {}
        for table, rows in batch.items():
            if table in lake.graph.models:
                raise UsageError(
                    f"{table} is a model: what is given last is what it holds.",
                    todo="give batches to sources",
                )
            if table not in story.streams:
                reference = lake.harness.project.reference(table)
                story.streams[table] = Stream(reference, dict(reference.properties))
            records[table] = complete(story.streams[table], rows_of(rows), story.clock.next(lake.now), table)
        whole.append(records)
    said: dict[str, dict[str, None]] = {}
    for batch in whole:
        for table, rows in batch.items():
            said.setdefault(table, {}).update((name, None) for row in rows for name in row)
    return [
        {
            # A tombstone says no more than it does.
            table: [
                row if _is_short(story.streams[table], row) else dict.fromkeys(said[table]) | row
                for row in rows
            ]
            for table, rows in batch.items()
        }
        for batch in whole
    ]


def said_again(lake: LakeUnderTest, table: str) -> list[dict[str, Any]]:
    """The rows that were given of a table, for a later sync to bring them again."""
    stream = lake.story.streams.get(table)
    if stream is None:
        return []
    return [
        {name: value for name, value in row.items() if name != stream.reference.cursor}
        for row in stream.said.values()
    ]


def rebuilt(lake: LakeUnderTest, model: str) -> list[str]:
    """The models that make up a model: what it reads, however far back, but for what was given."""
    names: dict[str, Model] = {}
    ahead = [model]
    while ahead:
        name = ahead.pop()
        of = lake.graph.models[name]
        if name in names or (name != model and (name in lake.story.given or of.kind == "snapshot")):
            continue
        names[name] = of
        ahead += of.parents
    return list(names)


def sources(lake: LakeUnderTest, model: str) -> list[str]:
    """The source tables that a model is made of."""
    found = sorted({table for name in rebuilt(lake, model) for table in lake.graph.models[name].sources})
    if not found:
        raise UsageError(f"{model} reads no source.", todo="give it batches of your own")
    return found


def needs_rows(lake: LakeUnderTest, table: str, rows: int, where: str = "") -> None:
    """Refuse a table without rows, which would pass whatever is wrong; ``where`` says which rows are meant."""
    if rows:
        return
    model = lake.graph.models.get(table)
    first = (
        sorted({name for one in rebuilt(lake, table) for name in lake.graph.models[one].sources})
        if model
        else [table]
    )
    raise UsageError(
        f"{table} has no rows{where}: any model would pass.",
        todo=f"give {', '.join(first) or 'what it reads'} some first: lake.given(…)",
    )


def words(lake: LakeUnderTest, model: str) -> set[str]:
    """All that the SQL of a model says, of those that it reads, and of the project's macros."""
    dbt, paths = lake.settings.dbt, lake.harness.project.model_paths
    files = {dbt / lake.graph.models[name].file for name in rebuilt(lake, model)}
    files |= {dbt / file for name in rebuilt(lake, model) for file in lake.graph.models[name].inlined}
    files |= {
        file
        for file in dbt.rglob("*.sql")
        if not any(path in file.parents for path in paths)
        and not _NOT_OURS & set(file.relative_to(dbt).parts)
    }
    return {word for file in files for word in _WORD.findall(file.read_text(encoding="utf-8"))}


def commits(lake: LakeUnderTest, table: TableId) -> dict[int, int]:
    """The snapshots of a table, and how many rows each of them has written; none of a view."""
    entry = lake.catalog.entries(lake.ref).get(table)
    if entry is None or entry.kind == "view":
        return {}
    snapshots = lake.catalog.iceberg(lake.ref).load_table((table.schema, table.name)).snapshots()
    return {
        snapshot.snapshot_id: int(snapshot.summary.get("added-records") or 0) if snapshot.summary else 0
        for snapshot in snapshots
    }


def _tells(key: Sequence[str], table: pa.Table) -> bool:
    """Whether each row of a table has a key of its own."""
    if not key:
        return False
    rows = table.select(list(key)).to_pylist()
    return len({repr(row) for row in rows}) == len(rows)


def _is_short(stream: Stream, row: Mapping[str, Any]) -> bool:
    cursor = stream.reference.cursor
    return cursor is not None and cursor not in row
