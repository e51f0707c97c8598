"""Trino's types in Arrow, as both engines return them."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
from sqlglot import exp

_T = exp.DataType.Type
_SIMPLE: Final = {
    _T.BOOLEAN: pa.bool_(),
    _T.TINYINT: pa.int8(),
    _T.SMALLINT: pa.int16(),
    _T.INT: pa.int32(),
    _T.BIGINT: pa.int64(),
    _T.FLOAT: pa.float32(),
    _T.DOUBLE: pa.float64(),
    _T.VARCHAR: pa.string(),
    _T.CHAR: pa.string(),
    _T.TEXT: pa.string(),
    _T.JSON: pa.string(),
    _T.UUID: pa.string(),
    _T.VARBINARY: pa.binary(),
    _T.DATE: pa.date32(),
    _T.TIME: pa.time64("us"),
    _T.TIMESTAMP: pa.timestamp("us"),
    _T.TIMESTAMPTZ: pa.timestamp("us", "UTC"),
    _T.NULL: pa.null(),
}


def arrow_type(trino_type: str) -> pa.DataType:
    """The Arrow type of a Trino type as its client names it: ``array(row(x decimal(18, 2)))``.

    Raises ValueError for a type that no query of a lake gives (intervals, sketches).
    """
    if trino_type == "unknown":
        return pa.null()
    return _arrow(exp.DataType.build(trino_type, dialect="trino"))


def _arrow(type_: exp.DataType) -> pa.DataType:
    arguments = type_.expressions
    match type_.this:
        case _T.DECIMAL:
            precision, scale = (int(argument.name) for argument in arguments)
            return pa.decimal128(precision, scale)
        case _T.ARRAY:
            return pa.list_(_arrow(arguments[0]))
        case _T.MAP:
            return pa.map_(_arrow(arguments[0]), _arrow(arguments[1]))
        case _T.STRUCT:
            return pa.struct([_field(index, argument) for index, argument in enumerate(arguments)])
        case simple if simple in _SIMPLE:
            return _SIMPLE[simple]
    msg = f"no Arrow type for {type_.sql(dialect='trino')}"
    raise ValueError(msg)


def _field(index: int, argument: exp.Expression) -> pa.Field:
    if isinstance(argument, exp.DataType):  # a row's field need not have a name
        return pa.field(f"field{index}", _arrow(argument))
    return pa.field(argument.name, _arrow(argument.args["kind"]))
