"""A build in a thread of its own, whose nodes are taken one by one as dbt finishes them."""

from __future__ import annotations

import ctypes
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from .runner import BuildReport, Node

    Build = Callable[[Callable[[Node, int], None]], BuildReport]

_AGAIN: Final = 0.2


def stream(build: Build) -> Generator[tuple[Node, int], None, BuildReport]:
    """Run ``build`` with its ``on_node``, yield each node as it finishes and how many there are in all; return the report.

    Raises what the build does. Where the caller is interrupted or gives up, dbt stops as Ctrl-C stops it: what runs is
    cancelled where the engine can, and what waits is not begun.
    """
    finished: SimpleQueue[tuple[Node, int] | None] = SimpleQueue()
    outcome: Future[BuildReport] = Future()

    def run() -> None:
        try:
            outcome.set_result(build(lambda node, total: finished.put((node, total))))
        except BaseException as error:  # noqa: BLE001 # raised again where the nodes are taken
            outcome.set_exception(error)
        finally:
            finished.put(None)

    # A process that is ending does not wait for dbt.
    thread = Thread(target=run, name="dbt", daemon=True)
    thread.start()
    try:
        while (one := finished.get()) is not None:
            yield one
    except BaseException:
        _stop(thread)
        raise
    return outcome.result()


def _stop(thread: Thread) -> None:
    """Interrupt dbt where it waits for its workers, and cancel what they run, as often as they begin something else."""
    from dbt.adapters.factory import FACTORY

    assert thread.ident
    # No signal reaches a thread, and dbt has no other way to be told.
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident), ctypes.py_object(KeyboardInterrupt)
    )
    while thread.is_alive():
        adapters: list[Any] = list(FACTORY.adapters.values())
        for adapter in adapters:
            if adapter.is_cancelable():
                with adapter.connection_named("stop"):
                    adapter.cancel_open_connections()
        thread.join(_AGAIN)
