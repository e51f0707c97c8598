"""One record of a stream as a row of bronze: its fields, and the columns that Airbyte adds."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from ..errors import LandingFailed
from ..naming import EXTRACTED_AT, GENERATION_ID, META, RAW_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .columns import Fields
    from .versions import Row


def record_row(
    where: str,
    data: bytes | msgspec.Raw,
    fields: Fields,
    key: Sequence[str],
    emitted_at: int,
    sync_id: int,
    generation_id: int,
) -> Row:
    """The row that a record's JSON becomes; ``emitted_at`` is in milliseconds since 1970.

    Raises ``LandingFailed`` where it is no object, or lacks a part of its ``key``; ``where`` names it there.
    """
    try:
        row, nulled = fields.read(data)
    except msgspec.DecodeError as error:
        raise LandingFailed(f"The data in {where} is no JSON object.", why=str(error)) from error
    for name in key:
        if row.get(name) is None:
            raise LandingFailed(
                f"The key '{name}' is missing in {where}.",
                why="the record has none, or null, or a value that does not fit its type",
                todo="choose a primary key that every record has",
            )
    # Derived from the record, so that landing the same message again gives the same row.
    row[RAW_ID] = hashlib.sha256(bytes(data) + str(emitted_at).encode()).hexdigest()[:32]
    row[EXTRACTED_AT] = emitted_at
    row[META] = {
        "sync_id": sync_id,
        "changes": [
            {"field": name, "change": "NULLED", "reason": "DESTINATION_SERIALIZATION_ERROR"}
            for name in nulled
        ],
    }
    row[GENERATION_ID] = generation_id
    return row
