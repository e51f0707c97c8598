"""How Airbyte's data lake destinations name a stream's table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...catalog.protocol import TableId

if TYPE_CHECKING:
    from .api import Connection, Destination, Stream


def tables_of(connection: Connection, destination: Destination) -> list[TableId]:
    """The tables that a connection's streams land in, in small letters: Trino reaches no others.

    None if the destination is not a data lake: only those are configured with a catalog.
    """
    catalog = destination.configuration.get("catalog_type")
    if not isinstance(catalog, dict):
        return []
    default = catalog.get("namespace") or catalog.get("database_name")
    found = []
    for stream in connection.configurations.streams:
        if namespace := _namespace(connection, stream) or default:
            name = f"{connection.prefix or ''}{stream.name}"
            found.append(TableId(str(namespace).lower(), name.lower()))
    return sorted(set(found))


def _namespace(connection: Connection, stream: Stream) -> str:
    match connection.namespace_definition:
        case "destination":
            return ""
        case "custom_format":
            return (
                (connection.namespace_format or "")
                .replace("${SOURCE_NAMESPACE}", stream.namespace or "")
                .strip()
            )
        case _:
            return stream.namespace or ""
