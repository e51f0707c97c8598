"""Lakes for tests of models as the pytest plugin hands them out, without pytest."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lakekit.settings import Settings
from lakekit.testing.harness import Harness
from lakekit.testing.lake import Place
from lakekit.testing.session import LakeSession

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lakekit.testing.lake import LakeUnderTest


class Worker:
    """One test process: its session, whose lakes start empty, and whether it has had to ask dbt."""

    def __init__(self, session: LakeSession, harness: Harness) -> None:
        self.session = session
        self.harness = harness

    @property
    def asked_dbt(self) -> bool:
        return "_models" in vars(self.harness)

    def lake(self, **of: Any) -> LakeUnderTest:
        return self.session.take(Place(**of))


class Dbt(Harness):
    """A harness that lets dbt build everything."""

    @property
    def _recordings(self) -> Any:
        return self

    def get(self, _: str) -> None: ...

    def add(self, *_: object) -> None: ...


@contextmanager
def worker(
    project: Path, cache: Path | None = None, *, of: type[Harness] = Harness, **variables: Any
) -> Iterator[Worker]:
    """A process that tests the models of a project; what it learns stays in ``cache``."""
    settings = Settings.load(project)
    harness = of(settings, cache or project / ".lakekit" / "testing", variables)
    session = LakeSession(settings, harness, lambda: None)
    try:
        yield Worker(session, harness)
    finally:
        session.close()


def contents(lake: LakeUnderTest, *models: str) -> dict[str, Any]:
    """The schema and, in an order of their own, the rows of models; of all that are there, if none is named."""
    there = {entry.id for entry in lake.catalog.entries(lake.ref).values()}
    names = models or [name for name, model in lake.graph.models.items() if model.id in there]
    return {
        name: (str(lake.schema(lake.graph.models[name].id, name)), sorted(map(repr, lake.rows(name))))
        for name in names
    }
