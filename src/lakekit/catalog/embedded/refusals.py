"""What the embedded catalog refuses, named as the Iceberg REST specification names it; nothing has changed then."""

from __future__ import annotations

from ...errors import LakekitError


class Refused(LakekitError):
    """Any of them."""


class NoSuchSchema(Refused):
    """The schema is not there."""


class NoSuchRelation(Refused):
    """The table or view is not there."""


class SchemaExists(Refused):
    """A schema of that name is there already."""


class SchemaNotEmpty(Refused):
    """Tables or views are in the schema."""


class RelationExists(Refused):
    """A table or view of that name is there already."""


class CommitConflict(Refused):
    """Another writer came first, or the table is not what the writer took it for."""


class BadUpdate(Refused):
    """A change to a table that is not understood, or would leave it broken."""
