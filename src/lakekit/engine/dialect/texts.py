"""Text, JSON, arrays and maps: bounds, nulls and patterns as Trino has them."""

from __future__ import annotations

import re
from typing import Final

from sqlglot import exp

from . import dates
from .functions import refusal
from .numbers import with_a_whole_digit
from .rule import call, cast_to, is_literal

_NOT_IN_RE2: Final = re.compile(r"\(\?[=!<>]|\\[1-9]|[*+?}]\+|\\[GZ]|\\p\{Is|\[[^\]]*&&")
_NO_GROUPS: Final = re.compile(r"(?s:\\Q.*?(?:\\E|\Z)|\\.|\[\^?\]?(?:\\.|[^\]\\])*\])")
_NUMBERS: Final = ("decimal", "double", "float", "tinyint", "smallint", "int", "bigint")


def beside_literal(node: exp.Expr) -> list[exp.Expr]:
    """All that an expression compares or chooses between, if a literal is among it."""
    match node:
        case exp.In():
            operands = [node.this, *node.expressions]
        case exp.Between():
            operands = [node.this, node.args["low"], node.args["high"]]
        case exp.Case():
            whens = [branch.this for branch in node.args["ifs"]]
            operands = [node.this, *whens] if node.this else []
        case exp.Coalesce() | exp.Greatest() | exp.Least():
            operands = [node.this, *node.expressions]
        case _:
            operands = [node.this, node.expression]
    if any(isinstance(operand, exp.Query | exp.Subquery) for operand in operands):
        return []
    literals = [operand for operand in operands if is_literal(operand)]
    if node.find_ancestor(exp.Lambda):  # whose parameters' types nobody tells
        literals = [literal for literal in literals if literal.is_string]
    return operands if literals else []


def compare(node: exp.Expr, kinds: list[str]) -> None:
    """Refuse text beside anything else: DuckDB would cast, Trino does not."""
    known = {kind for kind in kinds if kind != '"NULL"'}
    others = {kind for kind in known if kind != "VARCHAR" and not kind.startswith("ENUM")}
    if others and others != known:
        raise refusal(node, f"Trino does not put {min(others).lower()} beside varchar", "cast one of them")


def joined(node: exp.Expr) -> list[exp.Expr]:
    """The parts of ``a || b`` and ``concat(a, b)``."""
    return [node.this, node.expression] if isinstance(node, exp.DPipe) else list(node.expressions)


def join(node: exp.Expr, kinds: list[str]) -> None:
    for kind in kinds:
        if kind not in ("VARCHAR", '"NULL"', "BLOB") and not kind.endswith("]"):
            raise refusal(node, f"Trino does not join {kind.lower()} to text", "cast it to varchar")


def upper(node: exp.Expr, _kinds: list[str]) -> None:
    node.replace(call("lk_upper", node.this))


def position(node: exp.Expr, _kinds: list[str]) -> None:
    if node.args.get("position") or node.args.get("occurrence"):
        raise refusal(node, "only the first place can be asked for")


def replace(node: exp.Expr, _kinds: list[str]) -> None:
    sought = node.expression
    if isinstance(sought, exp.Literal) and not sought.name:
        raise refusal(node, "Trino finds the empty text between all letters")


def array_join(node: exp.Expr, kinds: list[str]) -> None:
    """As text, DuckDB has no zero before the point where the decimal has no place for one."""
    if not re.fullmatch(
        r'(VARCHAR|BOOLEAN|TINYINT|SMALLINT|INTEGER|BIGINT|DATE|JSON|DECIMAL.*|"NULL")(\[\])?', kinds[0]
    ):
        raise refusal(node, f"{kinds[0].lower()} reads otherwise as text there", "cast its elements")
    if wider := with_a_whole_digit(kinds[0]):
        node.set("this", cast_to(node.this, wider))


def length(node: exp.Expr, kinds: list[str]) -> None:
    if kinds == ["BLOB"]:
        node.replace(call("octet_length", node.this))


