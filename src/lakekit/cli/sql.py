"""``lakekit sql``."""

from __future__ import annotations

from typing import Final

import click

from . import options, output

ROWS: Final = 100


@click.command()
@click.argument("statement")
@options.ref
@options.engine
@options.as_json
def sql(statement: str, ref: str, engine: options.EngineName | None, as_json: bool) -> None:
    """Run one STATEMENT of Trino SQL.

    Prints its rows: the first 100, and long texts cut, unless --json.

    \b
    lakekit sql "select * from marts.fct_daily_sales order by sales_date desc limit 5"
    lakekit sql "select count(*) from shopify.orders" --ref build-20260131-101500-3f2a --json

    Exits with 1 when the statement fails.
    """
    from ..lake import Lake

    with Lake.connect(engine=engine) as lake:
        result = lake.at(ref).sql(statement)
    if as_json:
        output.print_json(result.rows())
    elif result.columns:
        shown = result.arrow().slice(0, ROWS)
        columns = [column.to_pylist() for column in shown.columns]
        output.show(result.columns, list(zip(*columns, strict=True)))
        rows = f"{len(result):,} row{'s' if len(result) != 1 else ''}"
        cut = f", of which the first {ROWS} are shown; --json prints all" if len(result) > ROWS else ""
        output.progress.print(f"[dim]{rows}{cut}[/dim]")
    else:
        output.progress.print("[dim]done[/dim]")
