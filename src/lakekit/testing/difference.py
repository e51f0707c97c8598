"""How a table differs from what a test expects, and the text that says so at a glance."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

_ROWS: Final = 20
_CELL: Final = 40
_LINE: Final = 140


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell that is not as expected."""

    column: str
    expected: Any
    found: Any


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A row that is there, but not as expected; ``row`` holds every expected cell."""

    row: Mapping[str, Any]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class WrongType:
    """An expected value that its column cannot hold: no row could ever match it."""

    number: int
    column: str
    type: str
    expected: Any
    why: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A key that should name one row, and names several."""

    key: Mapping[str, Any]
    times: int
    expected: bool
    """Whether it is the test that names it twice, rather than the table that holds it twice."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What is missing from a table, extra in it or changed; ``str`` renders it."""

    expected_rows: int
    found_rows: int
    key: tuple[str, ...] = ()
    missing: tuple[Mapping[str, Any], ...] = ()
    extra: tuple[Mapping[str, Any], ...] = ()
    changed: tuple[ChangedRow, ...] = ()
    types: tuple[WrongType, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything differs at all."""
        return bool(self.missing or self.extra or self.changed or self.types or self.duplicates)

    def __str__(self) -> str:
        named = self._named()
        kinds: dict[str, tuple[Sequence[Any], Callable[[Any], tuple[str, ...]]]] = {
            "of the wrong type": (self.types, _type_line),
            "doubled": (self.duplicates, _duplicate_line),
            "changed": (self.changed, lambda changed: _changed_line(changed, named)),
            "missing": (self.missing, lambda row: _line("-", row, named)),
            "extra": (self.extra, lambda row: _line("+", row, named)),
        }
        told = {name: kind for name, kind in kinds.items() if kind[0]}
        share = _ROWS // max(len(told), 1)
        shown = [line(one) for ones, line in told.values() for one in ones[:share]]
        left = {name: len(ones) - share for name, (ones, _) in told.items() if len(ones) > share}
        counts = _counted({name: len(ones) for name, (ones, _) in told.items()})
        header = [(" ", *named, "")] if named and any(len(line) > 2 for line in shown) else []
        return "\n".join(
            [
                f"{counts} ({_rows(self.expected_rows)} expected, {self.found_rows} found)",
                *_aligned(header, shown),
                *([f"… and {sum(left.values())} more ({_counted(left)})"] if left else []),
            ]
        )

    def _named(self) -> tuple[str, ...]:
        """The columns that tell rows apart: the key; without one, the first few."""
        if self.key:
            return self.key
        rows = [*(changed.row for changed in self.changed), *self.missing, *self.extra]
        names = dict.fromkeys(name for row in rows for name in row)
        return tuple(names)[:3]


def _line(mark: str, row: Mapping[str, Any], named: Sequence[str]) -> tuple[str, ...]:
    rest = "  ".join(f"{name}: {show(value)}" for name, value in row.items() if name not in named)
    return (mark, *(show(row[name]) if name in row else "" for name in named), rest)


def _changed_line(changed: ChangedRow, named: Sequence[str]) -> tuple[str, ...]:
    cells = "  ".join(f"{cell.column}: {show(cell.expected)} → {show(cell.found)}" for cell in changed.cells)
    return ("~", *(show(changed.row[name]) if name in changed.row else "" for name in named), cells)


def _type_line(wrong: WrongType) -> tuple[str, ...]:
    given = f"{show(wrong.expected)} ({type(wrong.expected).__name__})"
    why = f": {wrong.why}" if wrong.why else ""
    return ("!", f"{wrong.column} is {wrong.type}; expected row {wrong.number} has {given}{why}")


def _duplicate_line(double: Duplicate) -> tuple[str, ...]:
    key = "  ".join(f"{name}: {show(value)}" for name, value in double.key.items())
    return ("!", f"{key} is {'expected' if double.expected else 'found'} {double.times} times")


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _rows(count: int) -> str:
    return f"{count} row" if count == 1 else f"{count} rows"


def _aligned(header: list[tuple[str, ...]], lines: list[tuple[str, ...]]) -> list[str]:
    """Columns side by side; a line of two parts is a sentence, and keeps out of the columns."""
    table = [*header, *(line for line in lines if len(line) > 2)]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)] if table else []
    sentences = [line for line in lines if len(line) == 2]
    return [
        *(_clip(f"{mark} {sentence}", _LINE) for mark, sentence in sentences),
        *(
            _clip(
                "  ".join(_padded(part, width) for part, width in zip(line, widths, strict=True)).rstrip(),
                _LINE,
            )
            for line in table
        ),
    ]


def show(value: Any) -> str:
    """A value as a person tells it from others: texts are quoted, null is ``null``; too wide a one is clipped."""
    return _clip(_written(value), _CELL)


def _written(value: Any) -> str:  # noqa: C901, PLR0911 (a table of types)
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return repr(value)
        case datetime(tzinfo=zone) if zone:
            return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ") + "Z"
        case datetime():
            return value.isoformat(" ")
        case date() | time():
            return value.isoformat()
        case bytes():
            return f"X'{value.hex()}'"
        case Decimal():
            return f"{value:f}"
        case Mapping():
            return "{" + ", ".join(f"{name}: {_written(item)}" for name, item in value.items()) + "}"
        case Sequence():
            return "[" + ", ".join(map(_written, value)) + "]"
    return str(value)


def _width(text: str) -> int:
    """How many columns of a terminal ``text`` takes."""
    return sum(
        0
        if unicodedata.category(letter) in ("Mn", "Me", "Cf")
        else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _clip(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    taken = 0
    for place, letter in enumerate(text):
        taken += _width(letter)
        if taken >= width:
            return text[:place] + "…"
    return text
