"""What a selection of models means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakekit.catalog.protocol import TableId
from lakekit.dbt.graph import Graph, Model
from lakekit.errors import UsageError


def graph(**parents: str) -> Graph:
    """Models by name, each with the names of those that it reads."""
    return Graph(
        {
            name: Model(
                name, "model", "table", "core", f"{name}_table", f"{name}.sql", parents=tuple(read.split())
            )
            for name, read in parents.items()
        }
    )


SHOP = graph(
    stg_orders="",
    stg_refunds="",
    int_lines="stg_orders",
    int_orders="stg_orders int_lines",
    int_refunds="stg_refunds",
    fct_sales="int_orders int_refunds",
    dim_products="int_lines",
)


@pytest.mark.parametrize(
    ("selection", "models"),
    [
        ("int_orders", "int_orders"),
        ("+int_orders", "stg_orders int_lines int_orders"),
        ("int_lines+", "int_lines dim_products int_orders fct_sales"),
        ("+int_refunds+", "stg_refunds int_refunds fct_sales"),
        ("fct_sales stg_orders", "stg_orders fct_sales"),
        ("  int_orders\n+int_orders ", "stg_orders int_lines int_orders"),
    ],
)
def test_a_selection_names_models_parents_first(selection: str, models: str) -> None:
    assert [model.name for model in SHOP.select(selection)] == models.split()


@pytest.mark.parametrize(
    ("selection", "told"),
    [
        ("int_order", "the nearest are int_orders"),
        ("+fct_sale+", "the nearest are fct_sales"),
        ("nothing_like_it", "the project has 7 models"),
        ("int_orders tag:nightly", "There is no model 'tag:nightly'"),
        ("+", "There is no model ''"),
        (" ", "No model is named"),
    ],
)
def test_what_names_no_model_is_told_with_the_nearest(selection: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        SHOP.select(selection)
    assert told in str(error.value)


def test_a_table_s_model_is_found_by_the_name_that_it_has_in_the_lake() -> None:
    found = SHOP.at(TableId("core", "int_orders_table"))
    assert found
    assert found.name == "int_orders"
    assert SHOP.at(TableId("core", "int_orders")) is None


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    names = [f"m{n}" for n in range(draw(st.integers(1, 8)))]
    order = draw(st.permutations(names))
    return graph(
        **{
            name: " ".join(draw(st.sets(st.sampled_from(order[:n])) if n else st.just(set())))
            for n, name in enumerate(order)
        }
    )


@given(graphs(), st.data())
def test_any_graph_is_ordered_and_reached(models: Graph, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(models.models)))
    reads = {one: set(model.parents) for one, model in models.models.items()}
    for _ in reads:  # the transitive closure, by brute force
        reads = {one: found.union(*(reads[other] for other in found)) for one, found in reads.items()}
    assert models.ancestors([name]) == reads[name]
    assert models.descendants(name) == {one for one in reads if name in reads[one]}
    ordered = [model.name for model in models.ordered(models.models)]
    assert sorted(ordered) == sorted(models.models)
    assert all(ordered.index(other) < ordered.index(one) for one in ordered for other in reads[one])
    chosen = [model.name for model in models.select(f"+{name}+")]
    assert set(chosen) == {name} | reads[name] | models.descendants(name)
    assert all(
        chosen.index(other) < chosen.index(one) for one in chosen for other in reads[one] & set(chosen)
    )


def test_a_model_of_several_versions_is_found_by_its_plain_name_in_the_latest() -> None:
    versions = {
        name: Model(name, "model", "table", "core", name.replace(".", "_"), f"{name}.sql", latest=latest)
        for name, latest in {"customers.v1": "", "customers.v2": "customers", "orders": ""}.items()
    }
    models = Graph(versions)
    assert models.find("customers").name == "customers.v2"
    assert [model.name for model in models.select("customers.v1 customers")] == [
        "customers.v1",
        "customers.v2",
    ]
    with pytest.raises(UsageError):
        models.find("")
