"""Changes to a table that are worked out of what it holds: made on just that, or worked out anew.

PyIceberg, left to itself, puts a change on top of whatever someone else has committed since it was worked out.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    TableAlreadyExistsError,
)
from pyiceberg.table import TableProperties

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

    from .protocol import TableId

T = TypeVar("T")

_ATTEMPTS: Final = 30
"""Each time another has committed: only who is slower than all of many others, thirty times over, gives up."""


def until_committed(change: Callable[[], T]) -> T:
    """Run ``change``, which reads and commits, until nothing was committed between the two.

    Raises PyIceberg's ``CommitFailedException`` where something is, time and again.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return change()
        except CommitFailedException:
            continue
    return change()


def as_read(table: Table) -> Table:
    """The same table, whose next commit fails if it is not what it was when it was read."""
    # Said to this copy alone, and in no update: the table's own properties stay what they are.
    table.metadata.properties[TableProperties.COMMIT_NUM_RETRIES] = "0"
    return table


def make(iceberg: Catalog, id_: TableId, rows: pa.Table) -> None:
    """Make a table that holds these rows, in one commit. Raises ``CommitFailedException`` where it is there by now.

    Made without a snapshot, be it an empty one, it would have no first state that a commit could insist on: Nessie 0.99
    lets each of two first snapshots pass, and the later one lose the other's rows.
    """
    with suppress(NamespaceAlreadyExistsError):
        iceberg.create_namespace(id_.schema)
    try:
        with iceberg.create_table_transaction((id_.schema, id_.name), rows.schema) as creation:
            creation.append(rows)
    except TableAlreadyExistsError as error:
        raise CommitFailedException(str(error)) from error
