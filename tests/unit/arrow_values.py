"""Any type that a column of the lake can have, and any value of it."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_SIMPLE: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.bool_(): st.booleans(),
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float32(): st.floats(width=32),
    pa.float64(): st.floats(),
    pa.decimal128(18, 2): st.decimals(places=2, min_value=-(10**15), max_value=10**15),
    pa.decimal128(38, 9): st.integers(-(10**37), 10**37).map(lambda n: Decimal(f"{n}E-9")),
    pa.string(): _TEXT,
    pa.large_string(): _TEXT,
    pa.binary(): st.binary(max_size=12),
    pa.date32(): st.dates(),
    pa.time64("us"): st.times(),
    pa.timestamp("us"): st.datetimes(),
    pa.timestamp("us", "UTC"): st.datetimes(timezones=st.just(UTC)),
}
_simple_types = st.sampled_from(list(_SIMPLE))
_map_keys = st.sampled_from([pa.string(), pa.int64(), pa.date32()])

column_types: st.SearchStrategy[pa.DataType] = st.recursive(
    _simple_types,
    lambda inner: st.one_of(
        inner.map(pa.list_),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda types: pa.struct([(f"f{n}", t) for n, t in enumerate(types)])
        ),
        st.tuples(_map_keys, inner).map(lambda types: pa.map_(*types)),
    ),
    max_leaves=4,
)


def values_of(type_: pa.DataType) -> st.SearchStrategy[Any]:
    """Any value of a type; null, too."""
    return st.none() | _present(type_)


def _present(type_: pa.DataType) -> st.SearchStrategy[Any]:
    if pa.types.is_list(type_):
        return st.lists(values_of(type_.value_type), max_size=3)
    if pa.types.is_struct(type_):
        return st.fixed_dictionaries({field.name: values_of(field.type) for field in type_})
    if pa.types.is_map(type_):
        entries = st.tuples(_present(type_.key_type), values_of(type_.item_type))
        return st.lists(entries, max_size=3, unique_by=lambda pair: pair[0])
    return _SIMPLE[type_]
