"""The embedded catalog against a model of git's three-way merge in plain dictionaries."""

from __future__ import annotations

import shutil
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from lakekit.catalog.embedded import EmbeddedCatalog
from lakekit.catalog.protocol import TableId
from lakekit.errors import MergeConflict

State = dict[TableId, str]

TABLES = st.sampled_from([TableId("shopify", name) for name in ("customers", "orders", "products")])
# Few different contents, so that two sides often come to the same one, and a table back to what it was.
CONTENTS = st.sampled_from(["select 1 as a", "select 2 as a", "select 3 as a"])


class CatalogMachine(RuleBasedStateMachine):
    """Views stand for all relations: their pointers are told by their content, which a model can follow."""

    branches = Bundle("branches")

    @initialize(target=branches)
    def open(self) -> str:
        self.folder = Path(tempfile.mkdtemp())
        self.catalog = EmbeddedCatalog(self.folder)
        self.catalog.iceberg("main").create_namespace("shopify")
        self.names = (f"branch-{n}" for n in count())
        # For each branch its commits, oldest first, as the catalog names them; for each commit its state.
        self.heads = {"main": self.catalog.ref("main").hash}
        self.states: dict[str, State] = {self.heads["main"]: {}}
        self.parents: dict[str, list[str]] = {self.heads["main"]: []}
        return "main"

    def teardown(self) -> None:
        if hasattr(self, "catalog"):
            self.catalog.close()
            shutil.rmtree(self.folder)

    @rule(target=branches, source=branches)
    def branch(self, source: str) -> str:
        name = next(self.names)
        assert self.catalog.create_branch(name, at=source).hash == self.heads[source]
        self.heads[name] = self.heads[source]
        return name

    @rule(target=branches, data=st.data())
    def branch_off_an_old_commit(self, data: st.DataObject) -> str:
        # In the order of their making: sorted by their hashes, which are random, the same choice would be another
        # commit when the example is run again, and Hypothesis gives up on what differs from run to run.
        commit = data.draw(st.sampled_from(list(self.states)))
        name = next(self.names)
        self.catalog.create_branch(name, at=commit)
        self.heads[name] = commit
        return name

    @rule(branch=branches, table=TABLES, content=CONTENTS)
    def put(self, branch: str, table: TableId, content: str) -> None:
        before = self.states[self.heads[branch]]
        assert self.catalog.iceberg(branch).put_view(table, content) == (before.get(table) != content)
        if before.get(table) != content:
            self._commit(branch, before | {table: content})

    @rule(branch=branches, table=TABLES)
    def drop(self, branch: str, table: TableId) -> None:
        before = self.states[self.heads[branch]]
        if table in before:
            self.catalog.iceberg(branch).drop_view((table.schema, table.name))
            self._commit(branch, {name: value for name, value in before.items() if name != table})

    @rule(branch=branches, into=branches)
    def merge(self, branch: str, into: str) -> None:
        theirs, ours = self.heads[branch], self.heads[into]
        base = self._base(theirs, ours)
        assert self.catalog.base(branch, into) == base
        if base == theirs:
            assert self.catalog.merge(branch, into).hash == ours
            return
        merged, conflicts = _three_way(self.states[base], self.states[ours], self.states[theirs])
        if conflicts:
            with pytest.raises(MergeConflict) as caught:
                self.catalog.merge(branch, into)
            assert caught.value.tables == sorted(map(str, conflicts))
            assert caught.value.ours.keys() == caught.value.theirs.keys()
        else:
            assert self.catalog.merge(branch, into).name == into
            self._commit(into, merged, theirs)

    @rule(branch=consumes(branches).filter(lambda name: name != "main"))
    def delete(self, branch: str) -> None:
        if branch in self.heads:
            self.catalog.delete_branch(branch)
            del self.heads[branch]

    @rule()
    def open_again(self) -> None:
        self.catalog.close()
        self.catalog = EmbeddedCatalog(self.folder)

    @invariant()
    def every_ref_and_every_commit_reads_as_the_model_says(self) -> None:
        if not hasattr(self, "catalog"):
            return
        assert {ref.name: ref.hash for ref in self.catalog.refs()} == self.heads
        for ref, commit in [*self.heads.items(), *((commit, commit) for commit in self.states)]:
            assert self._read(ref) == self.states[commit]

    def _commit(self, branch: str, state: State, *merged: str) -> None:
        commit = self.catalog.ref(branch).hash
        assert commit not in self.states
        self.parents[commit] = [self.heads[branch], *merged]
        self.heads[branch] = commit
        self.states[commit] = state

    def _read(self, ref: str) -> dict[TableId, Any]:
        catalog = self.catalog.iceberg(ref)
        entries = self.catalog.entries(ref)
        assert all(entry.kind == "view" for entry in entries.values())
        return {
            table: catalog.load_view((table.schema, table.name)).current_version().representations[0].root.sql
            for table in entries
        }

    def _ancestors(self, commit: str) -> set[str]:
        found, todo = set(), [commit]
        while todo:
            if (one := todo.pop()) not in found:
                found.add(one)
                todo += self.parents[one]
        return found

    def _base(self, one: str, other: str) -> str:
        order = list(self.states)
        return max(self._ancestors(one) & self._ancestors(other), key=order.index)


def _three_way(base: State, ours: State, theirs: State) -> tuple[State, set[TableId]]:
    merged, conflicts = {}, set()
    for table in base.keys() | ours.keys() | theirs.keys():
        before, our, their = base.get(table), ours.get(table), theirs.get(table)
        if our != before and their != before and our != their:
            conflicts.add(table)
        result = their if our == before else our
        if result is not None:
            merged[table] = result
    return merged, conflicts


CatalogMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestEmbeddedCatalog = CatalogMachine.TestCase
