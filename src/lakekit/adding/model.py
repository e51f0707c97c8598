"""``lakekit add model``: a model that selects from others, its entry, and a test to go on from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from ..blockyaml import dump
from ..errors import UsageError
from ..naming import EXTRACTED_AT, Layer, is_plain, layer_of, quoted
from ..project import Project
from . import dagster, parents, properties, words
from .cubes import add_cube
from .files import Files
from .tests import core_test, mart_test

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ..settings import Settings
    from .parents import Parent

_PART: Final = r"[a-z0-9]+(?:_[a-z0-9]+)*"
_NAMES: Final = re.compile(rf"int_(?P<source>(?!\d){_PART})__{_PART}|(?:fct|dim)_{_PART}")
_MAY_SELECT: Final = {
    Layer.CORE: (Layer.STREAMS, Layer.CORE),
    Layer.MARTS: (Layer.CORE, Layer.MARTS),
}


class _Model(NamedTuple):
    name: str
    description: str
    sql: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    """Those that are documented."""
    test: str


def add_model(
    settings: Settings, name: str, selects: Sequence[str], *, key: Sequence[str] = ()
) -> list[Path]:
    """Add a model that selects from others (the first, and what is joined to it) and return the files that were written.

    ``key`` are the columns that its rows are one of; those of the first parent if not given. All files are written, or
    none. Raises ``UsageError``.
    """
    if not (named := _NAMES.fullmatch(name)):
        raise UsageError(
            f"'{name}' can name no model.",
            why="core models are called int_<source>__<entity>, marts fct_<domain> or dim_<entity>",
            todo="a staging model comes with its source: lakekit add source"
            if name.startswith("stg_")
            else "",
        )
    layer = Layer.CORE if named["source"] else Layer.MARTS
    project = Project(settings.project, settings.dbt)
    models = project.model_paths[0]
    if there := [file for folder in project.model_paths for file in folder.rglob(f"{name}.sql")]:
        raise UsageError(f"The model '{name}' is there already.", why=str(there[0]), todo="name it otherwise")
    found = [_parent(project, one, name, layer) for one in dict.fromkeys(selects)]
    made = _made(name, layer, found, tuple(dict.fromkeys(key)))

    files = Files(settings.project)
    entry = properties.model(made.name, made.description, _described(made), made.key)
    if layer is Layer.CORE:
        source = str(named["source"])
        folder = models / Layer.CORE / source
        properties.add(files, folder / f"_{source}__core.yml", ["models"], {"models": [entry]}, [entry])
        dagster.add(files, settings.dbt, models, source)
        tests = settings.project / "tests" / source
    else:
        folder = models / Layer.MARTS
        files.new(folder / f"_{name}.yml", dump({"models": [entry]}))
        add_cube(files, settings.project, made.name, made.description, made.key, made.columns)
        tests = settings.project / "tests" / Layer.MARTS
    files.new(folder / f"{name}.sql", made.sql)
    files.new(tests / f"test_{name}.py", made.test)
    return files.write()


def _parent(project: Project, name: str, child: str, layer: Layer) -> Parent:
    found = parents.find(project, name)
    if layer_of(name) not in _MAY_SELECT[layer]:
        raise UsageError(
            f"'{child}' cannot select from '{name}'.",
            why=f"a model of {layer} selects from {' and '.join(_MAY_SELECT[layer])} alone",
        )
    return found


def _made(name: str, layer: Layer, selects: Sequence[Parent], key: tuple[str, ...]) -> _Model:
    main = selects[0]
    is_fact = name.startswith("fct_")
    if not key and (is_fact or not main.key):
        raise UsageError(
            f"What is a row of '{name}' one of?",
            why="its facts are counted by something" if is_fact else f"no test of '{main.name}' proves a key",
            todo=f"name the column, or columns, by --key{_some(main)}",
        )
    key = key or main.key
    for parent in selects:  # the others are joined by it
        for column in key:
            if parent.columns and column not in parent.columns:
                raise UsageError(
                    f"'{parent.name}' has no column '{column}'.",
                    todo=f"did you mean one of these: {words.nearest(column, parent.columns)}?",
                )
    if unfit := [column for column in key if not is_plain(column)]:
        raise UsageError(
            f"'{unfit[0]}' can be no key.",
            why="SQL would need quotes around it, wherever it is named",
            todo="rename it where it is staged",
        )
    if layer is Layer.CORE:
        return _core(name, selects, key)
    return _fact(name, selects, key) if is_fact else _dimension(name, selects, key)


def _core(name: str, selects: Sequence[Parent], key: tuple[str, ...]) -> _Model:
    main, called = selects[0], _called(selects)
    cursor = _cursor(main)
    order = f"{cursor} desc" if cursor == EXTRACTED_AT else f"{cursor} desc, {EXTRACTED_AT} desc"
    listed = main.columns or tuple(dict.fromkeys((*key, cursor, EXTRACTED_AT)))
    said_key = f'"{key[0]}"' if len(key) == 1 else "[" + ", ".join(f'"{one}"' for one in key) + "]"
    sql = f"""{{{{ config(unique_key={said_key}, merge_cursor="{cursor}") }}}}

