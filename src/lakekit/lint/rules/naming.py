"""LK1: names say what a model is of, and folders agree."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ...naming import Layer
from ..findings import Fix, Problem, Rename
from ..registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..facts import Facts
    from ..subjects import Model, PropertiesFile


@rule("LK101", layer=Layer.STREAMS)
def staging_name(model: Model, facts: Facts) -> Iterator[Problem]:
    """A staging model is named after its source and entity: ``stg_<source>__<entity>``.

    A reader who knows the source's table finds its model without a search, and the other way round. The pattern is
    ``lint.streams.names``. ``--fix`` renames the model with everything that names it, where its source() or its folder
    tells the name.
    """
    yield from _name(model, facts, "staging")


@rule("LK102", layer=Layer.CORE)
def core_name(model: Model, facts: Facts) -> Iterator[Problem]:
    """A core model is named after its source and entity: ``int_<source>__<entity>``.

    The pattern is ``lint.core.names``. ``--fix`` renames the model with everything that names it.
    """
    yield from _name(model, facts, "core")


@rule("LK103", layer=Layer.MARTS)
def mart_name(model: Model, facts: Facts) -> Iterator[Problem]:
    """A mart is a fact or a dimension, and says so: ``fct_<domain>``, ``dim_<entity>``.

    The patterns are ``lint.marts.names``. ``--fix`` renames a mart whose name tells which of them it is
    (``fact_sales``); else that is for you to say.
    """
    yield from _name(model, facts, "mart")


@rule("LK104")
def folder_of_the_source(model: Model, facts: Facts) -> Iterator[Problem]:
    """A model lies in the folder of the source that its name says.

    ``stg_shopify__orders`` belongs into ``streams/shopify``, ``int_shopify__orders`` into ``core/shopify``: Dagster's assets, schema
    references and configuration by folder all go by it.
    """
    if model.layer is None:
        return
    convention = facts.conventions.layers[model.layer]
    parts = convention.match(model.name)
    if parts is None or "source" not in parts:
        return
    layers = [index for index, folder in enumerate(model.folders) if folder in convention.folders]
    if not layers:
        yield Problem(
            f"'{model.name}' lies in no folder of its layer: {convention.folders[0]}/{parts['source']}"
        )
    elif parts["source"] not in model.folders[layers[0] + 1 :]:  # there may be folders in the source's own
        yield Problem(
            f"'{model.name}' is of '{parts['source']}' by its name, of '{model.folders[-1]}' by its folder"
        )


@rule("LK105")
def sources_file(
    file: PropertiesFile, facts: Facts, *, name: str = "_{source}__sources.yml"
) -> Iterator[Problem]:
    """A source is declared in a file of its own that is named after it: ``_<source>__sources.yml``.

    ``--fix`` renames a file that holds that source and nothing else.
    """
    for source in file.properties.sources:
        wanted = name.replace("{source}", source.name)
        stem, _, ending = os.path.basename(file.path).rpartition(".")
        if wanted.rpartition(".")[0] == stem:
            continue
        target = os.path.join(os.path.dirname(file.path), f"{wanted.rpartition('.')[0]}.{ending}")
        alone = len(file.properties.sources) == 1 and not file.properties.entries
        movable = alone and not os.path.exists(target)
        fix = Fix(f"rename the file to {wanted}", moves=((file.path, target),)) if movable else None
        yield Problem(f"source '{source.name}' is not declared in {wanted}", source.start, source.end, fix)


def _name(model: Model, facts: Facts, kind: str) -> Iterator[Problem]:
    assert model.layer
    convention = facts.conventions.layers[model.layer]
    if convention.match(model.name) is not None:
        return
    wanted = " or ".join(pattern.replace("{", "<").replace("}", ">") for pattern in convention.names)
    name = _proposed(model, facts)
    fix = Rename(model.name, name) if name else None
    yield Problem(f"{kind} model '{model.name}' is not named {wanted}", fix=fix)


def _proposed(model: Model, facts: Facts) -> str | None:
    """What the model should be called, where that can be told and nothing else is called so."""
    assert model.layer
    convention = facts.conventions.layers[model.layer]
    words = model.name.lower().replace("-", "_")
    prefixes = {
        pattern.partition("{")[0] for one in facts.conventions.layers.values() for pattern in one.names
    }
    kinds = {
        "staging_",
        "intermediate_",
        "core_",
        "base_",
        "src_",
        "fact_",
        "facts_",
        "dimension_",
        *prefixes,
    }
    said = next((kind for kind in sorted(kinds, key=len, reverse=True) if words.startswith(kind)), "")
    words = words.removeprefix(said)
    patterns = [one for one in convention.names if said and one[:1] == said[:1]] or list(convention.names)
    if len(patterns) > 1:
        return None
    source = model.folders[-1] if model.folders and model.folders[-1] not in convention.folders else ""
    entity = words.removeprefix(source).strip("_")
    if model.layer == Layer.STREAMS and len(model.sql.sources) == 1:
        source, entity = model.sql.sources[0].source, model.sql.sources[0].table
    while "__" in entity:
        entity = entity.replace("__", "_")
    values = {"source": source, "entity": entity, "domain": entity}
    name = patterns[0]
    for part, value in values.items():
        name = name.replace(f"{{{part}}}", value)
    return name if convention.match(name) is not None and not facts.is_taken(name) else None
