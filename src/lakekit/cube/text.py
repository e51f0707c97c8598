"""The model as the YAML that Cube reads as it stands: in blocks, without anything that it takes for Jinja."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ..blockyaml import Dumper, dump
from ..errors import ProjectError

if TYPE_CHECKING:
    import yaml

    from .model import Cube

HEADER: Final = "# Written by `lakekit cube` out of the dbt project. Change that and run it again: this file is overwritten."

_JINJA: Final = re.compile(r"\{[{%#]|[}%#]\}")


def files(cubes: list[Cube]) -> dict[str, str]:
    """What each file is to say, by its path below the model's folder."""
    found = {}
    for one in cubes:
        found[f"cubes/{one.mart.name}.yml"] = _text("cubes", one.cube)
        found[f"views/{one.view['name']}.yml"] = _text("views", one.view)
    return dict(sorted(found.items()))


def _text(kind: str, document: dict[str, Any]) -> str:
    written = dump({kind: [document]}, _Dumper)
    if jinja := _JINJA.search(written):
        raise ProjectError(
            f"'{document['name']}' cannot be written as a cube.",
            why=f"'{jinja[0]}' in its access policy is Jinja to Cube",
            todo="write single braces, as in { securityContext.country }",
        )
    return f"{HEADER}\n{written}"


class _Dumper(Dumper):
    pass


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Parsers differ in what they take for a number; none takes a quoted text for one.
    style = None if text[:1].isalpha() or text[:1] in {"{", "_"} else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent)
