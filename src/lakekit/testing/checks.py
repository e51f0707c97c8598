"""Ready-made checks of a model, a line each in a test: what must hold of any table that is built in increments.

    from lakekit.testing import checks

    def test_orders_do_not_depend_on_the_order(lake):
        checks.full_refresh_equals_incremental(lake, "int_shopify__orders")

Each is tried on branches of the lake, which stays as it was, and raises ``AssertionError`` with what differs and with
the story that shows it, as lines of a test. One that looks at what there is refuses an empty table (``UsageError``).
"""

from __future__ import annotations

from itertools import islice, permutations
from math import factorial
from random import Random
from typing import TYPE_CHECKING, Any, Final

from ..catalog.protocol import TableId
from ..errors import BuildFailed, MissingExtra, QueryFailed, UsageError
from ..naming import META_COLUMNS, quote
from . import histories
from .difference import Difference, Duplicate
from .histories import between, built, contents, told
from .rows import rows_of
from .values import check_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

    from .generate import Batch
    from .lake import LakeUnderTest

__all__ = [
    "full_refresh_equals_incremental",
    "idempotent",
    "no_fan_out",
    "no_lost_rows",
    "order_insensitive",
    "survives_new_column",
]

_NEW_COLUMN: Final = "sent_from_now_on"


def idempotent(lake: LakeUnderTest, model: str, *, ignore: Sequence[str] = ()) -> int:
    """Building a model again, over the same rows, changes none of its own.

    Returns how many rows the second build wrote all the same: 0 for a model that is built in increments and leaves alone
    what does not change. Columns that are to differ (when a row was built) are named in ``ignore``.
    """
    __tracebackhide__ = True
    of = lake.graph.find(model)
    with lake.branch() as work:
        work.build(model)
        before, commits = contents(work, of.id), histories.commits(work, of.id)
        histories.needs_rows(work, model, before.num_rows)
        work.build(model)
        after = contents(work, of.id)
        if difference := between(after, before, of.key, ignore):
            raise AssertionError(
                f"{model} is another one when it is built a second time over the same rows: {difference}"
            )
        after_it = histories.commits(work, of.id)
        return sum(rows for commit, rows in after_it.items() if commit not in commits)


def order_insensitive(
    lake: LakeUnderTest,
    model: str,
    batches: Sequence[Mapping[str, Any]],
    *,
    orders: int = 24,
    ignore: Sequence[str] = (),
) -> None:
    """Batches of rows by table, each built upon the last, end in the same table in whatever order they come.

    What a row leaves out is what was said before it in the order given, and stays so in every other. Airbyte's columns,
    and those called ``…_extracted_at``, tell of the order, and are not compared. At most ``orders`` orders are tried.
    """
    __tracebackhide__ = True
    of = lake.graph.find(model)
    whole = histories.completed(lake, batches)
    first = None
    for order in _orders(len(whole), orders):
        story = [whole[place] for place in order]
        with lake.branch() as work:
            built(work, model, story)
            found = contents(work, of.id)
            tables = {table: contents(work, TableId.parse(table)) for batch in story for table in batch}
        if first is None:
            first = found, tables
            continue
        difference = between(found, first[0], of.key, (*ignore, *histories.extraction(found)))
        if not difference:
            continue
        for table, landed in tables.items():
            if other := between(landed, first[1][table], (), META_COLUMNS):
                raise UsageError(
                    f"The batches themselves end in another {table} when they come in another order.",
                    why=str(other),
                    todo="give versions of a row different cursors, so that one of them is the newer",
                )
        numbers = ", ".join(str(place + 1) for place in order)
        raise AssertionError(
            f"{model} is another one when the batches come in the order {numbers}: {difference}\n"
            + told(model, story, "what the order of the test ends in")
        )


