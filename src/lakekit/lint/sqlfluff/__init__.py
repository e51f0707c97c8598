"""A plugin for sqlfluff: the rules of names and layers among its own, and the macros that models call.

sqlfluff finds it by entry point wherever lakekit is installed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlfluff.core.plugin import hookimpl

if TYPE_CHECKING:
    from sqlfluff.core.rules import BaseRule

_LIBRARY: Final = Path(__file__).parent / "library/lakekit_macros"


@hookimpl
def get_rules() -> list[type[BaseRule]]:
    """The rules; sqlfluff wants their module imported here, and no sooner."""
    from .rules import RULES

    return RULES


@hookimpl
def load_default_config() -> dict[str, Any]:
    """What its Jinja knows as ``lakekit``; a project's own ``library_path`` wins."""
    return {"templater": {"jinja": {"library_path": str(_LIBRARY)}}}


@hookimpl
def get_configs_info() -> dict[str, dict[str, Any]]:
    """No rule has settings here: conventions are those of ``lakekit.toml``."""
    return {}
