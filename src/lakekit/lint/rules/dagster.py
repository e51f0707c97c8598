"""LK6: what Dagster must know of the models."""

from __future__ import annotations

import os
from bisect import bisect
from typing import TYPE_CHECKING

from ...naming import Layer
from ..findings import Edit, Fix, Problem
from ..registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..facts import Facts
    from ..subjects import Model, Python


@rule("LK601", layer=Layer.CORE)
def source_without_assets(model: Model, facts: Facts, *, file: str = "{source}.py") -> Iterator[Problem]:
    """Each source's folder in core has its Python beside the models, with ``@dbt_assets``: ``core/<source>/<source>.py``.

    It is told once a folder, at the first model. ``file`` is its name, for a team with another.
    """
    if not facts.assets.present:
        return
    convention = facts.conventions.layers[Layer.CORE]
    depth = next((index for index, one in enumerate(model.folders) if one in convention.folders), None)
    if depth is None or depth + 1 == len(model.folders):
        return
    source = model.folders[depth + 1]
    folder = model.path
    for _ in model.folders[depth + 1 :]:
        folder = os.path.dirname(folder)
    name = file.replace("{source}", source)
    path = os.path.join(folder, name)
    if facts.assets.has_selection(path) or _first_below(folder, facts) != model.path:
        return
    what = f"{name} has no @dbt_assets" if os.path.exists(path) else f"there is no {name} with @dbt_assets"
    yield Problem(f"'{source}' is not in Dagster: {what}")


@rule("LK602")
def outside_of_dagster(model: Model, facts: Facts) -> Iterator[Problem]:
    """Some ``@dbt_assets`` selects each model: what none selects is never built.

    Their ``select`` and ``exclude`` are read as dbt reads them. Where one cannot be told without running it, nothing is said of
    what it may select. Ephemeral and disabled models are no assets.
    """
    if (
        facts.assets.present
        and facts.assets.misses(model)
        and model.config("materialized") != "ephemeral"
        and model.config("enabled") in (None, True)
    ):
        yield Problem(f"no @dbt_assets selects '{model.name}'")


@rule("LK603")
def python_for_dbt(file: Python, facts: Facts) -> Iterator[Problem]:
    """Python beside the models is in ``.dbtignore``, unless it is a model of dbt's: dbt takes it for one, and fails.

    ``--fix`` adds ``**/*.py``, or the file alone where the project has Python models.
    """
    if file.path in facts.files.python or facts.assets.is_model(file.path):
        return
    ignore = os.path.join(facts.folder, ".dbtignore")
    line = _pattern(file.path[len(facts.folder) + 1 :])
    if not any(map(facts.assets.is_model, facts.files.python_models)):
        line = "**/*.py"
    text = facts.text(ignore)
    end = "\r\n" if "\r\n" in text else "\n"
    before = end if text and not text.endswith("\n") else ""
    edit = Edit(ignore, len(text), len(text), f"{before}{line}{end}")
    readable = not os.path.exists(ignore) or not facts.broken(ignore)
    fix = Fix(f"add {line} to .dbtignore", (edit,)) if readable else None
    yield Problem("dbt takes this for a Python model: .dbtignore does not have it", fix=fix)


def _first_below(folder: str, facts: Facts) -> str:
    return facts.files.models[bisect(facts.files.models, folder + os.sep)]


def _pattern(path: str) -> str:
    """A line of ``.dbtignore`` that means one file."""
    escaped = "".join(f"\\{sign}" if sign in "*?[\\" else sign for sign in path.replace(os.sep, "/"))
    return f"/{escaped}"