def reverse(node: exp.Expr, kinds: list[str]) -> None:
    if kinds == ['"NULL"']:
        raise refusal(node, "the null has no type", "cast it")
    if kinds and kinds[0].endswith("]"):
        node.replace(call("list_reverse", node.this))
    _no_binary(node, kinds)


def pad(node: exp.Expr, kinds: list[str]) -> None:
    if not node.args.get("fill_pattern"):
        raise refusal(node, "it does not say with what", "' '")
    _no_binary(node, kinds)
    node.set("expression", call("lk_pad_length", node.expression))


def binary(node: exp.Expr, kinds: list[str]) -> None:
    """Hashes and codes of varbinary: DuckDB takes text, too."""
    if kinds and kinds[0] not in ("BLOB", '"NULL"'):
        raise refusal(
            node, f"Trino does not take {kinds[0].lower()}", "" if isinstance(node, exp.Decode) else "to_utf8"
        )


def _no_binary(node: exp.Expr, kinds: list[str]) -> None:
    if kinds == ["BLOB"]:
        raise refusal(node, "varbinary is not supported", "from_utf8, where it is text")


def extreme(node: exp.Expr, _kinds: list[str]) -> None:
    """Trino answers null where a null is among the elements."""
    node.replace(call("lk_array_max" if isinstance(node, exp.ArrayMax) else "lk_array_min", node.this))


def substring(node: exp.Expr, kinds: list[str]) -> None:
    _no_binary(node, kinds)
    length = node.args.get("length")
    name = "lk_substr_of" if length else "lk_substr"
    node.replace(call(name, node.this, node.args["start"], *([length] if length else [])))


def split(node: exp.Expr, _kinds: list[str]) -> None:
    if node.args.get("limit"):
        raise refusal(node, "a limit is not supported", "split_part")


def split_part(node: exp.Expr, _kinds: list[str]) -> None:
    node.replace(call("lk_split_part", node.this, node.args["delimiter"], node.args["part_index"]))


def regular_expression(node: exp.Expr, _kinds: list[str]) -> None:
    pattern = node.expression
    if not isinstance(pattern, exp.Literal):
        raise refusal(node, "only a pattern that is written out can be judged")
    if _NOT_IN_RE2.search(pattern.name):
        raise refusal(node, "the pattern looks around, refers back or is possessive")


def regexp_extract(node: exp.Expr, kinds: list[str]) -> None:
    regular_expression(node, kinds)
    group = node.args.get("group")
    if group and not (isinstance(group, exp.Literal) and int(group.name) <= _groups(node.expression.name)):
        raise refusal(node, "the pattern has no such group")
    if group and group.name != "0" and re.search(r"[?|*]", node.expression.name):
        raise refusal(node, "a group that takes no part is empty there, and null in Trino")
    node.replace(call("lk_regexp_extract", node.this, node.expression, group or 0))


def _groups(pattern: str) -> int:
    """How many groups a pattern has that looks neither around nor names them."""
    return len(re.findall(r"\((?!\?)", _NO_GROUPS.sub("", pattern)))


def regexp_replace(node: exp.Expr, kinds: list[str]) -> None:
    regular_expression(node, kinds)
    replacement = node.args.get("replacement") or exp.Literal.string("")
    if not isinstance(replacement, exp.Literal) or "\\" in replacement.name or "${" in replacement.name:
        raise refusal(node, "only a plain replacement is supported, with $1 for a group")
    groups = re.sub(r"\$(\d)", r"\\\1", replacement.name)
    node.replace(call("regexp_replace", node.this, node.expression, groups, "g"))


def json_scalar(node: exp.Expr, _kinds: list[str]) -> None:
    # Where a number is read out of it at once, it does not matter how the number is written.
    parent = node.parent
    as_number = isinstance(parent, exp.Cast) and parent.args["to"].is_type(*_NUMBERS)
    node.replace(call("lk_json_scalar" if as_number else "lk_json_text", node.this, _path(node)))


