"""A table against the rows that a test expects: what is missing, extra or changed.

Only what an expected row names is compared, and rows have no order. The expected values get the types of the table's
columns first, so ``"30.00"`` is a decimal where the column is one; one that cannot have the type is told as such.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..errors import UsageError
from .cells import ANY, NOT_NULL, Expected, expect, is_numeric, lookup
from .difference import Cell, ChangedRow, Difference, Duplicate, WrongType
from .pairing import match, most_similar
from .values import Misfit, check_columns, type_name

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

__all__ = ["ANY", "NOT_NULL", "Difference", "compare"]

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Wanted:
    given: Row
    cells: Mapping[str, Expected]

    def differs(self, row: Row) -> list[int]:
        """The places of the cells that are not as expected."""
        return [place for place, (name, cell) in enumerate(self.cells.items()) if not cell.matches(row[name])]

    def matches(self, row: Row) -> bool:
        return all(cell.matches(row[name]) for name, cell in self.cells.items())

    def misses(self, row: Row) -> tuple[Cell, ...]:
        return tuple(
            Cell(name, wanted.value, row[name])
            for name, wanted in self.cells.items()
            if not wanted.matches(row[name])
        )

    def shown(self) -> Row:
        """The row with its columns' types, but for a value that cannot have one."""
        return {
            name: self.given[name] if wanted.value is ANY else wanted.value
            for name, wanted in self.cells.items()
        }


@dataclass(frozen=True, slots=True)
class _Findings:
    missing: Sequence[_Wanted]
    extra: Sequence[Row]
    pairs: Sequence[tuple[_Wanted, Row]]
    duplicates: Sequence[Duplicate] = ()


def compare(
    found: pa.Table,
    expected: Iterable[Row],
    *,
    key: str | Sequence[str] = (),
    partial: bool = False,
    tolerance: float | Mapping[str, float] = 0,
) -> Difference | None:
    """How ``found`` differs from the ``expected`` rows; None if it does not.

    ``key`` columns, which every expected row names, tell which row is which; without them rows are matched as a
    whole, and what is left over is paired with what is most like it. ``partial`` allows rows that nobody expects.
    ``tolerance`` is how far numbers may be off: in all columns of decimals and doubles, or by column. Raises
    ``UsageError`` for a call that makes no sense, such as a column that the table does not have.
    """
    expected = list(expected)
    key = (key,) if isinstance(key, str) else tuple(key)
    _check_call(found, expected, key, tolerance)
    wanted, types = _typed(found.schema, expected, key, tolerance)
    # With nothing expected there is nothing named: then every column is shown of the rows that should not be there.
    named = (
        dict.fromkeys([*key, *(name for row in expected for name in row)])
        if expected
        else dict.fromkeys(found.column_names)
    )
    rows = found.select(list(named)).to_pylist() if named else [{} for _ in range(found.num_rows)]
    findings = _by_key(wanted, rows, found.schema, key, partial) if key else _as_a_whole(wanted, rows)
    difference = Difference(
        expected_rows=len(expected),
        found_rows=found.num_rows,
        key=key,
        missing=tuple(row.shown() for row in findings.missing),
        extra=() if partial else tuple(findings.extra),
        changed=tuple(
            ChangedRow(row.shown(), misses) for row, other in findings.pairs if (misses := row.misses(other))
        ),
        types=tuple(types),
        duplicates=tuple(findings.duplicates),
    )
    return difference or None


def _check_call(
    found: pa.Table, expected: Sequence[Row], key: Sequence[str], tolerance: float | Mapping[str, float]
) -> None:
    names = found.column_names
    check_columns(key, names, "The key")
    for number, row in enumerate(expected, 1):
        check_columns(row, names, f"Expected row {number}")
        for name in key:
            if name not in row or row[name] is ANY or row[name] is NOT_NULL:
                raise UsageError(
                    f"Expected row {number} has no value for '{name}'.",
                    why=f"rows are told apart by {', '.join(key)}",
                    todo="give each expected row its key",
                )
    by_column = tolerance if isinstance(tolerance, Mapping) else {}
    check_columns(by_column, names, "The tolerance")
    for name in by_column:
        if not is_numeric(found.schema.field(name).type):
            raise UsageError(f"'{name}' cannot have a tolerance.", why="it is no number")
    for limit in by_column.values() if isinstance(tolerance, Mapping) else [tolerance]:
        if not 0 <= limit < math.inf:
            raise UsageError(f"{limit!r} cannot be a tolerance.", todo="give a number, 0 or above")


