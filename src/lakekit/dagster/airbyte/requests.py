"""Which runs the syncs of a tick ask for."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from dagster import AssetKey, AssetSelection, RunRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph

    from .syncs import Sync

JOBS: Final = "lake/airbyte_jobs"
"""The tag of a run that names the Airbyte jobs which it was made for."""


def downstream(
    graph: BaseAssetGraph[Any], keys: Iterable[AssetKey], among: AssetSelection
) -> frozenset[AssetKey]:
    """All that can be built, of ``among``, and reads one of ``keys``, however far on."""
    known = [key for key in keys if graph.has(key)]
    if not known:
        return frozenset()
    below = AssetSelection.assets(*known).downstream(include_self=False)
    return frozenset((below & among).resolve(graph) & graph.materializable_asset_keys)


def never_built(
    graph: BaseAssetGraph[Any], models: frozenset[AssetKey], held: Collection[AssetKey], among: AssetSelection
) -> frozenset[AssetKey]:
    """The models that ``models`` read, however far back, and that are not in the lake.

    Without them nothing could be built in a new lake: two sources that share a mart would wait for each other for ever.
    """
    if not models:
        return frozenset()
    above = AssetSelection.assets(*models).upstream(include_self=False) & among
    return frozenset(
        key
        for key in above.resolve(graph) & graph.materializable_asset_keys
        if "dbt" in graph.get(key).kinds and key not in held
    )


def run_requests(syncs: Iterable[Sync], below: Callable[[Sync], frozenset[AssetKey]]) -> list[RunRequest]:
    """One run for all syncs that share a model, and one each for those that share none.

    So no two runs of a tick build the same table, and a check that fails keeps back only what has to do with it.
    """
    groups: list[tuple[list[Sync], frozenset[AssetKey]]] = []
    for sync in syncs:
        if not (models := below(sync)):
            continue
        sharing = [group for group in groups if group[1] & models]
        groups = [group for group in groups if group not in sharing]
        groups.append(
            (
                [*(one for members, _ in sharing for one in members), sync],
                models.union(*(models for _, models in sharing)),
            )
        )
    return [_request(members, models) for members, models in groups]


def _request(syncs: list[Sync], models: frozenset[AssetKey]) -> RunRequest:
    jobs = ",".join(str(id_) for id_ in sorted(sync.job.job_id for sync in syncs))
    names = dict.fromkeys(sync.connection.name for sync in syncs)
    return RunRequest(
        run_key=f"airbyte-{sha256(jobs.encode()).hexdigest()[:16]}",
        asset_selection=sorted(models),
        tags={JOBS: jobs, "lake/airbyte_connections": ",".join(names)},
    )
