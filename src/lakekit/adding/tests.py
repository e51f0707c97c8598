"""Tests to go on from, on the ``lake`` fixture: they pass as they come."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from ..naming import EXTRACTED_AT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .parents import Parent
    from .staging import Column

_STAGING: Final = '''"""{model}: renames and casts what {source} sends, and does nothing else."""

RECORD = {record}
ROW = {row}


def test_a_record_is_renamed_and_cast(lake):
    lake.given("{table}", [RECORD])
    lake.build("{model}")
    lake.expect("{model}", [ROW])
'''

_CORE: Final = '''"""{model}: one row a key."""

MODEL = "{model}"
FIRST = {first}
THEN = {then}
ROW = {row}


def test_a_newer_version_replaces_what_was_built(lake):
    lake.given("{parent}", [FIRST])
    lake.build(MODEL)
    lake.given("{parent}", [FIRST, THEN])
    lake.build(MODEL)
    lake.expect(MODEL, [ROW])


def test_what_was_read_before_is_not_written_again(lake):
    lake.given("{parent}", [FIRST])
    lake.build(MODEL)
    assert lake.build(MODEL).costs[MODEL].rows_written == 0
'''

_MART: Final = '''"""{model}: made of {parent}."""

GIVEN = {given}
ROW = {row}


def test_a_row_comes_through(lake):
    lake.given("{parent}", [GIVEN])
    lake.build("{model}")
    lake.expect("{model}", [ROW])
'''


def staging_test(source: str, table: str, model: str, columns: Sequence[Column]) -> str:
    """A record with a value in each field, and the row that the view makes of it."""
    record: dict[str, Any] = {}
    for column in columns:
        *outer, field = column.path
        place = record
        for name in outer:
            place = place.setdefault(name, {})
        place[field] = column.sent
    row = {column.name: column.shown for column in columns}
    return _STAGING.format(
        model=model, source=source, table=f"{source}.{table}", record=literal(record), row=literal(row)
    )


def core_test(model: str, parent: Parent, key: Sequence[str], cursor: str) -> str:
    """Two versions of a row, and that it is not written again."""
    first = {name: parent.example(name) for name in (*key, cursor)} | {EXTRACTED_AT: 1}
    then = {**first, EXTRACTED_AT: 2}
    row = {**{name: first[name] for name in key}, EXTRACTED_AT: 2}
    return _CORE.format(
        model=model, parent=parent.name, first=literal(first), then=literal(then), row=literal(row)
    )


def mart_test(model: str, parent: str, given: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """One row of the parent, and what the mart makes of it."""
    return _MART.format(model=model, parent=parent, given=literal(given), row=literal(row))


def literal(value: Any, depth: int = 0) -> str:
    """A value as Python, with a line for each of a mapping's."""
    if not isinstance(value, dict) or not value:
        return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
    inside = "    " * (depth + 1)
    lines = [
        f"{inside}{json.dumps(name, ensure_ascii=False)}: {literal(of, depth + 1)},\n"
        for name, of in value.items()
    ]
    return "{\n" + "".join(lines) + "    " * depth + "}"