def _typed(
    schema: pa.Schema, expected: Sequence[Row], key: Sequence[str], tolerance: float | Mapping[str, float]
) -> tuple[list[_Wanted], list[WrongType]]:
    """The expected rows with their columns' types, and the values that cannot have them, which then match anything."""
    wanted, wrong = [], []
    for number, row in enumerate(expected, 1):
        cells = {}
        for name, value in row.items():
            type_ = schema.field(name).type
            limit = _limit(tolerance, name, type_)
            try:
                cells[name] = expect(value, type_, 0 if name in key else limit)
            except Misfit as error:
                wrong.append(WrongType(number, name, type_name(type_), value, str(error)))
                cells[name] = Expected(ANY, type_)
        wanted.append(_Wanted(row, cells))
    return wanted, wrong


def _limit(tolerance: float | Mapping[str, float], name: str, type_: pa.DataType) -> float:
    """For all, a tolerance means fractions: what is counted or numbered is only off where the test says so."""
    if isinstance(tolerance, Mapping):
        return tolerance.get(name, 0)
    return tolerance if is_numeric(type_) and not pa.types.is_integer(type_) else 0


def _by_key(
    wanted: Sequence[_Wanted], rows: Sequence[Row], schema: pa.Schema, key: Sequence[str], partial: bool
) -> _Findings:
    types = [schema.field(name).type for name in key]
    asked: dict[Hashable, list[_Wanted]] = defaultdict(list)
    there: dict[Hashable, list[Row]] = defaultdict(list)
    for one in wanted:
        # A key of the wrong type is told already; no row can have it.
        if all(one.cells[name].value is not ANY for name in key):
            asked[_place(one.shown(), key, types)].append(one)
    for row in rows:
        there[_place(row, key, types)].append(row)
    twice = [(same[0].shown(), len(same), True) for same in asked.values()]
    twice += [(same[0], len(same), False) for place, same in there.items() if place in asked or not partial]
    return _Findings(
        missing=[same[0] for place, same in asked.items() if place not in there],
        extra=[same[0] for place, same in there.items() if place not in asked],
        pairs=[(same[0], there[place][0]) for place, same in asked.items() if place in there],
        duplicates=[
            Duplicate({name: row[name] for name in key}, times, expected)
            for row, times, expected in twice
            if times > 1
        ],
    )


def _place(row: Row, key: Sequence[str], types: Sequence[pa.DataType]) -> Hashable:
    return tuple(lookup(row[name], type_) for name, type_ in zip(key, types, strict=True))


def _as_a_whole(wanted: Sequence[_Wanted], rows: Sequence[Row]) -> _Findings:
    pairs = _matched(wanted, rows)
    left = [one for place, one in enumerate(wanted) if place not in pairs]
    taken = set(pairs.values())
    over = [row for place, row in enumerate(rows) if place not in taken]
    alike = most_similar(
        len(left),
        len(over),
        lambda one, other: left[one].differs(over[other]),
        lambda one: len(left[one].cells),
    )
    paired = {one for one, _ in alike}, {other for _, other in alike}
    return _Findings(
        missing=[one for place, one in enumerate(left) if place not in paired[0]],
        extra=[row for place, row in enumerate(over) if place not in paired[1]],
        pairs=[(left[one], over[other]) for one, other in sorted(alike)],
    )


def _matched(wanted: Sequence[_Wanted], rows: Sequence[Row]) -> dict[int, int]:
    """The expected rows that are there, and where: looked up by what is exact, then held against the rest."""
    indexes: dict[tuple[str, ...], dict[Hashable, list[int]]] = {}
    candidates: list[list[int]] = []
    for one in wanted:
        exact = {name: cell for name, cell in one.cells.items() if cell.is_exact}
        names = tuple(exact)
        if names not in indexes:
            index = indexes[names] = defaultdict(list)
            for place, row in enumerate(rows):
                index[tuple(lookup(row[name], exact[name].type) for name in names)].append(place)
        same = indexes[names].get(tuple(lookup(cell.value, cell.type) for cell in exact.values()), [])
        fuzzy = len(exact) < len(one.cells)
        candidates.append([place for place in same if one.matches(rows[place])] if fuzzy else same)
    return match(candidates)
