"""LK8: what runs on both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...trino_functions import REFUSED
from ..findings import Problem
from ..registry import rule
from ..sql import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..facts import Facts
    from ..subjects import Model


@rule("LK801")
def refused_by_the_embedded_engine(model: Model, facts: Facts) -> Iterator[Problem]:
    """A model calls no function that the embedded engine refuses.

    It would run on Trino alone, and could not be tested without services. The message says what to write instead, where
    something does.
    """
    if REFUSED.keys().isdisjoint(model.sql.called):
        return
    for name, start, end in names(model.text):
        if name in REFUSED:
            instead = f": {REFUSED[name]}" if REFUSED[name] else ""
            yield Problem(f"the embedded engine has no {name}(){instead}", start, end)
