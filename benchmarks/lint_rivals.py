"""The rivals of ``lakekit lint``, each with rules that say what lakekit's do: names, layers, materialization,
documentation, tables that are written out.

All of them read the manifest that ``dbt parse`` writes. dbt-checkpoint, a set of pre-commit hooks, is missing: it is on
no package index.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .lint_projects import DBT, SEEDS

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Linter:
    name: str
    packages: tuple[str, ...]
    """What to install, in an environment of its own."""
    command: Callable[[Path], list[str]]
    """By an environment's folder of programs."""
    folder: Path = DBT
    """Where it is run, in a project's folder."""
    config: tuple[str, str] | None = None
    """The name of its settings' file, and what is in it."""
    finds: frozenset[str] = frozenset(SEEDS)
    """Which of the faults it has a rule for."""
    count: re.Pattern[str] = re.compile(r"(\d+) finding")
    """Where in its output is how many findings there are, if there are any."""


DBT_PARSE: Final = Linter(
    "dbt parse",
    ("dbt-core==1.11.16", "dbt-duckdb==1.11.1", "duckdb==1.5.5"),
    lambda programs: [str(programs / "dbt"), "parse", "--profiles-dir", "."],
)

_BOUNCER: Final = r"""
manifest_checks:
  - name: check_model_names
    include: ^assets/streams
    model_name_pattern: ^stg_[a-z0-9]+__[a-z0-9_]+$
  - name: check_model_names
    include: ^assets/core
    model_name_pattern: ^int_[a-z0-9]+__[a-z0-9_]+$
  - name: check_model_names
    include: ^assets/marts
    model_name_pattern: ^(fct|dim)_[a-z0-9_]+$
  - name: check_source_used_by_models_in_same_directory
  - name: check_lineage_source_cannot_be_used
    include: ^assets/(core|marts)
  - name: check_lineage_permitted_upstream_models
    include: ^assets/streams
    upstream_path_pattern: $^
  - name: check_lineage_permitted_upstream_models
    include: ^assets/core
    upstream_path_pattern: ^assets/(streams|core)
  - name: check_lineage_permitted_upstream_models
    include: ^assets/marts
    upstream_path_pattern: ^assets/(core|marts)
  - name: check_model_materialization_permitted
    include: ^assets/streams
    permitted_materializations: [view]
  - name: check_model_materialization_permitted
    include: ^assets/core
    permitted_materializations: [incremental]
  - name: check_model_materialization_permitted
    include: ^assets/marts
    permitted_materializations: [table]
  - name: check_model_incremental_has_unique_key
  - name: check_model_description_populated
  - name: check_model_has_unique_test
    include: ^assets/(core|marts)
"""
_DBTECTIVE: Final = r"""
manifest_tests:
  - name: staging names
    type: name_convention
    pattern: ^stg_[a-z0-9]+__[a-z0-9_]+$
    applies_to: [models]
    includes: [^assets/streams/]
  - name: core names
    type: name_convention
    pattern: ^int_[a-z0-9]+__[a-z0-9_]+$
    applies_to: [models]
    includes: [^assets/core/]
  - name: mart names
    type: name_convention
    pattern: ^(fct|dim)_[a-z0-9_]+$
    applies_to: [models]
    includes: [^assets/marts/]
  - name: staging selects from sources
    type: node_dependency
    parent_type: model
    includes: [^assets/streams/]
  - name: core selects from no source
    type: node_dependency
    parent_type: source
    includes: [^assets/core/]
  - name: core selects from no mart
    type: node_dependency
    parent_path_pattern: ^assets/marts/
    includes: [^assets/core/]
  - name: marts select from no source
    type: node_dependency
    parent_type: source
    includes: [^assets/marts/]
  - name: marts select from no staging
    type: node_dependency
    parent_path_pattern: ^assets/streams/
    includes: [^assets/marts/]
  - name: described
    type: has_description
    applies_to: [models]
  - name: keys are tested
    type: has_unique_test
    applies_to: [models]
    includes: [^assets/core/, ^assets/marts/]
"""
_ARCH_UNIT: Final = r"""
project: {models_path: assets}
defaults: {include: ["assets/**"]}
layers:
  streams: {paths: ["assets/streams/**"], prefixes: ["stg_"]}
  core: {paths: ["assets/core/**"], prefixes: ["int_"]}
  marts: {paths: ["assets/marts/**"], prefixes: ["fct_", "dim_"]}
rules:
  - name: expect-layer-name-prefix
  - name: expect-model-name-regex
    scope: [streams, core]
    allow: ^(stg|int)_[a-z0-9]+__[a-z0-9_]+$
  - name: expect-dependencies
    allow: ["source > streams > core > marts", "core > core", "marts > marts"]
  - name: expect-materialization-by-layer
    allow: {streams: [view], core: [incremental], marts: [table]}
  - name: expect-incremental-keys
  - name: expect-model-has-description
  - name: expect-primary-key
    scope: [core, marts]
"""

_TABLES: Final = "hard-coded tables"


def _with_and_without(linter: Linter, tables: str) -> tuple[Linter, Linter]:
    """With the rule about tables that are written out, and without: it costs the most, or has false findings."""
    assert linter.config is not None
    name, rules = linter.config
    less = replace(linter, name=f"{linter.name}, without {_TABLES}", finds=linter.finds - {_TABLES})
    return replace(linter, config=(name, rules + tables)), less


RIVALS: Final = (
    *_with_and_without(
        Linter(
            "dbtective",
            ("dbtective==0.3.5",),
            lambda programs: [str(programs / "dbtective"), "run", "--only-manifest"],
            config=("dbtective.yml", _DBTECTIVE),
            # It has no rule of what a layer's models are materialized as.
            finds=frozenset(SEEDS) - {"materialization"},
            count=re.compile(r"(\d+) errors"),
        ),
        "  - {name: no tables written out, type: code_no_hardcoded_refs}\n",
    ),
    *_with_and_without(
        Linter(
            "dbt-arch-unit",
            ("dbt-arch-unit==1.0.0",),
            lambda programs: [str(programs / "dbt-arch-unit"), "check"],
            config=("dbt_arch.yaml", _ARCH_UNIT),
            count=re.compile(r"(\d+) error\(s\)"),
        ),
        "  - name: expect-no-hardcoded-refs\n",
    ),
    *_with_and_without(
        Linter(
            "dbt-bouncer",
            ("dbt-bouncer==4.3.0",),
            lambda programs: [str(programs / "dbt-bouncer"), "run", "--show-all-failures"],
            config=("dbt-bouncer.yml", _BOUNCER),
            count=re.compile(r"ERROR=(\d+)"),
        ),
        "  - name: check_model_hard_coded_references\n",
    ),
)
LAKEKIT: Final = Linter(
    "lakekit",
    (str(Path(__file__).parent.parent),),
    lambda programs: [str(programs / "lakekit"), "lint"],
    Path(),
)
