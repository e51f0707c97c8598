"""LK5: what belongs to a model beside its SQL, and still fits it."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, Final

from ... import streams
from ...naming import META_COLUMNS, Layer
from .. import catalogs
from ..findings import Edit, Fix, Problem
from ..registry import rule
from ..sql import Broken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...streams import Stream
    from ..facts import Facts
    from ..subjects import Model, PropertiesFile, Reference


@rule("LK501", layer=Layer.STREAMS)
def schema_reference_missing(model: Model, facts: Facts) -> Iterator[Problem]:
    """Each table that a staging model reads has a schema reference beside it: ``streams/<source>/<stream>.json``.

    It is one stream of what the connector's ``discover`` prints: the contract between the source and the models; tests type
    their rows by it. ``--fix`` takes it out of the configured catalog, where there is one.
    """
    for call in model.sql.sources:
        if facts.reference(call.source, call.table) is None:
            yield Problem(
                f"'{call.source}.{call.table}' has no schema reference {call.table}.json",
                call.start,
                call.end,
                _from_catalog(model, call.source, call.table, facts),
            )


@rule("LK502", layer=Layer.STREAMS)
def schema_reference_drift(model: Model, facts: Facts) -> Iterator[Problem]:
    """What a staging model reads is in the schema references of its tables.

    Otherwise one of them has moved on without the other: the model fails as soon as it is built.
    """
    found = [facts.reference(call.source, call.table) for call in model.sql.sources]
    known = set(META_COLUMNS)
    for path in found:
        fields = facts.fields(path) if path else None
        if fields is None or isinstance(fields, Broken):
            return
        known.update(fields)
    sql = model.sql
    if not found or sql.dynamic:
        return
    if sql.staging and all(name[0].isdigit() for name in sql.staging.names.difference(sql.called, known)):
        return
    tables = ", ".join(f"{call.source}.{call.table}" for call in model.sql.sources)
    for name, start, end in facts.staging(model).fields:
        if name not in known:
            yield Problem(f"the schema reference of {tables} has no field '{name}'", start, end)


@rule("LK503")
def undocumented(model: Model, facts: Facts) -> Iterator[Problem]:
    """Each model has a description in a file of properties."""
    entry = model.entry
    if not model.is_hidden and (entry is None or not entry.described):
        yield Problem(f"'{model.name}' is described nowhere")


@rule("LK504")
def entry_without_model(file: PropertiesFile, facts: Facts) -> Iterator[Problem]:
    """An entry of a file of properties is of a model that is there, and the only one of it.

    Of two entries of a model, dbt builds neither.
    """
    told: set[str] = set()
    for entry in file.properties.entries:
        if entry.section != "models":
            continue
        if not facts.is_taken(entry.name):
            yield Problem(f"there is no model '{entry.name}'", entry.start, entry.end)
        elif entry.name in told:
            yield Problem(f"'{entry.name}' has two entries in this file", entry.start, entry.end)
        elif others := [path for path in facts.entries(entry.name) if path != file.path]:
            other = os.path.relpath(others[0], facts.folder)
            yield Problem(f"'{entry.name}' has an entry in {other}, too", entry.start, entry.end)
        told.add(entry.name)


@rule("LK505", layer=Layer.CORE)
def key_untested(model: Model, facts: Facts) -> Iterator[Problem]:
    """The key of a core model is tested: ``unique`` and ``not_null``; a key of several columns by a test of its own.

    A merge by a key that is not one loses rows or doubles them.
    """
    key = model.config("unique_key")
    columns = [key] if isinstance(key, str) and key else key
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        return
    if model.is_hidden:
        return
    entry = model.entry
    tests = {column.name.lower(): column.tests for column in entry.columns} if entry else {}
    missing = [f"not_null of {name}" for name in columns if "not_null" not in tests.get(name.lower(), ())]
    if len(columns) == 1 and "unique" not in tests.get(columns[0].lower(), ()):
        missing.insert(0, f"unique of {columns[0]}")
    elif len(columns) > 1 and not any("unique" in test for test in (entry.tests if entry else ())):
        missing.insert(0, f"that ({', '.join(columns)}) is unique")
    if missing:
        calls = [call for call in model.sql.configurations if "unique_key" in call.values]
        place = (calls[0].start, calls[0].end) if calls else (0, 0)
        yield Problem(f"no test of the key of '{model.name}': {', '.join(missing)}", *place)


@rule("LK506")
def schema_reference_differs(reference: Reference, facts: Facts) -> Iterator[Problem]:
    """A schema reference agrees with the source's configured Airbyte catalog, where the project holds one.

    Compared are the fields and their types, the primary key and the cursor. A catalog that cannot be read is told once a folder,
    at the first reference. Where a catalog is, is ``lint.catalogs``:
    ``{source}.json`` in the project's folder unless it says otherwise.
    """
    catalog = facts.catalog(reference.folder)
    if catalog is None or isinstance(ours := facts.stream(reference.path), Broken):
        return
    name = os.path.relpath(catalog, facts.root)
    try:
        configured = facts.configured(catalog)
    except catalogs.NoCatalog as error:
        folder = os.path.dirname(reference.path)
        if reference.path == next(one for one in facts.files.references if os.path.dirname(one) == folder):
            yield Problem(f"{name} is no configured Airbyte catalog: {error}")
        return
    if ours.name not in configured:
        yield Problem(f"{name} has no stream '{ours.name}'", *_at(reference.text, "name"))
        return
    try:
        theirs = catalogs.stream(configured[ours.name])
    except ValueError as error:
        yield Problem(f"'{ours.name}' in {name} is no stream: {error}", *_at(reference.text, "name"))
        return
    yield from _differences(reference, ours, theirs, name)


def _differences(reference: Reference, ours: Stream, theirs: Stream, name: str) -> Iterator[Problem]:
    for field, schema in ours.properties.items():
        if field not in theirs.properties:
            yield Problem(f"{name} has no field '{field}' in '{ours.name}'", *_field(reference, field))
        elif _kind(schema) != _kind(theirs.properties[field]):
            yield Problem(
                f"'{field}' is {_kind(schema)} here, {_kind(theirs.properties[field])} in {name}",
                *_field(reference, field),
            )
    if missing := [field for field in theirs.properties if field not in ours.properties]:
        yield Problem(
            f"'{ours.name}' in {name} also has {', '.join(missing)}",
            *_at(reference.text, "json_schema", "properties"),
        )
    if theirs.key and ours.key != theirs.key:
        yield Problem(
            f"the primary key is ({', '.join(theirs.key)}) in {name}",
            *_at(reference.text, "source_defined_primary_key"),
        )
    if theirs.cursor and ours.cursor != theirs.cursor:
        yield Problem(
            f"the cursor is {theirs.cursor} in {name}", *_at(reference.text, "default_cursor_field")
        )


def _from_catalog(model: Model, source: str, table: str, facts: Facts) -> Fix | None:
    """What writes a table's schema reference as the source's configured catalog has it."""
    catalog = facts.catalog(source)
    try:
        configured = facts.configured(catalog) if catalog else {}
        found = next((one for name, one in configured.items() if name.lower() == table.lower()), None)
        if found is None:
            return None
        name = streams.stream(found["stream"]).name
    except (catalogs.NoCatalog, ValueError):  # LK506 tells, as soon as there is a reference
        return None
    path = os.path.join(os.path.dirname(model.path), f"{name}.json")
    text = json.dumps(found["stream"], indent=2, ensure_ascii=False) + "\n"
    return Fix(f"take {name}.json out of the catalog", (Edit(path, 0, 0, text),))


def _field(reference: Reference, name: str) -> tuple[int, int]:
    return _at(reference.text, "json_schema", "properties", name)


def _kind(schema: Any) -> str:
    """A JSON schema's type without null, and its format."""
    if not isinstance(schema, dict):
        return "anything"
    given = schema.get("type", "anything")
    names = sorted(set(map(str, given if isinstance(given, list) else [given])) - {"null"})
    return " or ".join(names) + (f" ({schema['format']})" if "format" in schema else "")


_JSON: Final = re.compile(r'("(?:[^"\\]|\\.)*+")(\s*:)?|[{}\[\]]')


def _at(text: str, *keys: str) -> tuple[int, int]:
    """Where a JSON file has the last of ``keys``, each within the one before it."""
    depth, found = 0, 0
    for part in _JSON.finditer(text):
        if not part[1]:
            depth += 1 if part[0] in "{[" else -1
        elif part[2] and depth == found + 1 and json.loads(part[1]) == keys[found]:
            found += 1
            if found == len(keys):
                return part.span(1)
    return 0, 0
