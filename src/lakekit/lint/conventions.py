"""How a team names and layers its models, and what it asks of the linter: ``[lint]`` in ``lakekit.toml``.

A team with other names says so there, and gets the same linter::

    [lint]
    ignore = ["LK702"]
    catalogs = "airbyte/{source}.json"

    [lint.streams]
    folders = ["staging"]
    names = ["stg_{source}__{entity}"]

    [lint.rules.LK404]
    functions = ["date_parse"]

    [lint.folders]
    "orchestration/assets/legacy" = ["LK2"]
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..errors import SettingsError
from ..naming import Layer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SOURCES: Final = "sources"
"""What a layer may select from, beside layers: source()."""

_PART: Final = r"[a-z0-9]+(?:_[a-z0-9]+)*"


class Convention(NamedTuple):
    """Of one layer. ``names`` are patterns: ``stg_{source}__{entity}``; a part in braces is words joined by ``_``."""

    folders: tuple[str, ...]
    names: tuple[str, ...]
    materialized: tuple[str, ...]
    selects: tuple[str, ...]

    def match(self, name: str) -> dict[str, str] | None:
        """The parts of a model's name, if it is one of the layer's."""
        for pattern in self.names:
            if matched := _compiled(pattern).fullmatch(name):
                return matched.groupdict()
        return None


_DEFAULTS: Final = {
    Layer.STREAMS: Convention(("streams",), ("stg_{source}__{entity}",), ("view",), (SOURCES,)),
    Layer.CORE: Convention(
        ("core",), ("int_{source}__{entity}",), ("incremental",), (Layer.STREAMS.value, Layer.CORE.value)
    ),
    Layer.MARTS: Convention(
        ("marts",), ("fct_{domain}", "dim_{entity}"), ("table",), (Layer.CORE.value, Layer.MARTS.value)
    ),
}


class Conventions(NamedTuple):
    """``folders`` are codes (or beginnings) that are not reported below a folder, which is relative to the project's."""

    layers: dict[Layer, Convention] = _DEFAULTS
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    baseline: str | None = None
    catalogs: str = "{source}.json"
    """Where the configured Airbyte catalog of a source is, relative to the project's folder."""
    rules: Mapping[str, dict[str, Any]] = MappingProxyType({})
    folders: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def layer_of(self, folders: Iterable[str], name: str) -> Layer | None:
        """The layer of a model: its folder says, or else its name."""
        for folder in folders:
            for layer, convention in self.layers.items():
                if folder in convention.folders:
                    return layer
        for layer, convention in self.layers.items():
            if convention.match(name) is not None:
                return layer
        return None


_patterns: Final[dict[str, re.Pattern[str]]] = {}


def _compiled(pattern: str) -> re.Pattern[str]:
    if pattern not in _patterns:
        parts = re.split(r"\{(\w+)\}", pattern)
        _patterns[pattern] = re.compile(
            "".join(
                f"(?P<{part}>{_PART})" if index % 2 else re.escape(part) for index, part in enumerate(parts)
            )
        )
    return _patterns[pattern]


def conventions(table: Mapping[str, Any], file: str) -> Conventions:
    """What ``[lint]`` says; raises ``SettingsError`` for what cannot be meant, naming it."""
    given: dict[str, Any] = {}
    layers = dict(_DEFAULTS)
    for key, value in table.items():
        where = f"lint.{key}"
        if key in Layer.__members__.values() and key != Layer.BRONZE:
            layers[Layer(key)] = _convention(_DEFAULTS[Layer(key)], value, where, file)
        elif key in {"select", "ignore"}:
            given[key] = _texts(value, where, file)
        elif key in {"baseline", "catalogs"}:
            given[key] = _text(value, where, file)
        elif key == "rules":
            given[key] = {
                code: _table(one, f"{where}.{code}", file) for code, one in _table(value, where, file).items()
            }
        elif key == "folders":
            given[key] = {
                folder.strip("/"): _texts(codes, f'{where}."{folder}"', file)
                for folder, codes in _table(value, where, file).items()
            }
        else:
            known = [layer.value for layer in _DEFAULTS] + [
                name for name in Conventions._fields if name != "layers"
            ]
            raise _wrong(file, f"it has no setting '{where}'", f"settings are: {', '.join(known)}")
    _refuse_conflicts(layers, given, file)
    return Conventions(layers=layers, **given)


def _convention(default: Convention, value: Any, where: str, file: str) -> Convention:
    given = {}
    for key, texts in _table(value, where, file).items():
        if key not in Convention._fields:
            raise _wrong(
                file, f"it has no setting '{where}.{key}'", f"a layer's are: {', '.join(Convention._fields)}"
            )
        given[key] = _texts(texts, f"{where}.{key}", file)
        if not given[key]:
            raise _wrong(file, f"{where}.{key} is empty", "name one at least, or leave it out")
    for pattern in given.get("names", ()):
        parts = re.findall(r"\{(.*?)\}", pattern)
        stray = set("{}") & set(re.sub(r"\{.*?\}", "", pattern))
        if stray or len(set(parts)) < len(parts) or not all(part.isidentifier() for part in parts):
            raise _wrong(
                file, f"'{pattern}' in {where}.names is no pattern", "write it like stg_{source}__{entity}"
            )
    known = {SOURCES, *(layer.value for layer in _DEFAULTS)}
    if unknown := [one for one in given.get("selects", ()) if one not in known]:
        raise _wrong(file, f"{where}.selects names '{unknown[0]}'", f"it may name {', '.join(sorted(known))}")
    return default._replace(**given)


def _refuse_conflicts(layers: Mapping[Layer, Convention], given: Mapping[str, Any], file: str) -> None:
    for field in ("folders", "names"):
        owners: dict[str, str] = {}
        for layer, convention in layers.items():
            for one in getattr(convention, field):
                if owners.setdefault(one, layer.value) != layer.value:
                    raise _wrong(
                        file,
                        f"lint.{owners[one]}.{field} and lint.{layer}.{field} both have '{one}'",
                        "give it to one layer",
                    )
    if both := set(given.get("select", ())) & set(given.get("ignore", ())):
        raise _wrong(file, f"lint.select and lint.ignore both have '{min(both)}'", "keep it in one of them")


def _table(value: Any, where: str, file: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(file, f"{where} is no table", f"write [{where}]")
    return value


def _texts(value: Any, where: str, file: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise _wrong(
            file, f"{where} is no list of texts", f'write it like {where.rpartition(".")[2]} = ["…"]'
        )
    return tuple(value)


def _text(value: Any, where: str, file: str) -> str:
    if not isinstance(value, str) or not value:
        raise _wrong(file, f"{where} is no text", f'write it like {where.rpartition(".")[2]} = "…"')
    return value


def _wrong(file: str, why: str, todo: str) -> SettingsError:
    return SettingsError(f"{file} holds a wrong setting.", why=why, todo=todo)
