"""Table metadata as plain JSON: a new table's, and the updates that a commit sends.

Format: the Iceberg table spec, version 2, and the updates of the Iceberg REST catalog's OpenAPI specification. What
is not known here is refused, never ignored. Nothing is changed in place: what an update leaves alone is shared.
"""

from __future__ import annotations

import itertools
import uuid
from typing import TYPE_CHECKING, Final

from .refusals import BadUpdate, CommitConflict
from .updates import FORMAT, Draft, columns_of, now

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .files import Json

_LOG_LENGTH: Final = "write.metadata.previous-versions-max"
_FIRST_PARTITION_FIELD: Final = 1000

# For each of these requirements, what of the metadata it speaks of.
_ASSERTED: Final = {
    "assert-last-assigned-field-id": "last-column-id",
    "assert-current-schema-id": "current-schema-id",
    "assert-last-assigned-partition-id": "last-partition-id",
    "assert-default-spec-id": "default-spec-id",
    "assert-default-sort-order-id": "default-sort-order-id",
}

_EMPTY: Final[Json] = {
    "format-version": FORMAT,
    "last-sequence-number": 0,
    "last-column-id": 0,
    "schemas": [],
    "partition-specs": [],
    "last-partition-id": _FIRST_PARTITION_FIELD - 1,
    "sort-orders": [],
    "properties": {},
    "snapshots": [],
    "snapshot-log": [],
    "metadata-log": [],
    "refs": {},
}


def new_table(
    location: str, schema: Json, spec: Json | None, order: Json | None, properties: dict[str, str]
) -> Json:
    """A table without rows, its columns numbered anew: a writer's numbers need not be sound."""
    ids = itertools.count(1)
    numbers: dict[int, int] = {}
    fresh = _renumbered({"type": "struct", "fields": schema["fields"]}, ids, numbers)
    assert isinstance(fresh, dict)
    keys = [numbers[n] for n in schema.get("identifier-field-ids") or ()]
    fields = [
        {**field, "source-id": _number(numbers, field), "field-id": _FIRST_PARTITION_FIELD + n}
        for n, field in enumerate((spec or {}).get("fields", ()))
    ]
    sorting = [{**field, "source-id": _number(numbers, field)} for field in (order or {}).get("fields", ())]
    kept = dict(properties)
    if (version := int(kept.pop("format-version", FORMAT))) != FORMAT:
        raise BadUpdate(f"A table of format version {version} cannot be made.", why=f"only {FORMAT} is known")
    metadata = _EMPTY | {
        "table-uuid": str(uuid.uuid4()),
        "location": location,
        "last-updated-ms": now(),
        "last-column-id": next(ids) - 1,
        "schemas": [{**fresh, "schema-id": 0, "identifier-field-ids": keys}],
        "current-schema-id": 0,
        "partition-specs": [{"spec-id": 0, "fields": fields}],
        "default-spec-id": 0,
        "last-partition-id": _FIRST_PARTITION_FIELD - 1 + len(fields),
        "sort-orders": [{"order-id": 1 if sorting else 0, "fields": sorting}],
        "default-sort-order-id": 1 if sorting else 0,
        "properties": kept,
    }
    _must_fit(metadata)
    return metadata


def apply(base: Json | None, updates: Sequence[Json], location: str | None = None) -> Json:
    """What ``updates`` make of a table's metadata, which lies at ``location``; without ``base``, of a new table's.

    Raises ``BadUpdate``. Where nothing changes, the answer equals ``base``.
    """
    if base is not None and base["format-version"] != FORMAT:
        raise BadUpdate(
            f"A table of format version {base['format-version']} cannot be changed.",
            why=f"only {FORMAT} is known",
        )
    draft = Draft(base or _EMPTY)
    for update in updates:
        draft.apply(update)
    metadata = draft.table
    if base is not None and metadata == base:
        return base
    for required in (
        "table-uuid",
        "location",
        "current-schema-id",
        "default-spec-id",
        "default-sort-order-id",
    ):
        if required not in metadata:
            raise BadUpdate(f"The table would have no {required}.")
    _must_fit(metadata)
    if base is not None and location is not None:
        entry = {"metadata-file": location, "timestamp-ms": base["last-updated-ms"]}
        length = max(1, int(metadata["properties"].get(_LOG_LENGTH, 100)))
        metadata["metadata-log"] = [*metadata.get("metadata-log", ()), entry][-length:]
    if metadata.get("last-updated-ms") == (base or {}).get("last-updated-ms"):
        metadata["last-updated-ms"] = now()
    return metadata


