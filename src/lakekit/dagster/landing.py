"""Bronze as assets that land: a source's connector, run by Dagster."""

# Dagster looks at annotations itself: of what it calls they are no texts.
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from dagster import AssetExecutionContext, AssetsDefinition, AssetSpec, MaterializeResult, multi_asset

from ..catalog.protocol import TableId
from ..errors import LandingFailed
from ..lake import Lake
from ..landing import ConfiguredCatalog, connector, referenced_catalog
from ..naming import MAIN
from ..settings import Settings
from .keys import asset_key, table_id
from .refs import BRANCH, LANDS, REF
from .resources import at_run
from .tables import of_table

if TYPE_CHECKING:
    from ..landing import LandingReport, Progress

_SECONDS_A_WORD: Final = 10.0


def landing_assets(
    project: Path | str,
    source: str,
    command: Sequence[str],
    *,
    catalog: Path | Mapping[str, Any] | None = None,
) -> AssetsDefinition:
    """The bronze tables of one source, landed by its connector as ``lakekit land`` does it: from where bronze stands.

    ``command`` is the connector's (``["source-shopify", "read", "--config", "secrets.json"]``), run in the project's
    folder. ``catalog`` is the configured catalog or its file; what the project's schema references make if not given.
    ``project`` is a file or folder of the project (``__file__``).

    Any of the tables can be selected: the connector is then asked for those alone. A run that lands and builds does both
    on its branch, and publishes both; a run that only lands, lands on main, as Airbyte does. Where the connector fails, the
    run does; the tables whose streams it said were complete are materialized all the same.

    Raises ``ProjectError`` or ``UsageError`` where there is no catalog.
    """
    settings = Settings.load(Path(project))
    configured = _read(catalog) if catalog is not None else referenced_catalog(settings, source)
    streams = ConfiguredCatalog.parse(configured).streams
    places = {asset_key(TableId(source, name.lower())): name for name in streams}

    @multi_asset(
        name=f"land_{source}",
        specs=[AssetSpec(key, group_name=source, kinds={"airbyte", "iceberg"}) for key in places],
        can_subset=True,
        op_tags={LANDS: source},
    )
    def land(context: AssetExecutionContext) -> Iterator[MaterializeResult[Any]]:
        chosen = {places[key] for key in context.selected_asset_keys}
        with Lake.over(settings) as main:
            lake = _where(context, main)
            landing = _Landing(lake, source, _only(configured, chosen), command, settings.project)
            failure = None
            try:
                report = landing.run(context)
            except LandingFailed as error:
                if error.report is None:
                    raise
                failure, report = error, error.report
                chosen &= report.complete - report.failed.keys()
                for name in report.streams.keys() - chosen:
                    context.log.warning("%s: landed in part, %s", name, _of_stream(report, name))
            hash_ = lake.catalog.ref(lake.ref).hash
            for key in sorted(context.selected_asset_keys):
                if places[key] in chosen:
                    told = (
                        _of_stream(report, places[key]) | of_table(lake, table_id(key)) | {"lake/hash": hash_}
                    )
                    yield MaterializeResult(asset_key=key, metadata=told)
            if failure:
                raise failure

    return land


@dataclass(frozen=True, slots=True)
class _Landing:
    lake: Lake
    source: str
    catalog: Mapping[str, Any]
    command: Sequence[str]
    folder: Path

    def run(self, context: AssetExecutionContext) -> "LandingReport":
        configured = ConfiguredCatalog.parse(self.catalog)
        states = self.lake.states(self.source, configured)
        said = time.monotonic()

        def narrate(progress: "Progress") -> None:
            nonlocal said
            if time.monotonic() - said >= _SECONDS_A_WORD:
                said = time.monotonic()
                context.log.info("%s: %s records", progress.stream, f"{progress.records:,}")

        with connector(self.command, self.catalog, states, cwd=self.folder) as messages:
            return self.lake.land(self.source, configured, messages, progress=narrate)


def _where(context: AssetExecutionContext, main: Lake) -> Lake:
    """The ref of a run that has one; main for a run without a branch.

    The executor tags a run with its branch after it has begun, so that a step's own copy of the tags may be older.
    """
    run = context.instance.get_run_by_id(context.run.run_id) or context.run
    return at_run(main, run) if run.tags.get(REF) or run.tags.get(BRANCH) else main.at(MAIN)


def _read(catalog: Path | Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(catalog, Path):
        return catalog
    ConfiguredCatalog.parse(catalog)  # says what is wrong with the file
    read: Mapping[str, Any] = msgspec.json.decode(catalog.read_bytes())
    return read


def _only(catalog: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {**catalog, "streams": [one for one in catalog["streams"] if one["stream"]["name"] in names]}


def _of_stream(report: "LandingReport", stream: str) -> dict[str, Any]:
    told = report.streams.get(stream)
    if told is None:
        return {"received": 0}
    return {
        "received": told.received,
        "inserted": told.inserted,
        "updated": told.updated,
        "unchanged": told.unchanged,
        "tombstones": told.tombstones,
    }
