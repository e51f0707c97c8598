"""What happens between the reading and the commit of another: races, one interleaving at a time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from pyiceberg.table import CreateTableTransaction, Transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def meanwhile(happens: Callable[[], object], times: int = 1) -> Iterator[None]:
    """Let something happen just before the block's first commits through PyIceberg, which have read what they want by then."""
    left, within = times, False

    def before(commit: Callable[[Transaction], object]) -> Callable[[Transaction], object]:
        def late(transaction: Transaction) -> object:
            nonlocal left, within
            if left and not within:
                left, within = left - 1, True
                happens()
                within = False
            return commit(transaction)

        return late

    with pytest.MonkeyPatch.context() as patch:
        for kind in (Transaction, CreateTableTransaction):
            patch.setattr(kind, "commit_transaction", before(kind.commit_transaction))
        yield
    assert left < times, "the block committed nothing"