def check(base: Json | None, requirements: Sequence[Json]) -> None:
    """Raise ``CommitConflict`` unless a table (None: one that is not there) is what a writer took it for."""
    for requirement in requirements:
        kind = requirement.get("type")
        if kind == "assert-create":
            if base is not None:
                raise CommitConflict("The table is there already.")
            continue
        if base is None:
            raise CommitConflict("The table is not there.")
        if kind == "assert-table-uuid":
            expected, found = requirement["uuid"], base["table-uuid"]
        elif kind == "assert-ref-snapshot-id":
            expected = requirement.get("snapshot-id")
            found = base.get("refs", {}).get(requirement["ref"], {}).get("snapshot-id")
        elif kind in _ASSERTED:
            name = _ASSERTED[kind]
            expected, found = requirement[kind.removeprefix("assert-")], base.get(name)
        else:
            raise BadUpdate(f"The requirement '{kind}' is not known here.")
        if expected != found:
            raise CommitConflict("The table has changed.", why=f"{kind}: expected {expected}, found {found}")


def current_schema(metadata: Json) -> Json:
    """The schema that a table's next rows have."""
    current = metadata["current-schema-id"]
    schema: Json = next(schema for schema in metadata["schemas"] if schema["schema-id"] == current)
    return schema


def _renumbered(kind: Json | str, ids: Iterator[int], numbers: dict[int, int]) -> Json | str:
    """A type with the numbers of all columns within it given out anew, those of a row side by side."""
    if isinstance(kind, str):
        return kind

    def fresh(old: int) -> int:
        numbers[old] = next(ids)
        return numbers[old]

    match kind["type"]:
        case "struct":
            news = [fresh(field["id"]) for field in kind["fields"]]
            fields = [
                {**field, "id": new, "type": _renumbered(field["type"], ids, numbers)}
                for new, field in zip(news, kind["fields"], strict=True)
            ]
            return {**kind, "fields": fields}
        case "list":
            element = fresh(kind["element-id"])
            return {**kind, "element-id": element, "element": _renumbered(kind["element"], ids, numbers)}
        case "map":
            key, value = fresh(kind["key-id"]), fresh(kind["value-id"])
            inner = {part: _renumbered(kind[part], ids, numbers) for part in ("key", "value")}
            return {**kind, "key-id": key, "value-id": value, **inner}
    raise BadUpdate(f"There is no type '{kind['type']}'.")


def _must_fit(metadata: Json) -> None:
    """Refuse partitions and orders by what is no plain column of the current schema."""
    kinds = columns_of(current_schema(metadata))
    for part, id_, current in (
        ("partition-specs", "spec-id", "default-spec-id"),
        ("sort-orders", "order-id", "default-sort-order-id"),
    ):
        used = next(one for one in metadata[part] if one[id_] == metadata[current])
        for field in used["fields"]:
            if field["transform"] != "void" and not isinstance(kinds.get(field["source-id"]), str):
                raise BadUpdate(
                    f"Column {field['source-id']} cannot be taken away, or be nested.",
                    why=f"the table's {part} use it",
                )


def _number(numbers: dict[int, int], field: Json) -> int:
    if field["source-id"] not in numbers:
        raise BadUpdate(f"There is no column {field['source-id']} to partition or order by.")
    return numbers[field["source-id"]]
