"""LK3: how models are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..configuring import configured
from ..findings import Problem
from ..jinja import DYNAMIC
from ..registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..facts import Facts
    from ..subjects import Model

_MERGE: Final = "lakekit_merge"


@rule("LK301")
def materialized_by_layer(model: Model, facts: Facts) -> Iterator[Problem]:
    """Staging models are views, core models incremental, marts tables.

    Read from the model, its properties, or ``dbt_project.yml``. A layer's materializations are ``lint.<layer>.materialized``.
    ``--fix`` writes the first of them into the model's config().
    """
    if model.layer is None:
        return
    wanted = facts.conventions.layers[model.layer].materialized
    kept = model.config("materialized") or "view"
    if kept is not DYNAMIC and kept not in wanted:
        yield Problem(
            f"'{model.name}' ({model.layer}) is materialized as {kept}, not as {' or '.join(wanted)}",
            *_place(model, "materialized"),
            fix=configured(model, "materialized", wanted[0]),
        )


@rule("LK302")
def incremental_without_key(model: Model, facts: Facts) -> Iterator[Problem]:
    """An incremental model has a ``unique_key``: without one, each build adds its rows again.

    ``incremental_strategy: append`` says that this is meant.
    """
    if model.config("materialized") != "incremental" or model.config("incremental_strategy") == "append":
        return
    if model.config("unique_key") in (None, "", []):
        yield Problem(f"'{model.name}' is incremental and has no unique_key", *_place(model, "materialized"))


@rule("LK303")
def incremental_strategy(
    model: Model, facts: Facts, *, strategies: tuple[str, ...] = (_MERGE, "merge")
) -> Iterator[Problem]:
    """An incremental model merges by one of the strategies that are agreed on.

    Without ``incremental_strategy`` the adapter chooses, and dbt-trino chooses append. ``--fix`` writes the first of the
    strategies that dbt or a macro of the project knows into the model's config().
    """
    if model.config("materialized") != "incremental":
        return
    strategy = model.config("incremental_strategy")
    if strategy is not DYNAMIC and strategy not in strategies:
        said = f"merges by '{strategy}', not" if strategy else "says no incremental_strategy:"
        known = next((one for one in strategies if facts.has_strategy(one)), None)
        yield Problem(
            f"'{model.name}' {said} {' or '.join(strategies)}",
            *_place(model, "incremental_strategy"),
            fix=configured(model, "incremental_strategy", known) if known else None,
        )


@rule("LK304")
def merge_without_cursor(model: Model, facts: Facts) -> Iterator[Problem]:
    """A model that merges by ``lakekit_merge`` says which column tells the newer row: ``merge_cursor``.

    Without it, an older batch that arrives late overwrites what is newer.
    """
    merges = model.config("materialized") == "incremental" and model.config("incremental_strategy") == _MERGE
    if merges and model.config("merge_cursor") in (None, ""):
        yield Problem(f"'{model.name}' merges and has no merge_cursor", *_place(model, "unique_key"))


def _place(model: Model, key: str) -> tuple[int, int]:
    """Where a model configures ``key``, or anything; else the whole file."""
    calls = model.sql.configurations
    best = next((call for call in calls if key in call.values), calls[0] if calls else None)
    return (best.start, best.end) if best else (0, 0)
