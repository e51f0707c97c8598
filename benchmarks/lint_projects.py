"""A project as lakekit's template lays it out, of any size and without a finding; and what a linter should find in it.

Two fifths of the models are staged, two fifths core, one fifth marts; a source has twenty streams. The texts differ
from model to model, have SQL in strings and comments, and are the same whenever they are made.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from shutil import copytree, ignore_patterns
from typing import TYPE_CHECKING, Final

from .harness_projects import write
from .lint_texts import (
    COMMENTS,
    CORE,
    DAGSTER,
    IGNORED,
    LAKEKIT,
    MART,
    PROFILE,
    PROJECT,
    SCHEMA_NAMES,
    STAGED,
    TEXTS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MODELS_OF_A_SOURCE: Final = 50
DBT: Final = Path("orchestration")
_ASSETS: Final = DBT / "assets"

_FIRST: Final = ("north", "south", "east", "west", "blue", "green", "red", "grey", "old", "new")
_SECOND: Final = ("shop", "mail", "bank", "depot", "desk", "ads", "store", "pay", "crm", "fleet")
_STREAMS: Final = (
    *("currencies", "customers", "orders", "order_lines", "products", "variants", "refunds", "payments"),
    *("shipments", "carriers", "warehouses", "stock_levels", "campaigns", "messages", "clicks", "segments"),
    *("tickets", "agents", "invoices", "taxes"),
)
_FACTS: Final = ("sales", "returns", "revenue", "traffic", "deliveries", "support", "margins")
_DIMENSIONS: Final = ("customers", "products", "campaigns")
_KINDS: Final = {
    "bigint": {"type": ["null", "string"]},
    "decimal(18, 2)": {"type": ["null", "string"]},
    "timestamp(6) with time zone": {"type": ["null", "string"], "format": "date-time"},
    "boolean": {"type": ["null", "string"]},
    "varchar": {"type": ["null", "integer"]},
}
_FIELDS: Final = (
    *("name", "title", "status", "note", "email", "phone", "city", "country"),
    *("currency", "language", "channel", "reason", "quantity", "price", "discount", "tax"),
    *("weight", "height", "score", "position", "started_at", "closed_at", "paid_at", "sent_at"),
    *("is_test", "is_active", "handle", "vendor", "label", "colour", "origin"),
)


@dataclass(frozen=True, slots=True)
class Stream:
    source: str
    name: str

    @property
    def key(self) -> str:
        return f"{self.name.removesuffix('s').replace('currencie', 'currency').replace('taxe', 'tax')}_id"

    @property
    def staged(self) -> str:
        return f"stg_{self.source}__{self.name}"

    @property
    def core(self) -> str:
        return f"int_{self.source}__{self.name}"


def sources(models: int) -> list[str]:
    names = [first + second for second in _SECOND for first in _FIRST]
    return names[: max(1, models // MODELS_OF_A_SOURCE)]


HUB: Final = Stream(sources(1)[0], _STREAMS[0])
"""The stream whose core model all marts select from."""


def make(folder: Path, models: int) -> None:
    """In a new folder, so many models (a multiple of ``MODELS_OF_A_SOURCE``)."""
    write(folder / "lakekit.toml", LAKEKIT)
    write(folder / DBT / "dbt_project.yml", PROJECT)
    write(folder / DBT / "profiles.yml", PROFILE)
    write(folder / DBT / ".dbtignore", IGNORED)
    write(folder / DBT / "macros" / "generate_schema_name.sql", SCHEMA_NAMES)
    for source in sources(models):
        streams = [Stream(source, name) for name in _STREAMS]
        _write_streams(folder / _ASSETS / "streams" / source, streams)
        _write_core(folder / _ASSETS / "core" / source, streams)
        _write_marts(folder / _ASSETS / "marts", source)
    _write_dagster(folder / _ASSETS / "marts" / "marts.py", "marts", "path:assets/marts")


def one_file(models: int) -> Path:
    """A file that somebody commits, in a project's folder."""
    stream = Stream(sources(models)[-1], _STREAMS[-1])
    return _ASSETS / "core" / stream.source / f"{stream.core}.sql"


def copy(project: Path, to: Path) -> None:
    """Without what dbt has left there."""
    copytree(project, to, ignore=ignore_patterns("target", "logs"))


# A wrong name.


