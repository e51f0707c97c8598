"""Assets of Python as Iceberg tables, written and read at the run's ref."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dagster import ConfigurableIOManager, DagsterInvariantViolationError, InputContext, OutputContext
from typing_extensions import override

from ..errors import UsageError
from ..naming import quote
from .keys import table_id
from .resources import LakeResource, at_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from ..lake import Lake

KEY: Final = "lakekit/key"
"""An asset's metadata that names the columns by which its rows replace those that its table holds."""


class LakeIOManager(ConfigurableIOManager):
    """What an asset returns (Arrow, Polars or pandas) becomes the table of its key; what it takes is read from there.

    A table is replaced by what the asset returns; with ``metadata={"lakekit/key": ["id"]}`` its rows are put in place of
    those with the same key, which an asset with partitions must have. An input is what its annotation says: ``pa.Table``,
    ``pl.DataFrame`` or ``pd.DataFrame``. Outside of a run, ``Definitions.load_asset_value`` reads main.
    """

    lake: LakeResource

    @override
    def handle_output(self, context: OutputContext, obj: Any) -> None:
        if obj is None:  # what has written its table itself
            return
        rows = _arrow(obj)
        table, key = str(table_id(context.asset_key)), _key(context)
        with self.lake.connect() as main:
            at_run(main, context.step_context.dagster_run).write(table, rows, key=key)
        context.add_output_metadata({"rows" if key else "dagster/row_count": rows.num_rows})

    @override
    def load_input(self, context: InputContext) -> Any:
        id_ = table_id(context.asset_key)
        with self.lake.connect() as main:
            rows = _at(main, context).sql(f"select * from {quote(id_.schema, id_.name)}").arrow()
        return _as(rows, context.dagster_type.typing_type)


def _at(main: Lake, context: InputContext) -> Lake:
    try:
        run = context.step_context.dagster_run
    except DagsterInvariantViolationError:  # there is none
        return main
    return at_run(main, run)


def _key(context: OutputContext) -> Sequence[str]:
    key = (context.definition_metadata or {}).get(KEY, ())
    if not isinstance(key, list | tuple) or not all(isinstance(name, str) for name in key):
        raise UsageError(
            f"The metadata {KEY} of {context.asset_key.to_user_string()} is no list of columns.",
            why=f"it is {key!r}",
            todo=f'write it like {{"{KEY}": ["id"]}}',
        )
    if context.has_asset_partitions and not key:
        raise UsageError(
            f"A partition of {context.asset_key.to_user_string()} would replace all others.",
            why="without a key an asset's rows take the place of all that its table holds",
            todo=f'say by which columns they replace others: metadata={{"{KEY}": ["day"]}}',
        )
    return key


def _arrow(given: Any) -> pa.Table:
    """Rows as Arrow. Polars and pandas are asked for by what the value is, so that neither need be installed."""
    import pyarrow as pa  # not where definitions are loaded: they are in every process

    if isinstance(given, pa.Table):
        return given
    if isinstance(given, pa.RecordBatch):
        return pa.Table.from_batches([given])
    module = type(given).__module__.partition(".")[0]
    if module == "polars" and hasattr(given, "to_arrow"):
        return given.to_arrow()
    if module == "pandas":
        return pa.Table.from_pandas(given, preserve_index=False)
    raise UsageError(
        f"An asset returned a {type(given).__name__}, which is no table.",
        todo="return an Arrow table, a Polars or a pandas data frame, or None where it has written its table itself",
    )


def _as(rows: pa.Table, wanted: Any) -> Any:
    module, name = getattr(wanted, "__module__", ""), getattr(wanted, "__name__", "")
    if module.startswith("polars"):
        import polars as pl

        frame = pl.DataFrame(rows)
        return frame.lazy() if name == "LazyFrame" else frame
    return rows.to_pandas() if module.startswith("pandas") else rows
