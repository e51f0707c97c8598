"""dbt's own tests as pytest items: one each, with its own outcome and duration, and the project parsed once.

Data tests look at the project's lake as it is, on a branch of main. Unit tests need no data: they run on a test's lake,
where what their model reads is built of nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from ..errors import LakekitError, UsageError
from ..naming import quote
from .plugin import run_of
from .story import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..dbt.parsed import Check
    from ..dbt.runner import Node

_ROWS_SHOWN = 5


def is_tested(file: Path, config: pytest.Config) -> bool:
    """Whether a ``dbt_project.yml`` is that of the project whose tests are run."""
    try:
        return file.parent.resolve() == run_of(config).settings.dbt.resolve()
    except LakekitError:
        return True  # to be told when its tests are collected


class DbtProject(pytest.File):
    """A ``dbt_project.yml``, whose tests are its items."""

    @override
    def collect(self) -> Iterator[DbtTest]:
        try:
            run = run_of(self.config)
            checks = run.harness(run.engine).checks(run.session(run.engine).main)
        except LakekitError as error:
            raise self.CollectError(str(error)) from error
        for check in sorted(checks, key=lambda check: (check.kind, check.name)):
            yield DbtTest.from_parent(self, name=check.name, check=check)


class DbtTest(pytest.Item):
    """A data test or a unit test."""

    def __init__(self, check: Check, **more: Any) -> None:
        super().__init__(**more)
        self._check = check
        self.add_marker("dbt_unit_test" if check.kind == "unit_test" else "dbt_data_test")

    @override
    def runtest(self) -> None:
        node = self._run_unit_test() if self._check.kind == "unit_test" else self._run_data_test()
        if not node.ok:
            raise _CheckFailed(node.message)
        if node.status == "warn":
            self.warn(pytest.PytestWarning(f"{node.name}: {node.message}"))

    @override
    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, (_CheckFailed, LakekitError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    @override
    def reportinfo(self) -> tuple[Any, int | None, str]:
        return run_of(self.config).settings.dbt / self._check.file, None, self.name

    def _run_unit_test(self) -> Node:
        run = run_of(self.config)
        session = run.session(run.engine)
        lake = session.take(Place(self.nodeid, self.path, self.name))
        try:
            lake.prepare(self._check.models)
            return run.harness(run.engine).check(lake, self._check)
        finally:
            session.give_back(lake)

    def _run_data_test(self) -> Node:
        run = run_of(self.config)
        lake, harness = run.branch_of_main(), run.harness(run.engine)
        there, models = lake.catalog.entries(lake.ref), harness.graph(lake).models
        read = [models[name] for name in self._check.models if name in models]
        if missing := [one.name for one in read if one.materialized != "ephemeral" and one.id not in there]:
            raise UsageError(
                f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not in the lake.",
                why="a data test looks at the project's own lake, at main, and there it has not been built",
                todo="build it first: lakekit build",
            )
        node = harness.check(lake, self._check)
        if node.ok:
            return node
        try:
            rows = lake.sql(
                f"select * from (\n{node.query}\n) as {quote('failing')} limit {_ROWS_SHOWN}"
            ).rows()
        except LakekitError:
            return node  # what failed is told all the same
        shown = "\n".join(f"  {row}" for row in rows)
        raise _CheckFailed(f"{node.message}\n{shown}\n{node.query}")


class _CheckFailed(Exception):
    """A test found rows that should not be there, or others than it expected."""
