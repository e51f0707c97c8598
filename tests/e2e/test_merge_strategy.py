"""The strategy ``lakekit_merge``: what a table is after the merge, on both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lakekit.errors import BuildFailed

if TYPE_CHECKING:
    from lakekit import Lake

LINES = """
{{ config(materialized="incremental", incremental_strategy="lakekit_merge", schema="core",
          unique_key="line_id", merge_cursor="version", merge_scope="order_id") }}
select id as line_id, order_id, version, title from shopify.lines
{% if is_incremental() %}where batch = (select max(batch) from shopify.lines){% endif %}
"""


def only_model(lake: Lake, name: str, sql: str) -> None:
    assets = lake.settings.dbt / "assets"
    for file in [
        *assets.rglob("*.sql"),
        *assets.rglob("*.yml"),
        *(lake.settings.dbt / "tests").rglob("*.sql"),
    ]:
        file.unlink()
    (assets / "core" / f"{name}.sql").write_text(sql)


def line(id_: int, order_id: int, version: int, title: str, batch: int) -> dict[str, Any]:
    return {"id": id_, "order_id": order_id, "version": version, "title": title, "batch": batch}


def built(lake: Lake) -> list[tuple[int, int, int, str]]:
    rows = lake.sql("select line_id, order_id, version, title from core.int_lines order by line_id").rows()
    return [(row["line_id"], row["order_id"], row["version"], row["title"]) for row in rows]


def pointer(lake: Lake) -> str:
    [entry] = [e for e in lake.catalog.entries(lake.ref).values() if e.id.name == "int_lines"]
    return entry.pointer


def test_newer_rows_update_older_ones_do_not_and_a_scope_loses_what_its_batch_lacks(lake: Lake) -> None:
    only_model(lake, "int_lines", LINES)
    with lake.branch() as work:
        work.load(
            "shopify.lines",
            [
                line(1, 10, 5, "cup", 1),
                line(2, 10, 5, "pot", 1),
                line(3, 11, 5, "mill", 1),
                line(4, 12, 5, "tea", 1),
            ],
        )
        work.build()
        # Order 10 now has a changed line and a new one, and has lost line 2; 11 comes in an older version; 12 not at all.
        work.load(
            "shopify.lines",
            [line(1, 10, 6, "big cup", 2), line(5, 10, 6, "lid", 2), line(3, 11, 4, "old mill", 2)],
        )
        work.build()
        assert built(work) == [
            (1, 10, 6, "big cup"),
            (3, 11, 5, "mill"),
            (4, 12, 5, "tea"),
            (5, 10, 6, "lid"),
        ]

        before = pointer(work)
        files = work.catalog.iceberg(work.ref).load_table(("core", "int_lines")).inspect.files()
        work.build()
        after = work.catalog.iceberg(work.ref).load_table(("core", "int_lines")).inspect.files()
        assert sorted(after["file_path"].to_pylist()) == sorted(files["file_path"].to_pylist()), (
            before,
            pointer(work),
        )


def test_an_older_batch_of_a_scope_deletes_nothing_newer(lake: Lake) -> None:
    only_model(lake, "int_lines", LINES)
    with lake.branch() as work:
        work.load("shopify.lines", [line(1, 10, 5, "cup", 1), line(2, 10, 5, "pot", 1)])
        work.build()
        # The order as it once was: line 2 was not in it yet, nor was line 9 taken out.
        work.load("shopify.lines", [line(1, 10, 4, "old cup", 2), line(9, 10, 4, "spoon", 2)])
        work.build()
        assert [row[0] for row in built(work)][:2] == [1, 2]
        assert (1, 10, 5, "cup") in built(work)


EMPTY = LINES.replace("id as line_id", "case when id > 0 then id end as line_id").replace(
    "{% endif %}", "{% else %}where id > 0{% endif %}"
)


def test_a_row_without_a_key_says_that_its_scope_is_empty(lake: Lake) -> None:
    only_model(lake, "int_lines", EMPTY)
    with lake.branch() as work:
        work.load(
            "shopify.lines", [line(1, 10, 5, "cup", 1), line(2, 10, 5, "pot", 1), line(3, 11, 5, "mill", 1)]
        )
        work.build()
        # Order 10 has lost its lines; 11 had none yet in an older version; 12 never had any.
        work.load(
            "shopify.lines", [line(-10, 10, 6, "", 2), line(-11, 11, 4, "", 2), line(-12, 12, 1, "", 2)]
        )
        work.build()
        assert built(work) == [(3, 11, 5, "mill")]


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ('unique_key="line_id", merge_cursor="versoin"', "has no column versoin"),
        ('merge_cursor="version"', "needs a unique_key"),
    ],
)
@pytest.mark.parametrize("lake", ["embedded"], indirect=True)
def test_a_model_that_cannot_be_merged_says_why(lake: Lake, broken: str, says: str) -> None:
    only_model(
        lake,
        "int_lines",
        '{{ config(materialized="incremental", incremental_strategy="lakekit_merge", schema="core", '
        + broken
        + ") }} select 1 as line_id, 1 as version",
    )
    with lake.branch() as work:
        work.build()
        with pytest.raises(BuildFailed, match=says):
            work.build()