def misname(project: Path) -> None:
    """Give the core model that all marts select from a name that is none; what is said of it in comments stays."""
    uses = [(form.format(HUB.core), form.format(HUB.name)) for form in ('ref("{}")', "- name: {}\n")]
    folder = project / _ASSETS / "core" / HUB.source
    (folder / f"{HUB.core}.sql").rename(folder / f"{HUB.name}.sql")
    for file in (project / _ASSETS).rglob("*"):
        if file.suffix in {".sql", ".yml"}:
            text = file.read_text(encoding="utf-8")
            changed = text
            for right, wrong in uses:
                changed = changed.replace(right, wrong)
            if changed != text:
                file.write_text(changed, encoding="utf-8")


# What a linter should find.

SEEDS: Final = {
    "naming": "staging_of_seeds",
    "layers": "fct_from_a_source",
    "materialization": f"int_{HUB.source}__viewed",
    "documentation": f"int_{HUB.source}__undocumented",
    "hard-coded tables": f"int_{HUB.source}__hard_coded",
}
"""By what is wrong with it, and nothing else is: a model's name."""


def seed(project: Path) -> None:
    """Add a model of each fault; dbt has nothing against them."""
    staged = f'select id as row_id from {{{{ source("{HUB.source}", "{HUB.name}") }}}}\n'
    merged = (
        '{{{{ config(unique_key="row_id", merge_cursor="row_id"{more}) }}}}\n\nselect row_id from {table}\n'
    )
    table = f'{{{{ ref("{HUB.staged}") }}}}'
    core = project / _ASSETS / "core" / HUB.source
    write(project / _ASSETS / "streams" / HUB.source / f"{SEEDS['naming']}.sql", staged)
    write(project / _ASSETS / "marts" / f"{SEEDS['layers']}.sql", staged)
    viewed = merged.format(more=', materialized="view"', table=table)
    write(core / f"{SEEDS['materialization']}.sql", viewed)
    write(core / f"{SEEDS['documentation']}.sql", merged.format(more="", table=table))
    write(core / f"{SEEDS['hard-coded tables']}.sql", merged.format(more="", table="raw.seeds"))
    entries = [
        _entry(name, ("row_id",), tested=True, told=kind != "documentation") for kind, name in SEEDS.items()
    ]
    write(core / "_seeds.yml", "models:\n" + "".join(entries))


# The layers.


def _write_streams(folder: Path, streams: Sequence[Stream]) -> None:
    tables, entries = [], []
    for stream in streams:
        random = Random(stream.staged)
        fields = random.sample(_FIELDS, random.randint(11, 19))
        columns = [f"    id as {stream.key}", *_casts(stream, fields, random)]
        write(
            folder / f"{stream.staged}.sql",
            STAGED,
            comment=_comment(stream.staged, random),
            columns=",\n".join(columns),
            source=stream.source,
            stream=stream.name,
        )
        write(folder / f"{stream.name}.json", _reference(stream, fields, random))
        tables.append(f"      - name: {stream.name}\n        description: The {stream.name}, as sent.\n")
        entries.append(_entry(stream.staged, (stream.key, *_kept(stream)), tested=False))
    source = streams[0].source
    head = f'sources:\n  - name: {source}\n    description: "Sent by {source}: the newest of each id."\n'
    write(folder / f"_{source}__sources.yml", f"{head}    schema: {source}\n    tables:\n{''.join(tables)}")
    write(folder / f"_{source}__models.yml", "models:\n" + "".join(entries))


def _casts(stream: Stream, fields: Sequence[str], random: Random) -> Iterator[str]:
    """Renamed, cast, or taken out of an object."""
    for column in _kept(stream):
        yield f"    cast(json_extract_scalar(details, '$.{column}') as varchar) as {column}"
    for field in fields:
        kind = _kind(stream, field)
        yield random.choice(
            (
                f"    {field}",
                f"    {field} as {stream.name}_{field}",
                f"    cast({field} as {kind}) as {field}",
                f"    cast(json_extract_scalar({field}, '$.value') as {kind}) as {field}",
            )
        )


def _kept(stream: Stream) -> tuple[str, ...]:
    """The columns of a stream that its core model hands on."""
    random = Random(f"kept of {stream.staged}")
    kept = random.sample(
        [f"{stream.name}_{of}" for of in ("region", "group", "owner", "tier", "batch", "plan")], 4
    )
    return ("external_reference", *kept)


def _kind(stream: Stream, field: str) -> str:
    return Random(f"{stream.staged}.{field}").choice(list(_KINDS))


