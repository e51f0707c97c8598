"""Expectations in files, which a person reads in a diff: one row a line, in an order that does not depend on the engine."""

from __future__ import annotations

import json
import re
import secrets
import zlib
from typing import TYPE_CHECKING, Any, Final

from ..errors import UsageError
from .rows import rows_of
from .values import check_columns, plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa

FOLDER: Final = "__snapshots__"
_LONGEST: Final = 120
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_.=,\[\]-]+")


def path_for(test_file: Path, test_name: str, model: str) -> Path:
    """Where a test's snapshot of a model is: ``__snapshots__/<test file>/<test>.<model>.json``, beside the test."""
    return test_file.parent / FOLDER / test_file.stem / f"{_file_name(test_name)}.{_file_name(model)}.json"


def write(file: Path, table: pa.Table, key: Sequence[str] = ()) -> None:
    """Write the rows of a table, at once or not at all.

    Rows are in the order of ``key`` and then of the other columns; columns are the key and then the others by name:
    neither a plan nor a select list that was rearranged shows in a diff.
    """
    names = table.column_names
    check_columns(key, names, "The key")
    names = [*key, *sorted(set(names) - set(key))]
    types = [table.schema.field(name).type for name in names]
    rows = [
        [plain(row[name], type_) for name, type_ in zip(names, types, strict=True)]
        for row in sorted(
            table.to_pylist(),
            key=lambda row: [_rank(row[name], type_) for name, type_ in zip(names, types, strict=True)],
        )
    ]
    lines = ",\n".join(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in rows)
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{secrets.token_hex(4)}.tmp")
    try:
        unfinished.write_text(f"[\n{lines}\n]\n" if rows else "[]\n", encoding="utf-8")
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


def read(file: Path) -> list[dict[str, Any]]:
    """The rows that were written, for ``compare`` to type; raises ``UsageError``."""
    if not file.is_file():
        raise UsageError(f"There is no snapshot {file}.", todo="write it: pytest --lake-update")
    return rows_of(file)


def _rank(value: Any, type_: pa.DataType) -> tuple[int, Any]:
    """What rows are ordered by: nulls first; what has no order of its own, such as NaN or an array, by its text."""
    if value is None:
        return (0, "")
    if isinstance(value, (list, dict)) or value != value:  # noqa: PLR0124 (NaN)
        return (2, json.dumps(plain(value, type_)))
    return (1, value)


def _file_name(name: str) -> str:
    """``name``, if it can be a file's; otherwise what of it can, and a checksum that tells it from its like."""
    fit = _UNFIT.sub("-", name)[:_LONGEST]
    return fit if fit == name else f"{fit}-{zlib.crc32(name.encode()):08x}"
