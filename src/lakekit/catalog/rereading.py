"""Changes to a table that are worked out of what it holds: made on just that, or worked out anew.

PyIceberg, left to itself, puts a change on top of whatever someone else has committed since it was worked out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import TableProperties

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyiceberg.table import Table

T = TypeVar("T")

_ATTEMPTS: Final = 10


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
