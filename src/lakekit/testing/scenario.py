"""What a scenario may say: the shape of the YAML files that are tests, and the JSON schema by which editors know it.

``python -m lakekit.testing.scenario`` prints the schema.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Row = dict[str, Any]
Rows = Annotated[list[Row], Meta(description="The rows: each maps columns to values.")]
Engine = Literal["embedded", "trino"]
Moment = Annotated[
    Any,
    Meta(
        description="Stops the clock of models and queries at an instant, such as 2026-01-05T09:30:00Z; "
        "null lets it go on.",
        extra_json_schema={"type": ["string", "null"]},
    ),
]
_Key = Annotated[
    list[str] | None, Meta(description="What tells rows apart; the model's unique_key if left out.")
]
_Partial = Annotated[bool, Meta(description="Whether there may be other rows.")]
# A number in YAML keeps its digits, and msgspec takes no float that is more than one.
_NUMBER: Final = {"type": "number", "minimum": 0}
_Tolerance = Annotated[
    Any,
    Meta(
        description="How far numbers may be off: in all columns, or by column.",
        extra_json_schema={"anyOf": [_NUMBER, {"type": "object", "additionalProperties": _NUMBER}]},
    ),
]
_File = Annotated[
    str | None,
    Meta(description="A .csv, .json, .jsonl or .parquet file of rows, beside this file or relative to it."),
]
_Fails = Annotated[str | None, Meta(description="It is to fail, with an error that has this text.")]


class Shape(msgspec.Struct, forbid_unknown_fields=True, eq=False):
    """A mapping of a scenario: it has these keys and no others."""


class Given(Shape):
    """Rows inline or of a file, and columns that the source sends from now on."""

    rows: Rows | None = None
    file: _File = None
    new_columns: Annotated[
        dict[str, Any],
        Meta(
            description="Fields that the source sends from now on: their names, and their JSON schemas or types."
        ),
    ] = {}

    def __post_init__(self) -> None:
        _one_of(self, ("rows", "file"))


class Expected(Shape):
    """Rows inline or of a file, and how closely they are to be met."""

    rows: Rows | None = None
    file: _File = None
    key: _Key = None
    partial: _Partial = False
    tolerance: _Tolerance = 0

    def __post_init__(self) -> None:
        _one_of(self, ("rows", "file"))
        _check_tolerance(self.tolerance)


class Build(Shape):
    """Models to build, with what they read."""

    select: Annotated[
        str, Meta(description="Models, with + for all that they read or that reads them; all if left out.")
    ] = ""
    exclude: Annotated[str, Meta(description="Models that are not to be built.")] = ""
    full_refresh: Annotated[bool, Meta(description="Whether to build them from nothing.")] = False
    fails: _Fails = None


class Snapshot(Shape):
    """A table that is to hold what it held when its snapshot was written."""

    table: Annotated[str, Meta(description="A model, or schema.table.")]
    name: Annotated[str, Meta(description="Tells apart two snapshots of one table.")] = ""
    key: _Key = None


class Sql(Shape):
    """A statement of Trino SQL, and the rows that it is to give."""

    statement: Annotated[str, Meta(description="One statement of Trino SQL.")]
    rows: Rows | None = None
    file: _File = None
    key: Annotated[list[str], Meta(description="What tells rows apart.")] = []
    partial: _Partial = False
    tolerance: _Tolerance = 0
    fails: _Fails = None

    def __post_init__(self) -> None:
        if sum(value is not None for value in (self.rows, self.file, self.fails)) > 1:
            raise ValueError("only one of rows, file and fails can be given")
        _check_tolerance(self.tolerance)


class Branch(Shape):
    """Steps on a branch of the lake."""

    steps: Annotated[list[Step], Meta(min_length=1, description="What is done on the branch.")]
    publish: Annotated[bool, Meta(description="Whether the branch is published after its steps.")] = False


class Step(Shape):
    """One step of a scenario: exactly one of these."""

    given: Annotated[
        Annotated[dict[str, Rows | Given], Meta(min_length=1)] | UnsetType,
        Meta(
            description="By source table (shopify.orders), rows of its next sync; by model, the rows that it is to hold. "
            "Rows, or {file: …}."
        ),
    ] = UNSET
    build: Annotated[
        str | Build | UnsetType,
        Meta(
            description="Models to build, with all that they read: names, or {select: …, full_refresh: true}."
        ),
    ] = UNSET
    expect: Annotated[
        Annotated[dict[str, Rows | Expected], Meta(min_length=1)] | UnsetType,
        Meta(
            description="By model or schema.table, all its rows, in any order; only the columns that they name are looked "
            "at, and {not: null} is any value. Rows, or {rows: …, partial: true, tolerance: 0.01}."
        ),
    ] = UNSET
    snapshot: Annotated[
        str | Snapshot | UnsetType,
        Meta(description="A model or schema.table that holds what `pytest --lake-update` wrote of it."),
    ] = UNSET
    sql: Annotated[
        str | Sql | UnsetType,
        Meta(
            description="A statement of Trino SQL, or {statement: …, rows: …} for one that is to give rows."
        ),
    ] = UNSET
    now: Moment = UNSET
    branch: Annotated[
        Annotated[list[Step], Meta(min_length=1)] | Branch | UnsetType,
        Meta(description="Steps on a branch that is thrown away; {steps: …, publish: true} publishes it."),
    ] = UNSET

    def __post_init__(self) -> None:
        said = self._said
        if len(said) != 1:
            raise ValueError(f"a step does one thing, this one {', '.join(said) or 'nothing'}")
        if self.now is not UNSET:
            _check_moment(self.now)

    @property
    def verb(self) -> str:
        """The one thing that it does."""
        return self._said[0]

    @property
    def _said(self) -> list[str]:
        return [name for name in self.__struct_fields__ if getattr(self, name) is not UNSET]


class Scenario(Shape):
    """A test: steps in order, on a lake of its own."""

    name: Annotated[
        str,
        Meta(pattern=r"^(?!.*::)\S(.*\S)?$", description="What the test is called: one line, without ::."),
    ]
    steps: Annotated[list[Step], Meta(min_length=1, description="What happens, in order.")]
    engine: Annotated[
        Engine | list[Engine] | None,
        Meta(
            description="What runs the SQL: embedded, trino, or a list for one test each; the run's if left out."
        ),
    ] = None
    now: Moment = None
    marks: Annotated[
        list[Annotated[str, Meta(pattern=r"^[A-Za-z]\w*$")]],
        Meta(description="pytest's markers for this test, such as slow for `pytest -m slow`."),
    ] = []

    def __post_init__(self) -> None:
        _check_moment(self.now)

    @property
    def engines(self) -> tuple[Engine, ...]:
        """The engines that it names."""
        named = [self.engine] if isinstance(self.engine, str) else self.engine or ()
        return tuple(dict.fromkeys(named))


class Scenarios(Shape):
    """Tests of a lakehouse's models, without Python: each scenario is a test of pytest's."""

    scenarios: Annotated[
        list[Scenario], Meta(min_length=1, description="The tests, each with a name and steps.")
    ]


SHAPES: Final[dict[str, type[Shape]]] = {
    "": Scenarios,
    "scenarios": Scenario,
    "steps": Step,
    "given": Given,
    "build": Build,
    "expect": Expected,
    "snapshot": Snapshot,
    "sql": Sql,
    "branch": Branch,
}
"""What a mapping below a key is."""


def schema() -> str:
    """The JSON schema of scenario files, as text."""
    made = msgspec.json.schema(Scenarios)
    made["$defs"]["Step"] |= {"minProperties": 1, "maxProperties": 1}
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "lakekit scenarios", **made}
    return msgspec.json.format(msgspec.json.encode(made), indent=2).decode() + "\n"


def _one_of(shape: Shape, names: tuple[str, ...]) -> None:
    if sum(getattr(shape, name) is not None for name in names) != 1:
        raise ValueError(f"either {' or '.join(names)} is to be given")


def _check_tolerance(tolerance: Any) -> None:
    limits = tolerance.values() if isinstance(tolerance, dict) else [tolerance]
    if not all(isinstance(limit, (int, float)) and limit >= 0 for limit in limits):
        raise ValueError(f"{tolerance!r} is no tolerance: give a number, 0 or above, or one for each column")


def _check_moment(now: Any) -> None:
    try:
        if now is not None:
            datetime.fromisoformat(now)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{now!r} is no instant") from error


if __name__ == "__main__":
    sys.stdout.write(schema())