def full_refresh_equals_incremental(
    lake: LakeUnderTest,
    model: str,
    batches: Sequence[Mapping[str, Any]] | None = None,
    *,
    examples: int = 10,
    values: Mapping[str, Mapping[str, SearchStrategy[Any]]] | None = None,
    ignore: Sequence[str] = (),
) -> None:
    """A model built batch by batch is the same as built at once, with all that it reads.

    Without ``batches``, hypothesis makes them from the schema references of all sources that the model reads, as many
    times as ``examples`` says: see ``generate.batches``, also for ``values``. The story that is told is a short one.
    """
    __tracebackhide__ = True
    lake.graph.find(model)
    if batches is not None:
        given = [{table: rows_of(rows) for table, rows in batch.items()} for batch in batches]
        if failure := _refreshed_failure(lake, model, given, ignore):
            raise AssertionError(f"{failure}\n{told(model, given, full_refresh=True)}")
        return
    try:  # hypothesis, which takes its time to import, is for this alone
        from .falsify import falsify
        from .generate import batches as generated
        from .generate import needed
    except ModuleNotFoundError as error:
        raise MissingExtra("checks", error.name or "hypothesis") from error

    references = [lake.harness.project.reference(table) for table in histories.sources(lake, model)]
    for table in values or {}:
        if table not in (tables := [reference.table for reference in references]):
            raise UsageError(
                f"`values` names {table}, which {model} is not made of.", why=f"it reads {', '.join(tables)}"
            )
    strategy = generated(references, values=values, words=histories.words(lake, model))
    found = falsify(
        strategy,
        lambda example: _refreshed_failure(lake, model, example, ignore),
        examples=examples,
        needed={reference.table: needed(reference) for reference in references},
    )
    if found:
        example, failure = found
        raise AssertionError(f"{failure}\n{told(model, example, full_refresh=True)}")


def no_fan_out(lake: LakeUnderTest, model: str, key: str | Sequence[str] | None = None) -> None:
    """No two rows of a model have one key: its ``unique_key``, or the columns that are named."""
    __tracebackhide__ = True
    of = lake.graph.find(model)
    names = of.key if key is None else (key,) if isinstance(key, str) else tuple(key)
    if not names:
        raise UsageError(f"{model} has no unique_key.", todo="name the columns that tell its rows apart")
    with lake.branch() as work:
        work.prepare([model])
        found = contents(work, of.id)
    check_columns(names, found.column_names, f"The key of {model}")
    histories.needs_rows(lake, model, found.num_rows)
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in found.to_pylist():
        groups.setdefault(tuple(map(_hashable, (row[name] for name in names))), []).append(row)
    doubled = [rows for rows in groups.values() if len(rows) > 1]
    if doubled:
        differing = [
            name
            for name in found.column_names
            if any(_hashable(row[name]) != _hashable(rows[0][name]) for rows in doubled for row in rows)
        ]
        difference = Difference(
            len(groups),
            found.num_rows,
            names,
            duplicates=tuple(
                Duplicate({name: rows[0][name] for name in names}, len(rows), expected=False)
                for rows in doubled
            ),
        )
        raise AssertionError(
            f"{model} has several rows of one {', '.join(names)}: {difference}\n"
            + (f"they differ in {', '.join(differing)}" if differing else "they are the same in every column")
        )


def no_lost_rows(
    lake: LakeUnderTest,
    model: str,
    of: str,
    on: str | Sequence[str] | Mapping[str, str],
    *,
    where: str = "true",
) -> None:
    """Every row of another model or of a source's table, where an SQL condition holds, has its row in a model.

    ``on`` says by which columns: of the same name in both, or the model's to the other's.
    """
    __tracebackhide__ = True
    pairs = dict(on) if not isinstance(on, str) and hasattr(on, "keys") else {}
    pairs = pairs or {name: name for name in ([on] if isinstance(on, str) else on)}
    target, other = lake.graph.find(model).id, lake.graph.models.get(of)
    source = other.id if other else TableId.parse(of) if "." in of else lake.graph.find(of).id
    with lake.branch() as work:
        work.prepare([model, of])
        check_columns(pairs, work.columns(model), f"`on`, of {model},")
        check_columns(pairs.values(), work.columns(of), f"`on`, of {of},")
        there = work.sql(f"select {', '.join(map(quote, pairs))} from {quote(target.schema, target.name)}")
        rows = work.sql(f"select * from {quote(source.schema, source.name)} where {where}")
    histories.needs_rows(lake, of, len(rows), "" if where == "true" else f" where {where}")
    kept = {tuple(_hashable(row[name]) for name in pairs) for row in there}
    lost = [row for row in rows if tuple(_hashable(row[name]) for name in pairs.values()) not in kept]
    if lost:
        named = set(pairs.values())
        shown = [
            {
                name: value
                for name, value in row.items()
                if name in named or (value is not None and name not in META_COLUMNS)
            }
            for row in lost
        ]
        difference = Difference(len(rows), len(rows) - len(lost), tuple(pairs.values()), missing=tuple(shown))
        raise AssertionError(f"rows of {of} are not in {model}: {difference}")


