"""The updates that a commit may send, applied to a table's metadata one after the other.

Names and forms: the Iceberg REST catalog's OpenAPI specification. A method is an update, its arguments the update's
fields: what no method takes is refused.
"""

from __future__ import annotations

import inspect
import time
from typing import TYPE_CHECKING, Final

from .refusals import BadUpdate

if TYPE_CHECKING:
    from collections.abc import Callable

    from .files import Json

FORMAT: Final = 2
"""The only format version of tables that is written here."""

LAST_ADDED: Final = -1
"""In place of an id: that of what was added last in the same commit."""


class Draft:
    """A table's metadata, and what of it this commit has added."""

    def __init__(self, base: Json) -> None:
        self.table = dict(base)
        self.added: dict[str, list[int]] = {
            "schemas": [],
            "partition-specs": [],
            "sort-orders": [],
            "snapshots": [],
        }

    def apply(self, update: Json) -> None:
        """Apply one update as the specification writes it; its fields are a method's arguments."""
        values = {field.replace("-", "_"): value for field, value in update.items()}
        name = values.pop("action", None)
        method = _UPDATES.get(name)
        if method is None:
            raise BadUpdate(
                f"The update '{name}' is not known here.", why=f"known are: {', '.join(_UPDATES)}"
            )
        try:
            inspect.signature(method).bind(self, **values)
        except TypeError as error:
            raise BadUpdate(f"The update '{name}' is not of the known form.", why=str(error)) from error
        method(self, **values)

    def assign_uuid(self, uuid: str) -> None:
        if self.table.setdefault("table-uuid", uuid) != uuid:
            raise BadUpdate("A table's uuid cannot be changed.")

    def upgrade_format_version(self, format_version: int) -> None:
        if format_version != FORMAT:
            raise BadUpdate(
                f"A table cannot be of format version {format_version}.", why=f"only {FORMAT} is known"
            )

    def set_location(self, location: str) -> None:
        self.table["location"] = location

    def set_properties(self, updates: dict[str, str]) -> None:
        self.table["properties"] = self.table.get("properties", {}) | {k: str(v) for k, v in updates.items()}

    def remove_properties(self, removals: list[str]) -> None:
        held = self.table.get("properties", {})
        self.table["properties"] = {name: value for name, value in held.items() if name not in removals}

    def add_schema(self, schema: Json, last_column_id: int | None = None) -> None:
        del last_column_id  # deprecated by the specification: it is told by the schema
        self._add("schemas", "schema-id", {"identifier-field-ids": [], **schema})
        self.table["last-column-id"] = max(self.table["last-column-id"], *columns_of(schema), 0)

    def set_current_schema(self, schema_id: int) -> None:
        self._choose("current-schema-id", "schemas", "schema-id", schema_id)

    def remove_schemas(self, schema_ids: list[int]) -> None:
        self._remove("schemas", "schema-id", schema_ids, self.table["current-schema-id"])

    def add_spec(self, spec: Json) -> None:
        self._add("partition-specs", "spec-id", spec)
        numbers = (field["field-id"] for field in spec["fields"])
        self.table["last-partition-id"] = max(self.table["last-partition-id"], *numbers, 0)

    def set_default_spec(self, spec_id: int) -> None:
        self._choose("default-spec-id", "partition-specs", "spec-id", spec_id)

    def remove_partition_specs(self, spec_ids: list[int]) -> None:
        self._remove("partition-specs", "spec-id", spec_ids, self.table["default-spec-id"])

    def add_sort_order(self, sort_order: Json) -> None:
        self._add("sort-orders", "order-id", sort_order)

    def set_default_sort_order(self, sort_order_id: int) -> None:
        self._choose("default-sort-order-id", "sort-orders", "order-id", sort_order_id)

    def add_snapshot(self, snapshot: Json) -> None:
        number, last = snapshot.get("sequence-number", 0), self.table["last-sequence-number"]
        if not (self.table["schemas"] and self.table["partition-specs"] and self.table["sort-orders"]):
            raise BadUpdate("A snapshot needs a schema, a partition spec and a sort order.")
        if any(snapshot["snapshot-id"] == held["snapshot-id"] for held in self.table.get("snapshots", ())):
            raise BadUpdate(f"There is a snapshot {snapshot['snapshot-id']} already.")
        if number <= last and snapshot.get("parent-snapshot-id") is not None:
            raise BadUpdate(f"Sequence number {number} is not after {last}.")
        self.added["snapshots"].append(snapshot["snapshot-id"])
        self.table |= {
            "snapshots": [*self.table.get("snapshots", ()), snapshot],
            "last-sequence-number": number,
            "last-updated-ms": snapshot["timestamp-ms"],
        }

    def set_snapshot_ref(self, ref_name: str, type: str, snapshot_id: int, **kept: int | None) -> None:  # noqa: A002
        if unknown := kept.keys() - {"max_ref_age_ms", "max_snapshot_age_ms", "min_snapshots_to_keep"}:
            raise BadUpdate(f"A snapshot's ref has no {', '.join(sorted(unknown))}.")
        ages = {name.replace("_", "-"): value for name, value in kept.items() if value is not None}
        ref = {"snapshot-id": snapshot_id, "type": type, **ages}
        if self.table.get("refs", {}).get(ref_name) == ref:
            return
        snapshot = self._found("snapshots", "snapshot-id", snapshot_id)
        new = snapshot_id in self.added["snapshots"]
        if new:
            self.table["last-updated-ms"] = snapshot["timestamp-ms"]
        if ref_name == "main":
            at = snapshot["timestamp-ms"] if new else now()
            entry = {"snapshot-id": snapshot_id, "timestamp-ms": at}
            self.table |= {
                "current-snapshot-id": snapshot_id,
                "last-updated-ms": at,
                "snapshot-log": [*self.table.get("snapshot-log", ()), entry],
            }
        self.table["refs"] = self.table.get("refs", {}) | {ref_name: ref}

    def remove_snapshot_ref(self, ref_name: str) -> None:
        held = self.table.get("refs", {})
        if ref_name in held:
            self.table["refs"] = {name: ref for name, ref in held.items() if name != ref_name}
            if ref_name == "main":
                self.table.pop("current-snapshot-id", None)

    def remove_snapshots(self, snapshot_ids: list[int]) -> None:
        gone = set(snapshot_ids)
        for one in snapshot_ids:
            self._found("snapshots", "snapshot-id", one)
        for name, ref in list(self.table.get("refs", {}).items()):
            if ref["snapshot-id"] in gone:
                self.remove_snapshot_ref(name)
        for part in ("snapshots", "snapshot-log", "statistics", "partition-statistics"):
            if part in self.table:
                self.table[part] = [one for one in self.table[part] if one["snapshot-id"] not in gone]
        self.table["snapshots"] = [
            {name: value for name, value in one.items() if name != "parent-snapshot-id" or value not in gone}
            for one in self.table["snapshots"]
        ]

    def set_statistics(self, statistics: Json, snapshot_id: int | None = None) -> None:
        del snapshot_id  # deprecated by the specification: it is told by the statistics
        self._set_for_snapshot("statistics", statistics)

    def set_partition_statistics(self, partition_statistics: Json) -> None:
        self._set_for_snapshot("partition-statistics", partition_statistics)

    def remove_statistics(self, snapshot_id: int) -> None:
        self._remove("statistics", "snapshot-id", [snapshot_id])

    def remove_partition_statistics(self, snapshot_id: int) -> None:
        self._remove("partition-statistics", "snapshot-id", [snapshot_id])

    def _set_for_snapshot(self, part: str, file: Json) -> None:
        others = [one for one in self.table.get(part, ()) if one["snapshot-id"] != file["snapshot-id"]]
        self.table[part] = [*others, file]

    def _add(self, part: str, id_: str, what: Json) -> None:
        same = [held for held in self.table[part] if held[id_] == what[id_]]
        if same and _without_nothings(same[0]) != _without_nothings(what):
            raise BadUpdate(f"There is another {id_} {what[id_]} already.")
        if not same:
            self.table[part] = [*self.table[part], what]
        self.added[part].append(what[id_])

    def _choose(self, current: str, part: str, id_: str, value: int) -> None:
        if value == LAST_ADDED:
            if not self.added[part]:
                raise BadUpdate(f"The commit adds none of {part}: there is no last one.")
            value = self.added[part][-1]
        self._found(part, id_, value)
        self.table[current] = value

    def _remove(self, part: str, id_: str, values: list[int], current: int | None = None) -> None:
        for value in values:
            self._found(part, id_, value)
            if value == current:
                raise BadUpdate(f"{id_} {value} is in use: it cannot be removed.")
        self.table[part] = [held for held in self.table[part] if held[id_] not in values]

    def _found(self, part: str, id_: str, value: int) -> Json:
        for held in self.table.get(part, ()):
            if held[id_] == value:
                found: Json = held
                return found
        raise BadUpdate(f"There is no {id_} {value}.")


_UPDATES: Final[dict[str, Callable[..., None]]] = {
    name.replace("_", "-"): update
    for name, update in vars(Draft).items()
    if inspect.isfunction(update) and not name.startswith("_") and name != "apply"
}


def columns_of(kind: Json | str) -> dict[int, Json | str]:
    """The type of each numbered column at or below a type."""
    if isinstance(kind, str):
        return {}
    match kind["type"]:
        case "struct":
            found = {field["id"]: field["type"] for field in kind["fields"]}
        case "list":
            found = {kind["element-id"]: kind["element"]}
        case "map":
            found = {kind["key-id"]: kind["key"], kind["value-id"]: kind["value"]}
        case other:
            raise BadUpdate(f"There is no type '{other}'.")
    for inner in list(found.values()):
        found |= columns_of(inner)
    return found


def _without_nothings(part: Json) -> Json:
    return {name: value for name, value in part.items() if value not in ([], None) and name != "type"}


def now() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)
