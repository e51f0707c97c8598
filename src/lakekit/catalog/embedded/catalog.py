"""The embedded catalog: refs, log, merge and checks over one SQLite database."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Final

from ...errors import MergeConflict, ProjectError, RefExists, RefNotFound, RetractRefused, UsageError
from ...naming import MAIN, is_hash
from ..protocol import Checks, Commit, Entry, Ref, TableId
from .history import common_ancestor, head_state, last_touched, state_at, state_before, three_way
from .relations import Relations
from .store import STAGING, Store, copy_state, move_state, one_commit, set_state

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from pathlib import Path

    from .history import State
    from .tables import RefCatalog

_NO_LOCATION: Final = re.compile(r"[#?\\]")


class EmbeddedCatalog:
    """``catalog.protocol.Catalog`` in a folder: SQLite for pointers and history, files for the rest.

    Several processes may work on one folder at a time. A ref is a branch's name or a commit's hash.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        if found := _NO_LOCATION.search(str(self.folder)):
            raise ProjectError(
                f"The lake cannot be in {self.folder}.",
                why=f"what reads and writes Iceberg takes '{found[0]}' in a path for something else",
                todo="name the folder otherwise, or set `lake` in lakekit.toml to another",
            )
        self._store = Store.open(self.folder)
        self._catalogs: dict[str, RefCatalog] = {}
        self._pinned: dict[str, Store] = {}
        self._lock = Lock()

    def refs(self) -> list[Ref]:
        with self._store.reading() as connection:
            rows = connection.execute(
                "select name, hash from refs where name <> ? order by name <> ?, name", (STAGING, MAIN)
            ).fetchall()
        return [Ref(*row) for row in rows]

    def ref(self, name: str) -> Ref:
        with self._store.reading() as connection:
            return _resolve(connection, name)

    def create_branch(self, name: str, at: str = MAIN) -> Ref:
        with self._store.writing() as connection:
            source = _resolve(connection, at)
            created = connection.execute(
                "insert into refs (name, hash, open) values (?, ?, '') on conflict do nothing",
                (name, source.hash),
            )
            if not created.rowcount:
                raise RefExists(name)
            if is_hash(at):
                set_state(connection, name, state_at(connection, source.hash))
            else:
                copy_state(connection, at, name)
            connection.execute("update refs set open = null where name = ?", (name,))
        return Ref(name, source.hash)

    def delete_branch(self, name: str) -> None:
        if name == MAIN:
            raise UsageError(f"'{MAIN}' cannot be deleted.", why="it is what production reads")
        with self._store.writing() as connection:
            _branch(connection, name)
            # First the ref: what is removed after it is no commit.
            connection.execute("delete from refs where name = ?", (name,))
            connection.execute("delete from iceberg_tables where catalog_name = ?", (name,))
            connection.execute("delete from iceberg_namespace_properties where catalog_name = ?", (name,))
            connection.execute("delete from checks where branch = ?", (name,))
        with self._lock:
            gone = self._catalogs.pop(name, None)
        if gone is not None:
            gone.close()

    def assign(self, branch: str, to: str) -> Ref:
        if branch == MAIN:
            raise UsageError(f"'{MAIN}' cannot be pointed elsewhere.", why="it is what production reads")
        with self._store.writing() as connection:
            _branch(connection, branch)
            target = _resolve(connection, to)
            # What becomes of the pointers meanwhile is no commit.
            connection.execute("update refs set open = '' where name = ?", (branch,))
            if is_hash(to):
                before, after = head_state(connection, branch), state_at(connection, target.hash)
                differing = {key for key, _ in before.items() ^ after.items()}
                set_state(connection, branch, {key: after.get(key) for key in differing})
            else:
                move_state(connection, to, branch)
            connection.execute("delete from checks where branch = ?", (branch,))
            connection.execute(
                "update refs set hash = ?, open = null, checked = null where name = ?", (target.hash, branch)
            )
        return Ref(branch, target.hash)

    def log(self, ref: str, limit: int = 50) -> list[Commit]:
        with self._store.reading() as connection:
            rows = connection.execute(
                """
                with recursive line (hash, depth) as (
                    select ?, 1
                    union all
                    select commits.parent, depth + 1 from line join commits using (hash)
                    where commits.parent is not null and depth < ?
                )
                select hash, message, committed_at from line join commits using (hash) order by depth
                """,
                (_resolve(connection, ref).hash, limit),
            ).fetchall()
            return [
                Commit(commit, message, datetime.fromtimestamp(seconds, UTC), _tables(connection, commit))
                for commit, message, seconds in rows
            ]

    def base(self, branch: str, onto: str = MAIN) -> str:
        with self._store.reading() as connection:
            return common_ancestor(
                connection, _resolve(connection, branch).hash, _resolve(connection, onto).hash
            )

    def entries(self, ref: str) -> dict[TableId, Entry]:
        with self._store.reading() as connection:
            state = _state(connection, _resolve(connection, ref))
        found = {}
        for key, value in state.items():
            if key.scope == "relation":
                table = TableId(key.schema, key.name)
                found[table] = Entry(table, "view" if value.type == "VIEW" else "table", value.value)
        return found

    def schemas(self, ref: str) -> set[str]:
        """All schemas at a ref, with or without tables."""
        with self._store.reading() as connection:
            return {key.schema for key in _state(connection, _resolve(connection, ref))}

    def relations(self, ref: str) -> Relations:
        """The schemas, tables and views at a ref; read-only at a commit's hash."""
        return Relations(ref, self._store_of(ref), self.folder)

    def iceberg(self, ref: str) -> RefCatalog:
        """The tables and views at a ref through PyIceberg; read-only at a commit's hash."""
        from .tables import RefCatalog

        store = self._store_of(ref)
        with self._lock:
            if ref not in self._catalogs:
                self._catalogs[ref] = RefCatalog(ref, store, self.folder)
            return self._catalogs[ref]

    def _store_of(self, ref: str) -> Store:
        """The database that has a ref's pointers under its name: for a commit, one in memory."""
        with self._store.reading() as connection:
            found = _resolve(connection, ref)
            if not is_hash(ref):
                return self._store
            if ref not in self._pinned:
                self._pinned[ref] = Store.pinned(ref, state_at(connection, found.hash))
            return self._pinned[ref]

    def merge(self, branch: str, into: str = MAIN, message: str = "") -> Ref:
        with self._store.writing() as connection:
            theirs, ours = _resolve(connection, branch), _branch(connection, into)
            base = common_ancestor(connection, theirs.hash, ours.hash)
            if base == theirs.hash:
                return ours
            merge = three_way(
                state_at(connection, base), _state(connection, ours), _state(connection, theirs)
            )
            if merge.conflicts:
                touched = [
                    last_touched(connection, side.hash, base, merge.conflicts) for side in (ours, theirs)
                ]
                raise MergeConflict(
                    branch, into, *({str(key): commit for key, commit in side.items()} for side in touched)
                )
            with one_commit(connection, into, message or f"merge {branch}", merged=theirs.hash):
                set_state(connection, into, merge.apply)
            return _branch(connection, into)

    def retract(self, commit: str, on: str = MAIN, message: str = "") -> Ref:
        with self._store.writing() as connection:
            made, ours = state_at(connection, commit), _branch(connection, on)
            undone = three_way(made, _state(connection, ours), state_before(connection, commit))
            # Schemas stay: others may have come to use them.
            if changed := sorted({str(key) for key in undone.conflicts if key.scope == "relation"}):
                raise RetractRefused(commit, on, changed)
            with one_commit(connection, on, message or f"retract {commit[:12]}"):
                set_state(
                    connection,
                    on,
                    {key: value for key, value in undone.apply.items() if key.scope == "relation"},
                )
            return _branch(connection, on)

    def record_checks(self, branch: str, results: Mapping[str, bool], *, replace: bool = False) -> None:
        with self._store.writing() as connection:
            _branch(connection, branch)
            if replace:
                connection.execute("delete from checks where branch = ?", (branch,))
            connection.executemany(
                "insert or replace into checks (branch, name, passed) values (?, ?, ?)",
                [(branch, name, passed) for name, passed in results.items()],
            )
            connection.execute("update refs set checked = hash where name = ?", (branch,))

    def checks(self, branch: str) -> Checks:
        with self._store.reading() as connection:
            _branch(connection, branch)
            rows = connection.execute(
                "select name, passed from checks where branch = ?", (branch,)
            ).fetchall()
            fresh = connection.execute(
                "select checked is hash from refs where name = ?", (branch,)
            ).fetchone()
        return Checks({name: bool(passed) for name, passed in rows}, not rows or bool(fresh[0]))

    def close(self) -> None:
        with self._lock:
            for catalog in self._catalogs.values():
                catalog.close()
            self._catalogs.clear()
        for store in (self._store, *self._pinned.values()):
            store.close()


def _resolve(connection: sqlite3.Connection, ref: str) -> Ref:
    column, table = ("hash", "commits") if is_hash(ref) else ("name", "refs")
    row = connection.execute(f"select hash from {table} where {column} = ?", (ref,)).fetchone()
    if row is None:
        known = connection.execute("select name from refs where name <> ?", (STAGING,)).fetchall()
        raise RefNotFound(ref, [name for (name,) in known])
    return Ref(ref, row[0])


def _branch(connection: sqlite3.Connection, name: str) -> Ref:
    if is_hash(name):
        raise UsageError(f"'{name}' is a commit, not a branch.", why="a commit never changes")
    return _resolve(connection, name)


def _state(connection: sqlite3.Connection, ref: Ref) -> State:
    if is_hash(ref.name):
        return state_at(connection, ref.hash)
    return head_state(connection, ref.name)


def _tables(connection: sqlite3.Connection, commit: str) -> tuple[TableId, ...]:
    rows = connection.execute(
        "select distinct schema, name from changes where hash = ? and scope = 'relation'", (commit,)
    )
    return tuple(sorted(TableId(*row) for row in rows))
