"""``lakekit`` as sqlfluff's Jinja sees it: the macros themselves, of the dbt package that lakekit brings.

sqlfluff imports this folder by itself (``library_path``), and offers what is in it to templates. It has a folder to itself
because sqlfluff looks at whatever lies beside it.
"""

from importlib.resources import files as _files

from jinja2.sandbox import SandboxedEnvironment as _Environment
from sqlfluff.core.templaters.builtins.common import FunctionWrapper as _FunctionWrapper
from sqlfluff.core.templaters.builtins.dbt import DBT_BUILTINS as _BUILTINS
from sqlfluff.core.templaters.builtins.dbt import VarEmulator as _VarEmulator


class _Variable(_VarEmulator):
    """A var() whose value, which only dbt knows, may be a mapping too."""

    def items(self) -> list[tuple[str, str]]:
        return [(self, self)]

    def keys(self) -> list[str]:
        return [self]

    def values(self) -> list[str]:
        return [self]


var = _FunctionWrapper("var", lambda _name, _default="": _Variable())

_environment = _Environment(extensions=["jinja2.ext.do"], autoescape=False)
_environment.globals.update(_BUILTINS)

# Not by way of the package lakekit.dbt, which wants dbt: here is only sqlfluff.
lakekit = _environment.from_string(
    _files("lakekit").joinpath("dbt/package/macros/incremental.sql").read_text("utf-8")
).module
