"""Layers, names and words, defined once.

Everything that must agree between the landing, the models, the engines and the linter is spelled here and
nowhere else. Only the standard library is imported: the linter's start-up time depends on it.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

MAIN: Final = "main"
"""The branch that production reads."""

CATALOG: Final = "lake"
"""The catalog's name in SQL at main: ``lake.marts.fct_daily_sales``."""

AT: Final = "at"
"""The purpose of the branches that show an old commit to Trino, until the engine that made them closes."""


class Layer(StrEnum):
    """The four layers; the value is the schema that a model of the layer is built in.

    Bronze has no schema of its own: each source is one (``shopify.orders``).
    """

    BRONZE = "bronze"
    STREAMS = "streams"
    CORE = "core"
    MARTS = "marts"


PREFIXES: Final[dict[Layer, tuple[str, ...]]] = {
    Layer.STREAMS: ("stg_",),
    Layer.CORE: ("int_",),
    Layer.MARTS: ("fct_", "dim_"),
}


def layer_of(model: str) -> Layer | None:
    """The layer that a model's name puts it in."""
    return next((layer for layer, prefixes in PREFIXES.items() if model.startswith(prefixes)), None)


# The columns that Airbyte's own Iceberg destination adds to every table, all required.
RAW_ID: Final = "_airbyte_raw_id"
EXTRACTED_AT: Final = "_airbyte_extracted_at"
META: Final = "_airbyte_meta"
GENERATION_ID: Final = "_airbyte_generation_id"
META_COLUMNS: Final = (RAW_ID, EXTRACTED_AT, META, GENERATION_ID)

_PLAIN_REF = re.compile(r"[A-Za-z](?:[A-Za-z0-9._/-]*[A-Za-z0-9_])?")


def is_valid_branch(name: str) -> bool:
    """Whether ``name`` can name a branch on either engine: what Nessie accepts, and no hash look-alike."""
    return (
        _PLAIN_REF.fullmatch(name) is not None
        and len(name) <= 100
        and ".." not in name
        and "//" not in name
        and not is_hash(name)
    )


def is_hash(ref: str) -> bool:
    """Whether ``ref`` reads as a commit's hash (16 to 64 hexadecimal digits)."""
    return re.fullmatch(r"[0-9a-f]{16,64}", ref) is not None


def new_branch_name(purpose: str) -> str:
    """A fresh branch name that sorts by time: ``build-20260131-101500-3f2a``."""
    import secrets
    from datetime import UTC, datetime

    return f"{purpose}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def branch_time(name: str, purpose: str) -> datetime | None:
    """When ``new_branch_name`` made a name for that purpose; None where it did not."""
    from datetime import UTC, datetime

    found = re.fullmatch(rf"{re.escape(purpose)}-(\d{{8}}-\d{{6}})-[0-9a-f]{{4}}", name)
    try:
        return datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def quote(*parts: str) -> str:
    """``quote("shopify", "orders")`` gives ``"shopify"."orders"``: an SQL identifier, quoted on both engines."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


_PLAIN_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")
# Trino's reserved words (its documentation's page on keywords), then those that sqlglot, which reads models for the embedded
# engine, does not take for a name everywhere.
_RESERVED: Final = frozenset(
    """
    alter and as auto between by case cast constraint create cross cube current_catalog current_date current_path current_role
    current_schema current_time current_timestamp current_user deallocate delete describe distinct drop else end escape except
    execute exists extract false for from full group grouping having in inner insert intersect into is join json_array
    json_exists json_object json_query json_table json_value left like listagg localtime localtimestamp natural normalize not
    null on or order outer prepare recursive right rollup select skip table then trim true uescape union unnest using values
    when where with

    all any fetch glob grant if ilike interval lateral limit lock match_recognize notnull offset partitioned_by regexp
    returning revoke rlike rollback tablesample uncache window xor
    """.split()  # noqa: SIM905 (a line for each word would be a page)
)


def is_plain(name: str) -> bool:
    """Whether SQL takes a name as it is, without quotes around it, on both engines."""
    return _PLAIN_NAME.fullmatch(name) is not None and name not in _RESERVED


def quoted(name: str) -> str:
    """A name in SQL, in quotes where it has to be."""
    return name if is_plain(name) else quote(name)
