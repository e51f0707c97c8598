"""``lakekit sql``."""

from __future__ import annotations

import click

from . import options, output


@click.command()
@click.argument("statement")
@options.ref
@options.engine
@options.as_json
def sql(statement: str, ref: str, engine: options.EngineName | None, as_json: bool) -> None:
    """Run one STATEMENT of Trino SQL and print its rows.

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
        columns = [column.to_pylist() for column in result.arrow().columns]
        output.show(result.columns, list(zip(*columns, strict=True)))
        output.progress.print(f"[dim]{len(result):,} rows[/dim]")
    else:
        output.progress.print("[dim]done[/dim]")
