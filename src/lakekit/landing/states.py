"""The states that bronze holds, as the next sync is to be given them. Source: the Airbyte protocol."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..catalog.protocol import TableId
from .table import find, state_of

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

    from .configured import ConfiguredCatalog
    from .table import HeldState


def read_states(iceberg: Catalog, source: str, configured: ConfiguredCatalog) -> list[dict[str, Any]]:
    """The states that bronze holds, as a connector takes them with ``--state``.

    There is none of a stream that is read in full: its last one says that it has been read, and a connector given that
    reads nothing.
    """
    going_on = [name for name, stream in configured.streams.items() if stream.incremental]
    tables = {name: find(iceberg, TableId(source, name.lower())) for name in going_on}
    held = {name: state_of(table) for name, table in tables.items() if table}
    known = [state for state in held.values() if state]
    states = [json.loads(state.text) for state in known]
    if all(state.get("stream") for state in states):
        return states
    return _of_all([*held.values()], set(configured.streams) - held.keys())


def _of_all(held: list[HeldState | None], unread: set[str]) -> list[dict[str, Any]]:
    """The state that speaks for every stream, without what it says of those that are to be read from their start.

    They differ where a flush was interrupted: of some tables the rows have come, of others they have not. The oldest then
    has nothing behind it that is not there; where a table has none yet, nothing has.
    """
    known = [state for state in held if state]
    if len(known) < len(held):
        return []
    state = json.loads(min(known, key=lambda state: state.written_at).text)
    if isinstance(state.get("global"), dict):
        of_streams = state["global"].get("stream_states") or []
        state["global"]["stream_states"] = [
            one for one in of_streams if one["stream_descriptor"]["name"] not in unread
        ]
    return [state]
