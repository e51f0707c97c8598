"""Reading the commit log: the state at a commit, the common ancestor, and a three-way merge."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping


class Key(NamedTuple):
    """A relation, or a property of a namespace: the smallest thing that a commit can change."""

    scope: str
    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.scope == "relation" else self.schema


class Value(NamedTuple):
    """What a key is set to: a relation's type and the location of its metadata, or a property's value."""

    type: str | None
    value: str


State = dict[Key, Value]


def head_state(connection: sqlite3.Connection, branch: str) -> State:
    """Everything at the head of a branch."""
    rows = connection.execute(
        """
        select 'relation', table_namespace, table_name, iceberg_type, metadata_location
        from iceberg_tables where catalog_name = :branch
        union all
        select 'property', namespace, property_key, null, property_value
        from iceberg_namespace_properties where catalog_name = :branch
        """,
        {"branch": branch},
    )
    return {Key(*row[:3]): Value(*row[3:]) for row in rows}


def state_at(connection: sqlite3.Connection, commit: str) -> State:
    """Everything at a commit: for each key, what its newest change on the line of first parents set it to."""
    rows = connection.execute(
        """
        with recursive line (hash, parent) as (
            select hash, parent from commits where hash = ?
            union all
            select commits.hash, commits.parent from line join commits on commits.hash = line.parent
        )
        -- SQLite takes the other columns from the row that has the max().
        select scope, schema, name, type, value, max(id)
        from line join changes using (hash)
        group by scope, schema, name
        """,
        (commit,),
    )
    return {Key(*row[:3]): Value(*row[3:5]) for row in rows if row[4] is not None}


def state_before(connection: sqlite3.Connection, commit: str) -> State:
    """Everything just before a commit."""
    [parent] = connection.execute("select parent from commits where hash = ?", (commit,)).fetchone()
    return state_at(connection, parent) if parent else {}


def ancestors(connection: sqlite3.Connection, commit: str) -> dict[str, int]:
    """A commit and all that it came from, through merges too: hash → sequence number."""
    rows = connection.execute(
        """
        with recursive past (hash) as (
            select ?
            union
            select commits.parent from past join commits using (hash) where commits.parent is not null
            union
            select commits.merged from past join commits using (hash) where commits.merged is not null
        )
        select hash, seq from past join commits using (hash)
        """,
        (commit,),
    )
    return dict(rows.fetchall())


def common_ancestor(connection: sqlite3.Connection, one: str, other: str) -> str:
    """The newest commit that both came from; every commit came from the lake's first."""
    mine, theirs = ancestors(connection, one), ancestors(connection, other)
    return max(mine.keys() & theirs.keys(), key=mine.__getitem__)


def last_touched(connection: sqlite3.Connection, head: str, base: str, keys: set[Key]) -> dict[Key, str]:
    """For each key the newest commit of ``head``'s past, but not of ``base``'s, that changed it."""
    since = ancestors(connection, head)
    for commit in ancestors(connection, base):
        since.pop(commit, None)
    touched: dict[Key, str] = {}
    for commit in sorted(since, key=since.__getitem__):
        rows = connection.execute("select scope, schema, name from changes where hash = ?", (commit,))
        touched |= {Key(*row): commit for row in rows if Key(*row) in keys}
    return touched


class Merge(NamedTuple):
    """What a merge comes to: the keys to set (None: to remove) on our side, and those in conflict."""

    apply: dict[Key, Value | None]
    conflicts: set[Key]


def three_way(base: Mapping[Key, Value], ours: Mapping[Key, Value], theirs: Mapping[Key, Value]) -> Merge:
    """Compare both sides with their common ancestor, as git does with whole files.

    Only content counts: what both set alike, or one changed and changed back, is in no one's way.
    """
    apply: dict[Key, Value | None] = {}
    conflicts: set[Key] = set()
    for key in base.keys() | ours.keys() | theirs.keys():
        before, our, their = base.get(key), ours.get(key), theirs.get(key)
        if their in (before, our):
            continue
        if our == before:
            apply[key] = their
        else:
            conflicts.add(key)
    return Merge(apply, conflicts)