def json_part(node: exp.Expr, _kinds: list[str]) -> None:
    node.replace(call("json_extract", node.this, _path(node)))


def _path(node: exp.Expr) -> str:
    """A JSON path in DuckDB's words, every key quoted."""
    path = node.expression
    steps = path.expressions[1:] if isinstance(path, exp.JSONPath) else [path]
    written = "$"
    for step in steps:
        if isinstance(step, exp.JSONPathKey) and isinstance(step.this, str):
            written += '."' + step.this.replace('"', '\\"') + '"'
        elif isinstance(step, exp.JSONPathSubscript) and isinstance(step.this, int):
            written += f"[{step.this}]"
        else:
            raise refusal(node, "only a path of keys and positions that is written out is supported")
    return written


def cardinality(node: exp.Expr, kinds: list[str]) -> None:
    node.replace(cast_to(call("cardinality" if kinds[0].startswith("MAP") else "len", node.this), "bigint"))


def contains(node: exp.Expr, _kinds: list[str]) -> None:
    node.replace(call("lk_contains", node.this, node.expression))


def array_slice(node: exp.Expr, _kinds: list[str]) -> None:
    node.replace(call("lk_slice", node.this, node.args["start"], node.args["end"]))


def subscript(node: exp.Expr, kinds: list[str]) -> None:
    """``a[i]``, which fails where there is nothing, and ``element_at``, which is null there."""
    (index,) = node.expressions
    safe = node.args.get("safe")
    if kinds[0].startswith("MAP"):
        # sqlglot counts from 0 where the index is a number.
        node.replace(
            exp.Bracket(this=node.this, expressions=[_from_one(node)])
            if safe
            else call("lk_map_subscript", node.this, _from_one(node))
        )
    elif kinds[0].endswith("]"):
        node.replace(call("lk_element_at" if safe else "lk_subscript", node.this, _from_one(node)))
    else:
        raise refusal(
            node, f"{kinds[0].lower()} has no elements; index {index.sql('trino')}", "name the field"
        )


def _from_one(node: exp.Expr) -> exp.Expr:
    """The index as it was written: sqlglot has taken one from a number, to count from 0."""
    index = node.expressions[0]
    assert isinstance(index, exp.Expr)
    if node.args.get("offset") is not None:
        return index
    if isinstance(index, exp.Literal) and not index.is_string:
        return exp.Literal.number(int(index.name) + 1)
    if isinstance(index, exp.Neg):
        return exp.Literal.number(1 - int(index.this.name))
    return index


def row(node: exp.Expr, _kinds: list[str]) -> None:
    """Fields without names have none in Trino; DuckDB's are numbered."""
    fields = [
        value
        if isinstance(value, exp.PropertyEQ)
        else exp.PropertyEQ(this=exp.to_identifier(f"field{n}"), expression=value)
        for n, value in enumerate(node.expressions)
    ]
    if not isinstance(node.parent, exp.Cast):
        node.replace(exp.Struct(expressions=fields))


def arg_extreme(node: exp.Expr, _kinds: list[str]) -> None:
    """Trino answers with the row's value even where that is null."""
    if node.args.get("count"):
        raise refusal(node, "several values at once are not supported")
    node.replace(
        call("arg_max_null" if isinstance(node, exp.ArgMax) else "arg_min_null", node.this, node.expression)
    )


def by_name(node: exp.Expr, kinds: list[str]) -> None:
    """The functions that sqlglot has no class for."""
    match str(node.this).lower():
        case "at_timezone":
            zoned = exp.AtTimeZone(this=node.expressions[0], zone=node.expressions[1])
            node.replace(zoned)
            dates.at_time_zone(zoned, kinds)
        case "millisecond":
            node.replace(
                exp.paren(
                    exp.Mod(
                        this=call("millisecond", node.expressions[0]), expression=exp.Literal.number(1000)
                    )
                )
            )
        case "json_array_length":
            node.replace(call("lk_json_array_length", node.expressions[0]))
