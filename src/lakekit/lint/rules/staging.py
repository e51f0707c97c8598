"""LK4: a staging model renames and casts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...naming import Layer
from ..findings import Problem
from ..registry import rule
from ..staging import AGGREGATE, CALL, JOIN, MORE, UNION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..facts import Facts
    from ..staging import Deed
    from ..subjects import Model


@rule("LK401", layer=Layer.STREAMS)
def staging_join(model: Model, facts: Facts) -> Iterator[Problem]:
    """A staging model joins nothing: that is for core."""
    for deed in _first(_deeds(model, facts), JOIN):
        yield Problem(f"'{model.name}' joins", deed.start, deed.end)


@rule("LK402", layer=Layer.STREAMS)
def staging_aggregate(model: Model, facts: Facts) -> Iterator[Problem]:
    """A staging model neither aggregates nor ranks: no GROUP BY, DISTINCT or window; core and marts do."""
    for deed in _first(_deeds(model, facts), AGGREGATE):
        yield Problem(f"'{model.name}' aggregates: {deed.said.lower()}", deed.start, deed.end)


@rule("LK403", layer=Layer.STREAMS)
def staging_union(model: Model, facts: Facts) -> Iterator[Problem]:
    """A staging model is of one table of its source: no UNION, INTERSECT or EXCEPT."""
    for deed in _first(_deeds(model, facts), UNION):
        yield Problem(f"'{model.name}' is made of several queries: {deed.said.lower()}", deed.start, deed.end)


# What only says a value in another type or takes it out of its JSON.
_CASTS: Final = frozenset({
    "cast", "try_cast", "try", "json_extract", "json_extract_scalar", "json_parse", "json_format", "from_iso8601_timestamp",
    "from_iso8601_timestamp_nanos", "from_iso8601_date", "from_unixtime", "from_unixtime_nanos", "date", "date_parse",
    "parse_datetime", "from_base64", "from_hex", "from_utf8", "to_utf8", "decimal", "varchar", "char", "varbinary", "timestamp",
    "time", "row", "array", "map", "at_timezone", "with_timezone", "nullif", "trim",
})  # fmt: skip
_JINJA: Final = frozenset({"source", "ref", "config", "var", "env_var"})


@rule("LK404", layer=Layer.STREAMS)
def staging_does_more(model: Model, facts: Facts, *, functions: tuple[str, ...] = ()) -> Iterator[Problem]:
    """A staging model does no more than rename and cast: no WHERE, no CASE, no arithmetic, no other functions.

    Allowed are casts and what takes values out of JSON and of texts of dates; ``functions`` adds your own. Macros are not
    looked into. CTEs that only pass columns on are fine.
    """
    glance = model.sql.staging
    allowed = _CASTS.union(map(str.lower, functions))
    if glance and glance.plain and allowed.issuperset(model.sql.called - _JINJA):
        return
    told: set[str] = set()
    for deed in facts.staging(model).deeds:
        said = deed.said.lower()
        if said not in told and (deed.kind == MORE or (deed.kind == CALL and said not in allowed)):
            told.add(said)
            what = f"{said}()" if deed.kind == CALL else said
            yield Problem(f"'{model.name}' does more than rename and cast: {what}", deed.start, deed.end)


def _deeds(model: Model, facts: Facts) -> tuple[Deed, ...]:
    """What there is to tell; nothing where a glance tells that."""
    glance = model.sql.staging
    return () if glance and glance.plain else facts.staging(model).deeds


def _first(deeds: tuple[Deed, ...], kind: str) -> list[Deed]:
    return [deed for deed in deeds if deed.kind == kind][:1]