with {called[main.name]} as (
    {{{{ lakekit.dedupe(
        ref("{main.name}"),
        key={said_key},
        order_by="{order}",
        where=lakekit.is_new()
    ) }}}}
)

{_select(called, listed, f"from {called[main.name]}")}{_joins(called, key)}"""
    return _Model(
        name,
        f"One row {words.a(main.entity)}.",
        sql,
        key,
        tuple(dict.fromkeys((*key, EXTRACTED_AT))),
        core_test(name, main, key, cursor),
    )


def _dimension(name: str, selects: Sequence[Parent], key: tuple[str, ...]) -> _Model:
    main, called = selects[0], _called(selects)
    listed = tuple(one for one in main.columns if one != EXTRACTED_AT) or key
    at = f'from {{{{ ref("{main.name}") }}}} as {called[main.name]}'
    row = {column: main.example(column) for column in key}
    return _Model(
        name,
        f"One row {words.a(main.entity)}.",
        f"{_select(called, listed, at)}{_joins(called, key)}",
        key,
        key,
        mart_test(name, main.name, row, row),
    )


def _fact(name: str, selects: Sequence[Parent], key: tuple[str, ...]) -> _Model:
    main, called = selects[0], _called(selects)
    names = (main.entity, "row_count", f"{name}_count")
    counted = next(one for one in names if is_plain(one) and one not in key)
    at = f'from {{{{ ref("{main.name}") }}}} as {called[main.name]}'
    by = ", ".join(f"{called[main.name]}.{column}" for column in key)
    row = {column: main.example(column) for column in key}
    given = {column: main.example(column) for column in main.key} | row
    return _Model(
        name,
        f"{words.spoken(main.entity).capitalize()} by {' and '.join(map(words.spoken, key))}.",
        f"{_select(called, key, at, f'count(*) as {counted}')}{_joins(called, key)}group by {by}\n",
        key,
        (*key, counted),
        mart_test(name, main.name, given, {**row, counted: 1}),
    )


def _called(selects: Sequence[Parent]) -> dict[str, str]:
    """What each parent is called in SQL, by its name, the first one first.

    It is called as its rows are; by its own name where SQL has that word itself, or another parent is called so.
    """
    called: dict[str, str] = {}
    taken = {one.name for one in selects}
    for one in selects:
        is_free = is_plain(one.entity) and one.entity not in taken
        called[one.name] = one.entity if is_free else quoted(one.name)
        taken.add(called[one.name])
    return called


def _select(called: Mapping[str, str], columns: Sequence[str], at: str, *more: str) -> str:
    main = next(iter(called.values()))
    lines = [*(f"{main}.{quoted(column)}" for column in columns), *more]
    return "select\n    " + ",\n    ".join(lines) + f"\n{at}\n"


def _joins(called: Mapping[str, str], key: Sequence[str]) -> str:
    (_, main), *others = called.items()
    joins = ""
    for name, alias in others:
        on = " and ".join(f"{main}.{column} = {alias}.{column}" for column in key)
        joins += f'left join {{{{ ref("{name}") }}}} as {alias} on {on}\n'
    return joins


def _cursor(parent: Parent) -> str:
    """The column that says how new a row is: the source's own, or one whose name says so; else when it was read."""
    known = [name for name in (parent.cursor, "updated_at") if name in parent.columns and is_plain(name)]
    return known[0] if known else EXTRACTED_AT


def _described(made: _Model) -> list[dict[str, str]]:
    said = {EXTRACTED_AT: properties.WATERMARK["description"]}
    return [
        {"name": column, "description": said.get(column, f"{words.spoken(column).capitalize()}.")}
        for column in made.columns
    ]


def _some(parent: Parent) -> str:
    return f", of: {', '.join(parent.columns)}" if parent.columns else ""
