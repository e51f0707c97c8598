"""The embedded engine as a dbt adapter (``type: lakekit``).

Everything that dbt sends is Trino SQL, models, tests, hooks and macros alike, and goes through the same door as
a person's statement: the engine's. So a project's macros and its models are the same on both engines.
"""

from dbt.adapters.base.plugin import AdapterPlugin

from dbt.include import lakekit

from .connections import LakekitCredentials
from .impl import LakekitAdapter

__all__ = ["LakekitAdapter", "LakekitCredentials", "Plugin"]

Plugin = AdapterPlugin(
    adapter=LakekitAdapter,  # type: ignore[arg-type]
    credentials=LakekitCredentials,
    include_path=lakekit.PACKAGE_PATH,
)
