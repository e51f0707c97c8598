"""Entries of dbt's YAML: written as text, so that what others wrote, and its comments, stay as they are."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final

import yaml

from ..blockyaml import dump
from ..errors import UsageError
from ..naming import EXTRACTED_AT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .files import Files

WATERMARK: Final = {
    "name": EXTRACTED_AT,
    "description": "When the connector read the record, in milliseconds since 1970: the watermark of incremental builds.",
}


def model(
    name: str, description: str, columns: Sequence[dict[str, Any]], key: Sequence[str]
) -> dict[str, Any]:
    """A model's entry, whose key is tested."""
    tested = [_tested(column, key) if column["name"] in key else column for column in columns]
    entry: dict[str, Any] = {"name": name, "description": description}
    if len(key) > 1:
        unique = {"arguments": {"combination_of_columns": list(key)}}
        entry["data_tests"] = [{"lakekit.unique_combination_of_columns": unique}]
    return {**entry, "columns": tested}


def _tested(column: dict[str, Any], key: Sequence[str]) -> dict[str, Any]:
    return {**column, "data_tests": ["not_null", "unique"] if len(key) == 1 else ["not_null"]}


def add(files: Files, file: Path, place: Sequence[str | int], outline: Any, entries: Sequence[Any]) -> None:
    """Put entries at the end of the list at ``place`` of a YAML file, or into a new file, which is ``outline``.

    ``place`` is a way through mappings, by their keys, and lists, by the ``name`` of an entry. Raises ``UsageError`` where
    the file has no such list in lines of its own.
    """
    if not file.exists():
        files.new(file, dump(outline))
        return
    try:
        before = file.read_bytes().decode("utf-8-sig")  # with its own ends of lines
        after = _appended(before, place, entries)
    except (yaml.YAMLError, LookupError, TypeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{file} cannot be added to.",
            why=f"it has no list of {place[-1]} with a line for each: {error}",
            todo=f"write it so, or put this there yourself:\n{dump(list(entries))}",
        ) from error
    files.change(file, before, after)


def _appended(before: str, place: Sequence[str | int], entries: Sequence[Any]) -> str:
    node, held = yaml.compose(before, Loader=yaml.SafeLoader), yaml.safe_load(before)
    inner = held
    for step in place:
        node, inner = _child(node, inner, str(step))
    if not isinstance(node, yaml.SequenceNode) or node.flow_style or not node.value:
        raise LookupError("it is written in brackets, or empty")
    end, column = node.end_mark.index, node.start_mark.column
    lines = before[:end].split("\n")
    # Blank lines and comments that follow the list are not of it.
    while not lines[-1].strip() or (
        lines[-1].lstrip().startswith("#") and len(lines[-1]) - len(lines[-1].lstrip()) <= column
    ):
        lines.pop()
    kept = "\n".join(lines)
    added = textwrap.indent(dump(list(entries)), " " * column)
    end_of_line = "\r\n" if "\r\n" in before else "\n"
    added = added.replace("\n", end_of_line)
    rest = before[len(kept) :].removeprefix(end_of_line).removeprefix("\n")
    after = f"{kept.removesuffix(chr(13))}{end_of_line}{added}{rest}"
    inner.extend(entries)
    if yaml.safe_load(after) != held:
        raise LookupError("what follows the list would be read otherwise")
    return after


def _child(node: Any, held: Any, step: str) -> tuple[Any, Any]:
    if isinstance(node, yaml.MappingNode):
        values = {key.value: value for key, value in node.value}
        return values[step], held[step]
    for one, of in zip(node.value, held, strict=True):
        if of["name"] == step:
            return one, of
    raise KeyError(step)
