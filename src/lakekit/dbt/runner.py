"""Running ``dbt build`` in this process: what it did, node by node, as data."""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Lock, current_thread, main_thread
from typing import TYPE_CHECKING, Any, Final

from ..errors import BuildFailed, MissingExtra, ProjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

    from ..engine.protocol import DbtTarget

PACKAGE: Final = Path(__file__).parent / "package"
"""The dbt package with lakekit's macros."""

_CHECK_KINDS: Final = frozenset({"test", "unit_test"})
_FINE: Final = frozenset({"success", "pass", "warn", "no-op", "reused"})

# dbt keeps its flags, adapters and event bus in globals, and reads the environment when it is invoked.
_one_invocation = Lock()


@dataclass(frozen=True, slots=True)
class Node:
    """What became of one model, test, seed or snapshot."""

    name: str
    kind: str
    status: str
    seconds: float
    message: str = ""
    schema: str = ""
    query: str = ""
    """What dbt ran for it, in Trino SQL: of a data test, the rows that fail."""
    reads: tuple[str, ...] = ()
    """The sources that it reads itself: ``shopify.orders``."""
    selects: tuple[str, ...] = ()
    """The models that it selects from itself."""
    id: str = ""
    """dbt's unique id, where dbt ran it."""

    @property
    def label(self) -> str:
        """Its name among all of a project: unit tests of several models may be called the same."""
        return self.id.split(".", 2)[2] if self.kind == "unit_test" else self.name

    @property
    def is_check(self) -> bool:
        return self.kind in _CHECK_KINDS

    @property
    def ok(self) -> bool:
        return self.status in _FINE


