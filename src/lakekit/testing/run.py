"""A test run in one process: the project, the stack if one is needed, and a lake session for each engine."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import LakekitError, ProjectError, StackFailed, UsageError
from ..lake import Lake
from ..naming import new_branch_name
from ..settings import Settings
from .harness import Harness
from .plugin import ENGINES, REPORTS
from .session import LakeSession

if TYPE_CHECKING:
    import pytest

    from ..lake import Branch
    from ..stack import Endpoints


_PACKAGE: Final = str(Path(__file__).parents[1])


class Run:
    """What the tests of one process share. ``stack`` is the folder of the run's own stack, which dies with ``owner``."""

    def __init__(self, config: pytest.Config, stack: str, owner: int) -> None:
        self._config = config
        self._stack = Path(stack)
        self._owner = owner
        self._sessions: dict[str, LakeSession] = {}
        self._failed: dict[str, LakekitError] = {}
        self._harnesses: dict[str, Harness] = {}
        self._of_main: Branch | None = None

    @property
    def engine(self) -> str:
        """The engine of tests that name none."""
        engine = self._option("engine") or "embedded"
        if engine not in ENGINES:
            raise UsageError(
                f"lake_engine = {engine}: there is no such engine.", why=f"they are: {', '.join(ENGINES)}"
            )
        return engine

    def session(self, engine: str) -> LakeSession:
        """The lake of this process on an engine."""
        if failed := self._failed.get(engine):
            raise failed
        if engine not in self._sessions:
            harness = self.harness(engine)
            try:
                self._sessions[engine] = LakeSession(harness.settings, harness, self.endpoints)
            except LakekitError as error:
                self._failed[engine] = error  # each test would wait for the same again
                raise
        return self._sessions[engine]

    def harness(self, engine: str) -> Harness:
        """The project's models on an engine."""
        if engine not in self._harnesses:
            settings = self.settings.but(engine=engine)
            if engine == "trino":
                settings = self._with_stack(settings)
            harness = Harness(settings, settings.project / ".lakekit" / "testing")
            if reports := self._config.pluginmanager.get_plugin(REPORTS):
                reports.watch(harness)
            self._harnesses[engine] = harness
        return self._harnesses[engine]

    def branch_of_main(self) -> Lake:
        """A branch of the project's own lake, with what has landed and been built there; one for the run."""
        if self._of_main is None:
            settings = self.harness(self.engine).settings
            self._of_main = Lake.over(settings).branch(new_branch_name("test"))
        return self._of_main

    def endpoints(self) -> Endpoints:
        """Where the services answer: the project's own, where they run, else ones that are started for this run."""
        from ..stack import stack_of

        settings = self._with_stack(self.settings)
        stack = stack_of(settings)
        if settings.stack != self._stack:
            return stack.endpoints()
        from ..stack import Stack

        assert isinstance(stack, Stack)
        return stack.up(ephemeral=True, owner=self._owner)

    def said_last(self, error: BaseException) -> list[tuple[str, str]]:
        """What a service said last, where a test failed because it ended; the next test starts it again."""
        session = self._sessions.get("trino")
        if session is None or isinstance(error, AssertionError):
            return []
        from ..stack import stack_of

        stack = stack_of(self._with_stack(self.settings))
        ended = [status.name for status in stack.status() if status.health != "ready"]
        session.ill = session.ill or bool(ended)
        return [(f"{name} ended; it said last", stack.tail(name)) for name in ended]

    def close(self) -> None:
        """Leave nothing behind but the stack, which others may be at."""
        with ExitStack() as closing:  # what fails keeps none of the others
            for session in self._sessions.values():
                closing.callback(session.close)
            if self._of_main:
                closing.callback(self._of_main.close)
                closing.callback(self._of_main.delete_branch, self._of_main.ref)

    @cached_property
    def settings(self) -> Settings:
        """The project's settings."""
        named = self._config.getini("lake_project")
        root = self._config.rootpath
        if named:
            return Settings.load(root / named)
        try:
            return Settings.load(root)
        except ProjectError:
            return Settings.load(Path(self._config.invocation_params.dir))

    @cached_property
    def _of_its_own(self) -> bool:
        """Whether the run needs a stack of its own: the project's is not up."""
        from ..stack import stack_of

        settings = self._with_backend
        if settings.backend == "remote":
            return False
        try:
            stack_of(settings).endpoints()
        except StackFailed:
            return True
        return False

    @cached_property
    def _with_backend(self) -> Settings:
        backend = self._option("backend") or self.settings.backend
        return self.settings.but(backend=backend)

    def _with_stack(self, settings: Settings) -> Settings:
        given: dict[str, Any] = {"backend": self._with_backend.backend}
        if self._of_its_own:
            given["stack"] = self._stack
        return settings.but(**given)

    def _option(self, name: str) -> str:
        return str(self._config.getoption(f"lake_{name}") or self._config.getini(f"lake_{name}"))


def shorten(error: BaseException) -> bool:
    """Leave of an error's traceback what its reader can do something about: one of lakekit's says itself what and why.

    Whether there is nothing: it came up in a fixture of lakekit's own.
    """
    if not isinstance(error, LakekitError):
        return False
    error.__cause__, error.__suppress_context__ = None, True
    at = error.__traceback__
    while at is not None:
        if at.tb_next and at.tb_next.tb_frame.f_code.co_filename.startswith(_PACKAGE):
            at.tb_next = None  # what follows, be it of a library, is lakekit's doing
            return str(at.tb_frame.f_globals.get("__name__", "")).startswith("_pytest.")
        at = at.tb_next
    return False


def remove_stack(folder: str) -> None:
    """Stop the stack of a run, and remove all that it kept."""
    from ..stack import Stack

    Stack(Path(folder)).down()
    shutil.rmtree(folder, ignore_errors=True)
