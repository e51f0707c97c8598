"""What a catalog is to the rest of lakekit: git-like refs over Iceberg tables and views."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from ..naming import MAIN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pyiceberg.catalog import Catalog as IcebergCatalog

Kind = Literal["table", "view"]


@dataclass(frozen=True, slots=True, order=True)
class TableId:
    """A table's or a view's place: its schema and its name."""

    schema: str
    name: str

    @classmethod
    def parse(cls, dotted: str) -> TableId:
        """Split ``schema.name``; raises ValueError on any other shape."""
        schema, dot, name = dotted.partition(".")
        if not (schema and dot and name) or "." in name:
            msg = f"'{dotted}' is not of the form schema.table"
            raise ValueError(msg)
        return cls(schema, name)

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A table or view at a ref. Two entries with the same pointer have the same content."""

    id: TableId
    kind: Kind
    pointer: str


@dataclass(frozen=True, slots=True)
class Ref:
    """A branch or tag, and the commit it points at."""

    name: str
    hash: str


@dataclass(frozen=True, slots=True)
class Commit:
    """One entry of a branch's log."""

    hash: str
    message: str
    committed_at: datetime
    tables: tuple[TableId, ...] = ()


@dataclass(frozen=True, slots=True)
class Checks:
    """What the data tests said of a branch: check name → whether it passed.

    They speak for the branch only while nothing else was committed to it (``fresh``).
    """

    results: Mapping[str, bool] = field(default_factory=dict)
    fresh: bool = True

    @property
    def failed(self) -> list[str]:
        return sorted(name for name, passed in self.results.items() if not passed)


class Catalog(Protocol):
    """Refs over Iceberg tables and views.

    ``ref`` is a branch, a tag or a commit's hash. All methods raise ``RefNotFound`` for an unknown one, and
    are safe to call from several threads and processes at once.
    """

    def refs(self) -> list[Ref]:
        """Every branch and tag, main first."""

    def ref(self, name: str) -> Ref:
        """The ref of that name, at its present commit."""

    def create_branch(self, name: str, at: str = MAIN) -> Ref:
        """Branch off ``at``, copying no data. Views read the branch's own tables. Raises ``RefExists``."""

    def assign(self, branch: str, to: str) -> Ref:
        """Make a branch what another ref is, forgetting what it had, its checks too.

        Views read the branch's own tables. Raises ``UsageError`` for main.
        """

    def delete_branch(self, name: str) -> None:
        """Forget a branch. Files that it shares with others stay."""

    def log(self, ref: str, limit: int = 50) -> list[Commit]:
        """The newest commits first."""

    def base(self, branch: str, onto: str = MAIN) -> str:
        """The hash of the newest commit that both have in common."""

    def entries(self, ref: str) -> dict[TableId, Entry]:
        """All tables and views at a ref, in one request."""

    def iceberg(self, ref: str) -> IcebergCatalog:
        """The tables at a branch, for reading and writing through PyIceberg; one instance a ref."""

    def merge(self, branch: str, into: str = MAIN, message: str = "") -> Ref:
        """Merge all that changed on ``branch`` into ``into`` atomically, and return ``into``'s new state.

        Raises ``MergeConflict`` (and changes nothing) if both sides changed the same table. Checks are not
        looked at here: that is ``Lake.publish``'s part.
        """

    def retract(self, commit: str, on: str = MAIN, message: str = "") -> Ref:
        """Put back what a commit of a branch changed, in one commit, and return the branch's new state.

        Raises ``RetractRefused`` (and changes nothing) if one of the tables has changed since.
        """

    def record_checks(self, branch: str, results: Mapping[str, bool], *, replace: bool = False) -> None:
        """Remember what data tests said at the branch's present commit.

        Results of earlier records stay unless the same check ran again, or ``replace`` says to forget them.
        """

    def checks(self, branch: str) -> Checks:
        """All recorded checks; ``fresh`` is false when anything was committed since the last record."""

    def close(self) -> None:
        """Release connections and servers."""