@dataclass(frozen=True, slots=True)
class BuildReport:
    """A finished build: its nodes in the order in which they finished, and how long it all took (seconds)."""

    nodes: tuple[Node, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        return all(node.ok for node in self.nodes)

    @property
    def checks(self) -> dict[str, bool]:
        """Every data test and unit test that was due: its name, and whether all that are called so passed."""
        found: dict[str, bool] = {}
        for node in self.nodes:
            if node.is_check:
                found[node.name] = node.ok and found.get(node.name, True)
        return found

    @property
    def failures(self) -> list[Node]:
        """What failed by itself; what was skipped on its account is left out."""
        return [node for node in self.nodes if not node.ok and node.status != "skipped"]


def build(
    project: Path,
    target: DbtTarget,
    select: str = "",
    *,
    exclude: str = "",
    full_refresh: bool = False,
    only_named: bool = False,
    manifest: Any = None,
    on_node: Callable[[Node, int], None] | None = None,
) -> BuildReport:
    """Run ``dbt build`` on the dbt project in the folder ``project`` against ``target``.

    ``select`` and ``exclude`` are dbt's selection syntax, space-separated; empty for everything and nothing. With
    ``only_named`` no test runs that is not selected itself. With a ``manifest`` dbt does not parse the project again.
    ``on_node`` is called with each node as it finishes and how many there are in all, from dbt's threads.
    Failed nodes are in the report, not raised.

    Raises ``ProjectError`` if there is no dbt project, ``BuildFailed`` if dbt cannot run it at all or the
    selection matches nothing, and ``KeyboardInterrupt`` if it was interrupted.
    """
    require_project(project)
    arguments = [
        "build",
        *("--project-dir", str(project), "--profiles-dir", str(project), "--target", target.name),
        # A read-only or shared project folder must not stop a build; the log is the report.
        *(
            "--log-level-file",
            "none",
            "--log-level",
            "none",
            "--no-version-check",
            "--no-send-anonymous-usage-stats",
        ),
        *(["--select", *select.split()] if select else []),
        *(["--exclude", *exclude.split()] if exclude else []),
        # The report says it all: artifacts are written by whoever needs them.
        "--no-write-json",
        *(["--full-refresh"] if full_refresh else []),
        *(["--indirect-selection", "empty"] if only_named else []),
    ]
    link_package(project)
    started = time.monotonic()
    with _one_invocation, _interrupt_kept(), environment(target.env), working_directory_kept():
        runner = _runner_class()(
            manifest=manifest, callbacks=[_listener(on_node, manifest)] if on_node else []
        )
        outcome = runner.invoke(arguments)
    if outcome.result is None or not hasattr(outcome.result, "results"):
        raise BuildFailed("dbt could not build the project.", why=_reason(outcome.exception))
    nodes = tuple(_node(result) for result in outcome.result.results)
    if not nodes:
        raise BuildFailed(
            f"No model or test matches '{select}'." if select else "There are no models to build.",
            todo="name models as `dbt ls` prints them, e.g. int_shopify__orders+",
        )
    return BuildReport(nodes, time.monotonic() - started)


def require_project(project: Path) -> None:
    """Raise ``ProjectError`` where there is no dbt project in the folder ``project``."""
    if not (project / "dbt_project.yml").is_file():
        raise ProjectError(
            f"There is no dbt project in {project}.",
            why="it has no dbt_project.yml",
            todo="set `dbt` in lakekit.toml to the folder that has one",
        )


def link_package(project: Path) -> None:
    """Make lakekit's macros a package of the dbt project, at the version that is installed."""
    place = project / "dbt_packages" / "lakekit"
    if place.is_symlink() and place.resolve() == PACKAGE.resolve():
        return
    try:
        place.parent.mkdir(exist_ok=True)
        if place.is_symlink():
            place.unlink(missing_ok=True)
        elif place.exists():
            shutil.rmtree(place)
        # Another process may have made the very same link in the meantime.
        with suppress(FileExistsError):
            place.symlink_to(PACKAGE, target_is_directory=True)
    except OSError as error:
        raise ProjectError(
            f"lakekit's macros cannot be linked to {place}.",
            why=error.strerror or str(error),
            todo="let it be written there, or run `lakekit build` once where it may",
        ) from error


def _runner_class() -> Any:
    try:
        return import_module("dbt.cli.main").dbtRunner
    except ModuleNotFoundError as error:
        raise MissingExtra("duckdb", error.name or "dbt") from error


def _reason(exception: BaseException | None) -> str:
    if exception is None:
        return "dbt gave no reason"
    return str(exception).strip() or type(exception).__name__


def _node(result: Any) -> Node:
    node = result.node
    return Node(
        id=node.unique_id,
        name=node.name,
        kind=str(node.resource_type),
        status=str(result.status),
        seconds=float(result.execution_time),
        message=(result.message or "").strip(),
        schema=getattr(node, "schema", "") or "",
        query=_query(node),
        # Others have no sources, or raise when they are asked for them.
        reads=tuple(".".join(source) for source in node.sources) if node.resource_type == "model" else (),
        selects=tuple(ref.name for ref in node.refs) if node.resource_type == "model" else (),
    )


def _query(node: Any) -> str:
    return (getattr(node, "compiled_code", "") or "").strip()


def _listener(on_node: Callable[[Node, int], None], manifest: Any) -> Callable[[Any], None]:
    total = 0

    def listen(event: Any) -> None:
        nonlocal total
        if event.info.name == "LogStartLine":
            total = event.data.total
        if event.info.name == "NodeFinished":
            info, outcome = event.data.node_info, event.data.run_result
            on_node(
                Node(
                    id=info.unique_id,
                    name=info.node_name,
                    kind=info.resource_type,
                    status=outcome.status,
                    seconds=float(outcome.execution_time),
                    message=outcome.message.strip(),
                    schema=info.node_relation.schema,
                    query=_query(manifest.nodes.get(info.unique_id)) if manifest else "",
                ),
                total,
            )

    return listen


@contextmanager
def environment(variables: Mapping[str, str | None]) -> Iterator[None]:
    """Variables of the environment set, or with None unset, for as long as the block lasts."""
    before = {name: os.environ.get(name) for name in variables}
    _set(variables)
    try:
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextmanager
def _interrupt_kept() -> Iterator[None]:
    """dbt makes a result of an interrupt, and loses it in places: whatever it does, the block ends in one."""
    if current_thread() is not main_thread():  # where no signal arrives
        yield
        return
    came = False
    handler = signal.getsignal(signal.SIGINT)

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if came:
        raise KeyboardInterrupt


@contextmanager
def working_directory_kept() -> Iterator[None]:
    """dbt changes into the project's folder and stays there."""
    before = Path.cwd()
    try:
        yield
    finally:
        os.chdir(before)
