"""Rows out of whatever a test gives: dictionaries, files, data frames.

Values stay as they are written; ``values.arrow_table`` gives them their types.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import pyarrow as pa

from ..errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

_KINDS: Final = ".csv, .json, .jsonl or .parquet"


def rows_of(given: Any) -> list[dict[str, Any]]:
    """The rows of mappings, of a file (.csv, .json, .jsonl, .parquet), of an Arrow table or of a data frame.

    A CSV cell is text, and null if it is empty and unquoted. Raises ``UsageError``.
    """
    if isinstance(given, (str, Path)):
        return _from_file(Path(given))
    if hasattr(given, "__arrow_c_stream__"):
        return _from_table(pa.table(given))
    if isinstance(given, Mapping) or not isinstance(given, Iterable):
        raise UsageError(
            f"No rows can be taken from {_clipped(given)}.",
            todo=f"give a list of rows ([{{…}}]), a data frame, or the path of a {_KINDS} file",
        )
    return [_row(row, f"Row {number}") for number, row in enumerate(given, 1)]


def _row(row: Any, where: str) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise UsageError(
            f"{where} is no row.",
            why=f"it reads {_clipped(row)}",
            todo='a row maps column names to values: {"id": 1}',
        )
    for name in row:
        if not isinstance(name, str):
            raise UsageError(f"{where} names a column {name!r}.", todo="a column's name is text")
    return dict(row)


def _from_file(file: Path) -> list[dict[str, Any]]:
    reader = _READERS.get(file.suffix.lower())
    if file.is_file() and reader is None:
        raise UsageError(f"No rows can be read from {file}.", todo=f"give a {_KINDS} file")
    if file.is_dir():
        raise UsageError(f"{file} is a folder.", todo=f"give the path of a {_KINDS} file")
    if reader is None or not file.is_file():
        near = difflib.get_close_matches(file.name, _names_beside(file), n=3)
        raise UsageError(
            f"There is no file {file}.",
            why="" if file.is_absolute() else f"it was looked for in {Path.cwd()}",
            todo=f"did you mean {' or '.join(near)}?" if near else f"give the path of a {_KINDS} file",
        )
    try:
        return reader(file)
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8.", why=str(error), todo="save it as UTF-8") from error


def _names_beside(file: Path) -> list[str]:
    return [other.name for other in file.parent.iterdir()] if file.parent.is_dir() else []


class Written(float):
    """A number of a JSON file that keeps its digits: as a double it would forget those that a decimal holds."""

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str

    def __repr__(self) -> str:
        return self.text


def _from_json(file: Path) -> list[dict[str, Any]]:
    found = _parsed(file.read_text("utf-8-sig"), str(file))
    if not isinstance(found, list):
        raise UsageError(
            f"{file} holds {'one object' if isinstance(found, dict) else _clipped(found)}, not an array of rows.",
            todo="put it in brackets: [{…}]",
        )
    return [_row(row, f"Row {number} of {file}") for number, row in enumerate(found, 1)]


def _from_jsonl(file: Path) -> list[dict[str, Any]]:
    lines = enumerate(file.read_text("utf-8-sig").split("\n"), 1)
    return [
        _row(_parsed(line, f"Line {number} of {file}"), f"Line {number} of {file}")
        for number, line in lines
        if line.strip()
    ]


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text, parse_float=Written)
    except json.JSONDecodeError as error:
        raise UsageError(f"{where} is not JSON.", why=str(error)) from error


def _from_parquet(file: Path) -> list[dict[str, Any]]:
    from pyarrow import parquet

    try:
        table = parquet.read_table(file, partitioning=None)
    except (pa.ArrowInvalid, OSError) as error:
        raise UsageError(f"{file} is not Parquet.", why=str(error)) from error
    return _from_table(table)


_CELL: Final = re.compile(
    r'(?:"(?P<quoted>[^"]*(?:""[^"]*)*)"|(?P<plain>[^",\r\n]*))(?P<end>,|\r\n|\n|\r|\Z)'
)


def _from_csv(file: Path) -> list[dict[str, Any]]:
    """By RFC 4180. The csv module cannot tell an empty cell from a quoted one."""
    text = file.read_bytes().decode("utf-8-sig")
    [(_, header), *lines] = _csv_lines(text, file) or [(1, [])]
    names = [name or "" for name in header]
    if len(set(names)) < len(names) or not all(names):
        raise UsageError(
            f"{file} does not name its columns.",
            why=f"its first line reads {', '.join(names) or 'nothing'}",
            todo="name each column once in the first line",
        )
    rows = []
    for number, cells in lines:
        if len(cells) != len(names):
            raise UsageError(
                f"Line {number} of {file} has {len(cells)} cells, but there are {len(names)} columns.",
                todo='give a cell for each column, and quote what contains a comma: "a, b"',
            )
        rows.append(dict(zip(names, cells, strict=True)))
    return rows


def _csv_lines(text: str, file: Path) -> list[tuple[int, list[str | None]]]:
    """Cells with the number of the line that they start on; lines of nothing are skipped, but in a lone column are null."""
    lines: list[tuple[int, list[str | None]]] = []
    cells: list[str | None] = []
    place = 0
    number = start = 1
    while place < len(text) or cells:
        cell = _CELL.match(text, place)
        if cell is None:
            raise UsageError(
                f"Line {number} of {file} is not CSV.",
                why=f"a quote stands where none may, in {_clipped(text[place : place + 60])}",
                todo='quote the whole cell and double the quotes in it: "a ""b"" c"',
            )
        quoted = cell["quoted"]
        cells.append(cell["plain"] or None if quoted is None else quoted.replace('""', '"'))
        number += len(re.findall(r"\r\n|\n|\r", cell[0]))
        place = cell.end()
        if cell["end"] != ",":
            if cells != [None] or (lines and len(lines[0][1]) == 1):
                lines.append((start, cells))
            cells, start = [], number
    return lines


_READERS: Final[Mapping[str, Callable[[Path], list[dict[str, Any]]]]] = {
    ".csv": _from_csv,
    ".json": _from_json,
    ".jsonl": _from_jsonl,
    ".parquet": _from_parquet,
}


def _from_table(table: pa.Table) -> list[dict[str, Any]]:
    names = table.column_names
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"Two columns are called {', '.join(doubled)}.", todo="rename one of them")
    try:
        return list(
            table.cast(
                pa.schema([field.with_type(_micros(field.type)) for field in table.schema])
            ).to_pylist()
        )
    except pa.ArrowInvalid as error:
        raise UsageError(
            "A moment is finer than a microsecond, which no table of a lake holds.",
            why=str(error),
            todo="round it first",
        ) from error


def _micros(type_: pa.DataType) -> pa.DataType:
    """Python's moments, like the lake's, have microseconds; data frames like to have nanoseconds."""
    if pa.types.is_timestamp(type_):
        return pa.timestamp("us", type_.tz)
    return pa.time64("us") if pa.types.is_time(type_) else type_


def _clipped(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
