"""LK2: what a model may select from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ...naming import Layer
from ..conventions import SOURCES
from ..findings import Edit, Fix, Problem
from ..jinja import DYNAMIC
from ..registry import rule
from ..subjects import Model, PropertiesFile, SqlFile
from ..tables import parts
from . import meant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..facts import Facts
    from ..jinja import Ref, SourceCall
    from ..subjects import File


@rule("LK201", layer=Layer.STREAMS)
def staging_selects_from_its_source(model: Model, facts: Facts) -> Iterator[Problem]:
    """A staging model selects from its own source, and from nothing else.

    So a change in a source reaches the rest through one model, and a source can be replaced. What a layer selects from is
    ``lint.streams.selects``.
    """
    yield from _selects(model, facts)
    convention = facts.conventions.layers[Layer.STREAMS]
    own = (convention.match(model.name) or {}).get("source")
    for call in model.sql.sources:
        if own and call.source != own and SOURCES in convention.selects:
            yield Problem(f"'{model.name}' selects from the source '{call.source}'", call.start, call.end)


@rule("LK202", layer=Layer.CORE)
def core_selects_from_staging(model: Model, facts: Facts) -> Iterator[Problem]:
    """A core model selects from staging and core, never from a source or a mart.

    ``lint.core.selects`` says what from.
    """
    yield from _selects(model, facts)


@rule("LK203", layer=Layer.MARTS)
def mart_selects_from_core(model: Model, facts: Facts) -> Iterator[Problem]:
    """A mart selects from core and marts, never from staging or a source.

    Staging keeps every version that was sent; core keeps the newest. ``lint.marts.selects`` says what from.
    """
    yield from _selects(model, facts)


@rule("LK204")
def unknown_reference(file: File, facts: Facts) -> Iterator[Problem]:
    """What ref() and source() name is there, and only once.

    Of two models of a name, or a seed and a model, dbt builds neither.

    Models, seeds, snapshots, Python models and those of installed packages are known. Where packages are declared but not
    installed, nothing is said of names that are not the project's own.
    """
    if isinstance(file, Model) and (twin := _twin(file, facts)):
        yield Problem(f"'{file.name}' is also what {os.path.relpath(twin, facts.folder)} is called")
    refs: tuple[Ref, ...] = ()
    sources: tuple[SourceCall, ...] = ()
    if isinstance(file, SqlFile):
        refs, sources = file.sql.refs, file.sql.sources
    elif isinstance(file, PropertiesFile):
        refs, sources = file.properties.refs, file.properties.source_calls
    for ref in refs:
        if ref.name not in facts.names and facts.target(ref) is False:
            near = f" of version {ref.version}" if ref.version else meant(ref.name, facts.names)
            yield Problem(f"there is no model '{ref.name}'{near}", ref.start, ref.end)
    for call in sources:
        if facts.has_source(call.source, call.table, near=file.path) is False:
            yield Problem(f"no source declares '{call.source}.{call.table}'", call.start, call.end)


@rule("LK205")
def hard_coded_table(model: Model, facts: Facts) -> Iterator[Problem]:
    """A model names no table itself: it goes through ref() and source().

    What is named is read on every branch alike, is built in no order, and is in no lineage. ``--fix`` puts ref() or source()
    where a model or a source's table of that name is known.
    """
    for table in model.sql.tables:
        schema, name = parts(table.name)
        call = None
        if name in facts.names and name != model.name:
            call = f"{{{{ ref('{name}') }}}}"
        elif schema and facts.has_source(schema, name, near=model.path):
            call = f"{{{{ source('{schema}', '{name}') }}}}"
        fix = Fix(f"write {call}", (Edit(model.path, table.start, table.end, call),)) if call else None
        yield Problem(
            f"'{table.name}' is named itself, not through ref() or source()", table.start, table.end, fix
        )


@rule("LK206", late=True)
def cycle(model: Model, facts: Facts) -> Iterator[Problem]:
    """No model selects from itself by way of others.

    dbt builds none of them. It is told at the ref() that leads into the cycle; ``{{ this }}`` is how a model reads itself.
    """
    if path := facts.cycle(model):
        names = [os.path.basename(one).removesuffix(".sql") for one in path]
        ref = next(
            ref
            for ref in model.sql.refs
            if isinstance(target := facts.target(ref), Model) and target.path == path[1]
        )
        yield Problem(f"a cycle: {' → '.join(names)}", ref.start, ref.end)


def _selects(model: Model, facts: Facts) -> Iterator[Problem]:
    assert model.layer
    allowed = facts.conventions.layers[model.layer].selects
    for ref in model.sql.refs:
        target = facts.target(ref)
        if isinstance(target, Model) and target.layer and target.layer not in allowed and target is not model:
            yield Problem(
                f"'{model.name}' ({model.layer}) selects from '{target.name}' ({target.layer})",
                ref.start,
                ref.end,
            )
    if SOURCES not in allowed:
        for call in model.sql.sources:
            yield Problem(
                f"'{model.name}' ({model.layer}) selects from the source '{call.source}.{call.table}'",
                call.start,
                call.end,
            )


def _twin(model: Model, facts: Facts) -> str | None:
    """The path of something else that ref() finds by the model's name, if both are built."""
    others = [path for path in facts.called(model.name) if path != model.path]
    if not others or _is_off(model):
        return None
    return next((path for path in others if (other := facts.model(path)) is None or not _is_off(other)), None)


def _is_off(model: Model) -> bool:
    enabled = model.config("enabled")
    return enabled is False or enabled is DYNAMIC