def _reference(stream: Stream, fields: Sequence[str], random: Random) -> str:
    inner = {column: {"type": ["null", "string"]} for column in _kept(stream)}
    unused = {f"raw_{field}": {"type": ["null", "string"]} for field in random.sample(_FIELDS, 8)}
    properties = {
        "id": {"type": "integer"},
        "details": {"type": ["null", "object"], "properties": inner},
        **{field: _KINDS[_kind(stream, field)] for field in fields},
        **unused,
        "updated_at": {"type": ["null", "string"], "format": "date-time"},
    }
    listed = ",\n".join(f"    {json.dumps(name)}: {json.dumps(value)}" for name, value in properties.items())
    return (
        f'{{\n  "name": "{stream.name}",\n  "source_defined_primary_key": [["id"]],\n'
        '  "default_cursor_field": ["updated_at"],\n  "source_defined_cursor": true,\n'
        '  "supported_sync_modes": ["full_refresh", "incremental"],\n'
        f'  "json_schema": {{"type": "object", "properties": {{\n{listed}\n  }}}}\n}}\n'
    )


def _write_core(folder: Path, streams: Sequence[Stream]) -> None:
    entries = []
    for number, stream in enumerate(streams):
        random = Random(stream.core)
        before = random.choice(streams[:number] or streams[1:])
        other = before.core if number and random.random() < 0.5 else before.staged
        columns = [
            _derived(column, random) for column in _kept(stream)[1:] for _ in range(random.randint(1, 3))
        ]
        write(
            folder / f"{stream.core}.sql",
            CORE,
            comment=_comment(stream.core, random),
            columns=",\n".join(f"    {text} as {stream.name}_{n}" for n, text in enumerate(columns)),
            source=stream.source,
            stream=stream.name,
            key=stream.key,
            other=other,
            other_name=before.name,
            other_key=before.key,
            literal=random.choice(TEXTS),
            unwanted=random.choice(("from", "select 1", "none")),
        )
        entries.append(_entry(stream.core, (stream.key, "changed_in_year", "updated_at"), tested=True))
    source = streams[0].source
    write(folder / f"_{source}__core.yml", "models:\n" + "".join(entries))
    _write_dagster(folder / f"{source}.py", source, f"path:assets/streams/{source} path:assets/core/{source}")


def _derived(column: str, random: Random) -> str:
    return random.choice(
        (
            f"ranked.{column}",
            f"lower(trim(ranked.{column}))",
            f"coalesce(ranked.{column}, {random.choice(TEXTS)})",
            f"case when ranked.{column} in ('a', 'from', 'b') then 'known' else ranked.{column} end",
            f"nullif(ranked.{column}, '')",
        )
    )


def _write_marts(folder: Path, source: str) -> None:
    entries = []
    names = [f"fct_{source}_{of}" for of in _FACTS] + [f"dim_{source}_{of}" for of in _DIMENSIONS]
    for name in names:
        random = Random(name)
        first, second = (Stream(source, stream) for stream in random.sample(_STREAMS[1:], 2))
        key = f"{first.key.removesuffix('_id')}_key"
        write(
            folder / f"{name}.sql",
            MART,
            comment=_comment(name, random),
            first=first.core,
            first_name=first.name,
            first_key=first.key,
            second=second.core,
            second_name=second.name,
            second_key=second.key,
            hub=HUB.core,
            key=key,
            year=random.randint(2019, 2026),
            literal=random.choice(TEXTS),
        )
        entries.append(_entry(name, (key, "last_day", "changes", "rate"), tested=True))
    write(folder / f"_{source}__marts.yml", "models:\n" + "".join(entries))


def _entry(name: str, columns: Sequence[str], *, tested: bool, told: bool = True) -> str:
    """A model's entry in YAML; its first column is its key."""
    lines = [f"  - name: {name}"]
    if told:
        lines.append(f"    description: One row each, {name.rpartition('_')[2]} of it.")
    lines.append("    columns:")
    for number, column in enumerate(columns):
        lines += [f"      - name: {column}", f'        description: "What {column} is: from the model."']
        if tested and not number:
            lines += ["        data_tests:", "          - not_null", "          - unique"]
    return "\n".join(lines) + "\n"


def _comment(name: str, random: Random) -> str:
    return random.choice(COMMENTS).replace("$name", name)


def _write_dagster(file: Path, source: str, select: str) -> None:
    write(file, DAGSTER, source=source, select=select)