def survives_new_column(
    lake: LakeUnderTest,
    model: str,
    table: str,
    rows: Any = None,
    *,
    column: str = _NEW_COLUMN,
    schema: str | Mapping[str, Any] = "string",
    value: Any = "new",
    ignore: Sequence[str] = (),
) -> None:
    """A model builds on when a source's table has a column more, and its own columns hold the rows that they would have.

    The next sync brings ``rows``, or the rows again that were given last, with a ``value`` in the new column.
    """
    __tracebackhide__ = True
    of = lake.graph.find(model)
    again = histories.said_again(lake, table) if rows is None else rows_of(rows)
    if not again:
        raise UsageError(
            f"{table} has no rows that could come with a new column.",
            todo="give it some first, or name `rows`",
        )
    widened = [{**row, column: value} for row in again]
    with lake.branch() as work:
        work.build(model)
        with work.branch() as without:
            built(without, model, [{table: again}])
            expected = contents(without, of.id)
        story = (
            f"lake.given({table!r}, {widened!r}, new_columns={ {column: schema}!r})\nlake.build({model!r})"
        )
        try:
            work.given(table, widened, new_columns={column: schema})
            work.build(model)
        except (BuildFailed, QueryFailed) as error:
            raise AssertionError(
                f"{model} does not build once {table} has a column more:\n{error}\n{story}"
            ) from error
        found = contents(work, of.id)
    added = set(found.column_names) - set(expected.column_names)
    if difference := between(found, expected, of.key, (*ignore, *added, *META_COLUMNS)):
        raise AssertionError(
            f"{model} holds other rows once {table} has a column more: {difference}\n{story}"
        )


def _refreshed_failure(
    lake: LakeUnderTest, model: str, batches: Sequence[Batch], ignore: Sequence[str]
) -> str:
    """What is wrong with a model that was built of batches one after the other, and then at once; nothing if empty."""
    of = lake.graph.find(model)
    with lake.branch() as work:
        try:
            built(work, model, batches)
            found = contents(work, of.id)
            work.build(" ".join(histories.rebuilt(work, model)), full_refresh=True)
        except (BuildFailed, QueryFailed) as error:
            return f"{model} does not build:\n{error}"
        difference = between(found, contents(work, of.id), of.key, ignore)
    return (
        f"{model}, built in increments, is not what a full refresh makes it: {difference}"
        if difference
        else ""
    )


def _orders(count: int, limit: int) -> Iterator[Sequence[int]]:
    """The orders of so many things, or as many of them as the limit allows: as they are, turned round, and shuffled."""
    if factorial(count) <= limit:
        yield from permutations(range(count))
        return
    tried = {tuple(range(count)), tuple(reversed(range(count)))}
    yield from islice((tuple(range(count)), tuple(reversed(range(count)))), limit)
    random = Random(count)  # noqa: S311 (the same orders each time)
    while len(tried) < limit:
        order = tuple(random.sample(range(count), count))
        if order not in tried:
            tried.add(order)
            yield order


def _hashable(value: Any) -> Any:
    return repr(value) if isinstance(value, (list, dict)) else value
