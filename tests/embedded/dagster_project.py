"""A scaffolded project with a small shop landed, copied for each test, and its definitions."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from lakekit import Lake
from lakekit.dbt.prepared import prepared
from lakekit.demo.shop import Shop
from lakekit.scaffold import new

from ..landing import land

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from dagster import Definitions

SHOP = Shop(seed=5, orders=80)


def make(folder: Path) -> Path:
    """A project whose bronze is what the first sync of either source brought, on main; dbt has parsed it."""
    project = new(folder)
    with Lake.connect(project) as lake:
        land(lake, SHOP, 1)
        prepared(lake.settings)  # what is copied of it need not be parsed again
    return project


def load(project: Path, monkeypatch: pytest.MonkeyPatch) -> Definitions:
    """What ``dagster dev`` loads; each project's package is called the same."""
    monkeypatch.syspath_prepend(project)
    for name in [name for name in sys.modules if name.partition(".")[0] == "orchestration"]:
        monkeypatch.delitem(sys.modules, name)
    definitions: Definitions = import_module("orchestration.definitions").definitions
    return definitions
