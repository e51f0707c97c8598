"""What a test does to its lake, as far as it is remembered: so that only what is needed is built."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .syncs import Clock, Stream


@dataclass(frozen=True, slots=True)
class Place:
    """The test that a lake is for: its id, where it stands, and whether its snapshots are to be written."""

    id: str = ""
    file: Path = field(default_factory=Path)
    name: str = ""
    update: bool = False


@dataclass(slots=True)
class Story:
    """What has happened in a lake, as far as its tests know."""

    clock: Clock = field(default_factory=Clock)
    streams: dict[str, Stream] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    """The models that were given, and so are not built."""
    changes: dict[str, int] = field(default_factory=dict)
    """How often a table has been given or built."""
    shapes: dict[str, int] = field(default_factory=dict)
    """How often the columns of a source's table have changed."""
    built: dict[str, tuple[object, ...]] = field(default_factory=dict)
    """What each model was built of: at what time, and the changes of all that it reads, in order."""
    statements: int = 0
    """How many statements a test has run that may have changed something."""

    def changed(self, table: str) -> None:
        self.changes[table] = self.changes.get(table, 0) + 1

    def landed(self) -> None:
        """Something was written past ``given``: what stands in the sources' tables has to be read again."""
        self.statements += 1
        self.streams.clear()

    def copy(self) -> Story:
        """The same up to now; what happens from now on, happens to one of them."""
        return Story(
            Clock(self.clock.last),
            {name: stream.copy() for name, stream in self.streams.items()},
            set(self.given),
            dict(self.changes),
            dict(self.shapes),
            dict(self.built),
            self.statements,
        )
