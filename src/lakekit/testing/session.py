"""The lake of a test run, and a branch of it for each test: taken, and pointed back afterwards.

Making a branch is cheap, but what an engine holds for one is not: Trino's catalog, DuckDB's session. So each worker has
one branch for its tests, which is pointed at the run's lake again before each of them.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..errors import StackFailed
from ..lake import Lake
from ..naming import MAIN, new_branch_name, quote
from .lake import LakeUnderTest
from .story import Place, Story

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..settings import Settings
    from .harness import Harness


_PREFIX: Final = "lakekit-test-lake-"


class LakeSession:
    """The lake of one worker. ``settings`` say where; on Trino it shares a catalog with others, and has a branch as main.

    ``heal`` brings back the services that it needs. What is done to ``main`` every later test starts from.
    """

    def __init__(self, settings: Settings, harness: Harness, heal: Callable[[], object]) -> None:
        self._settings = settings
        self._harness = harness
        self._heal = heal
        self._open()

    def _open(self) -> None:
        if self._settings.engine == "embedded":
            _sweep()
            self._folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
            self._lake = self._embedded()
        else:
            self._heal()
            self._lake = Lake.over(self._settings)
        # A branch, for main cannot be pointed elsewhere where a build has to be taken back.
        name = self._lake.catalog.create_branch(new_branch_name("test"), at=self._first()).name
        root = Lake(self._lake.settings, self._lake.catalog, self._lake.engine, name, name)
        self.main = LakeUnderTest(root, self._harness, Story(), Place())
        self.ill = False
        """Whether a service was found to have ended."""
        self._slot = ""
        self._base = ""
        self._seen = -1
        try:
            self._make_schemas()
        except BaseException:
            self.close()
            raise

    def take(self, test: Place) -> LakeUnderTest:
        """A lake for a test, as ``main`` is now; where services had ended, on ones that were started anew.

        Raises ``StackFailed`` where they cannot be, or ``main`` held something, which is gone with them.
        """
        try:
            if not self.ill:
                return self._take(test)
        except StackFailed:
            self.ill = True
        if self.main.touched:
            raise StackFailed(
                "The lake of the session is gone: a service that held it ended.",
                todo="look at what the failed test before this one says of it, and run again",
            )
        self.close()
        self._open()
        return self._take(test)

    def give_back(self, lake: LakeUnderTest) -> list[str]:
        """Forget what a test did, and return the branches that it left behind; they are deleted."""
        left = set(lake.branches)
        if self._settings.engine == "embedded":  # no one else makes branches there
            left |= {ref.name for ref in lake.catalog.refs()} - {MAIN, self.main.ref, self._slot}
            left -= self.main.branches
        for name in sorted(left):
            try:
                lake.delete_branch(name)
            except StackFailed:
                self.ill = True  # and what was in them is gone
                break
        return sorted(left)

    def close(self) -> None:
        """Leave nothing behind."""
        try:
            if self._settings.engine != "embedded":
                for name in filter(None, (*self.main.branches, self._slot, self.main.ref)):
                    self.main.delete_branch(name)
        except StackFailed:
            pass  # gone with the services
        finally:
            self._lake.close()
            if self._settings.engine == "embedded":
                shutil.rmtree(self._folder, ignore_errors=True)

    def _take(self, test: Place) -> LakeUnderTest:
        catalog = self._lake.catalog
        if not self._slot:
            made = catalog.create_branch(new_branch_name("test"), at=self.main.ref)
            self._slot = made.name
            self._base, self._seen = made.hash, self.main.touched
        elif self._seen != self.main.touched:
            self._base = catalog.assign(self._slot, self.main.ref).hash
            self._seen = self.main.touched
        else:
            catalog.assign(self._slot, self._base)
        # To the test it is main: there is nothing that it could be published into.
        at = Lake(self._lake.settings, catalog, self._lake.engine, self._slot, self._slot)
        taken = LakeUnderTest(at, self._harness, self.main.story.copy(), test)
        taken.now = self.main.now
        return taken

    def _embedded(self) -> Lake:
        from ..catalog.embedded import EmbeddedCatalog
        from ..engine.duckdb import DuckDBEngine

        catalog = EmbeddedCatalog(self._folder)
        settings = self._settings.but(lake=self._folder)
        return Lake(settings, catalog, DuckDBEngine(catalog, self._harness.kept.plans))

    def _first(self) -> str:
        """The oldest commit of main, where nothing but schemas had been made: no test sees what others have landed."""
        commits = self._lake.catalog.log(MAIN, 10**9)
        return commits[-1].hash if commits else MAIN

    def _make_schemas(self) -> None:
        from ..catalog.embedded import EmbeddedCatalog

        catalog, schemas = self._lake.catalog, {model.schema for model in self.main.graph.models.values()}
        for schema in sorted(schemas):
            if not isinstance(catalog, EmbeddedCatalog):
                Lake.sql(self.main, f"create schema if not exists {quote(schema)}")
            elif schema not in catalog.schemas(
                self.main.ref
            ):  # without a DuckDB at main, which few tests ask anything
                catalog.relations(self.main.ref).create_schema(schema)


def _sweep() -> None:
    """Remove the lakes of processes that were killed before they could."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not _lives(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another user's
    return True
