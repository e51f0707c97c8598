"""A model rendered out of a memo: it must say what dbt would, or that it cannot tell."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lakekit.dbt.models import Models
from lakekit.dbt.rendering import Memo, Unknown, memorise, render
from lakekit.scaffold import new
from lakekit.testing.kept import jinja

from ..sessions import worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ..sessions import Worker


class Relation:
    """A relation as dbt has it: no text, but printed as one."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return f'"lake"."core"."{self.name}"'


class Config:
    """As a model's config: called it gives nothing to print, and asked it knows a setting."""

    def __call__(self, **_: object) -> str:
        return ""

    def get(self, name: str, default: object = None) -> object:
        return {"unique_key": "id"}.get(name, default)


def union(relations: list[Relation]) -> str:
    return " union all ".join(f"from {relation.name}" for relation in relations)


def columns_of(relation: Relation) -> list[str]:
    return [f"{relation.name}_id", "at"]


CONTEXT: dict[str, Any] = {
    "ref": Relation,
    "this": Relation("me"),
    "var": {"window": 5, "names": {"a": "A", "b": "B"}, "columns": ["x", "y"]}.__getitem__,
    "is_incremental": lambda: False,
    "config": Config(),
    "columns_of": columns_of,
    "union": union,
    "lakekit": {"is_new": lambda column="at": f"{column} > 0", "half": lambda text: text[: len(text) // 2]},
    "target": type("Target", (), {"name": "embedded", "schema": "marts"})(),
}


def remembered(sql: str, **context: Any) -> Memo | None:
    """The memo of a model, as it comes out of the file that it is kept in."""
    from jinja2 import Environment

    known = CONTEXT | context
    compiled = Environment(extensions=["jinja2.ext.do"]).from_string(sql).render(known)
    memo = memorise(sql, compiled, known, lambda thing: isinstance(thing, Relation))
    return msgspec.msgpack.decode(msgspec.msgpack.encode(memo), type=Memo) if memo else None


@pytest.mark.parametrize(
    ("sql", "edited", "rendered"),
    [
        ("select a from {{ ref('t') }}", "select b from {{ ref('t') }} as t", 'select b from "lake"."core"."t" as t'),
        ("{{ lakekit.is_new() }} {{ lakekit.is_new('a') }}", "not {{ lakekit.is_new() }}, {{ lakekit.is_new('a') }}", "not at > 0, a > 0"),
        ("{% for c in columns_of(ref('t')) %}{{ c }} {% endfor %}", "{% for c in columns_of(ref('t')) %}max({{ c }}) {% endfor %}", "max(t_id) max(at) "),
        ("{% for k, v in var('names').items() %}{{ k }}={{ v }};{% endfor %}", "{% for k, v in var('names').items() %}{{ k }}:{{ v }},{% endfor %}", "a:A,b:B,"),
        ("{% set c = var('columns') %}{% do c.append('z') %}{{ c | join(' ') }}", "{% set c = var('columns') %}{% do c.append('z') %}|{{ c | join(' ') }}", "|x y z"),
        ("{% if not is_incremental() %}a{% else %}{{ this }}{% endif %}", "{% if not is_incremental() %}b{% else %}{{ this }}{% endif %}", "b"),
        ("{{ target.name }} {{ config.get('unique_key') }}", "-- {{ target.name }} {{ config.get('unique_key') }}", "-- embedded id"),
        ("{% if config.get('none') is none %}a{% endif %}", "{% if config.get('none') is none %}b{% endif %}", "b"),
        ("{{ var('window') + 1 }}", "{{ var('window') + 1 }}{# more #}", "6"),
    ],
)  # fmt: skip
def test_what_stands_between_jinja_may_change(sql: str, edited: str, rendered: str) -> None:
    var = {"window": 5, "names": {"a": "A", "b": "B"}}
    memo = remembered(sql, var=lambda name: var.get(name) or ["x", "y"])
    assert memo
    for _ in range(2):  # what a template does to an answer must not stay
        assert render(edited, memo) == rendered


@pytest.mark.parametrize(
    ("sql", "edited"),
    [
        ("{{ ref('t') }}", "{{ ref('u') }}"),
        ("{{ ref('t') }}", "{{ ref('t') }} {{ source('s', 't') }}"),
        ("{{ ref('t') }}", "{{ ref('t', v=1) }}"),
        ("{{ ref('t') }}", "{{ ref('t') }} {{ this }}"),
        ("{{ config(materialized='table') }}x", "{{ config(materialized='view') }}x"),
        ("{{ config(materialized='table') }}x", "x"),
        ("{{ config(materialized='table') }}x", "{# {{ config(materialized='table') }} #}x"),
        ("{{ config(a=1) }}{{ config(a=2) }}", "{{ config(a=2) }}{{ config(a=1) }}"),
        ("{{ ref('t') }}", "{{ ref('t') }}{% if target.name == 'embedded' %}x{% endif %}"),
        ("{{ target.schema }}", "{{ target.schema }}{% if target.name == 'embedded' %}x{% endif %}"),
        ("{{ ref('t') }}", "{{ ref('t') }}{% if this is defined %}x{% endif %}"),
        ("{{ ref('t') }}", "{{ ref('t') }}{% if nothing is not defined %}x{% endif %}"),
        ("{{ ref('t') }}", "{{ ref('t') }}{% if this is string %}x{% endif %}"),
        ("{{ ref('t') }}", "{{ ref('t') }}{% if 'a' in columns_of %}x{% endif %}"),
        ("{{ ref('t') }}", "{{ ref('t') }}{{ 'x' if this }}"),
        ("{{ ref('t') }}", "{{ ref('t') }}{{ {this: 1} }}"),
        ("{{ ref('t') }}", "{{ ref('t') }}{{ [this, this] | unique | list | length }}"),
        ("{{ ref('t') }}", "{{ ref('t') }}{{ run_started_at }}"),
        ("{{ ref('t') }}", "{{ ref('t') }}{% import 'x' as y %}"),
        ("{{ ref('t') }}", "{{ ref('t') }}{{ unfinished"),
        ("{{ ref('t') }}", "{{ ref('t') }}{{ 1 / 0 }}"),
        ("{{ ref('t') }}", "{{ ref('t') }}{{ 'x' | as_number }}"),
    ],
)
def test_what_the_memo_does_not_know_it_does_not_guess(sql: str, edited: str) -> None:
    memo = remembered(sql)
    assert memo
    with pytest.raises(Unknown):
        render(edited, memo)


@pytest.mark.parametrize(
    "sql",
    [
        "{{ union([ref('t'), ref('u')]) }}",  # the relations are in a list
        "{{ this.name }}",
        "{% if lakekit is defined %}x{% endif %}",
        "{% if ref('t') is string %}x{% else %}y{% endif %}",
        "{{ target }}",
        "{% for n in numbers() %}{{ n }}{% endfor %}",  # a generator is read up when it is looked at
    ],
)
def test_what_cannot_be_kept_is_not(sql: str) -> None:
    assert remembered(sql, numbers=lambda: iter([1, 2])) is None


@pytest.mark.parametrize(
    ("sql", "evaluated"),
    [
        ("a {{ b }} c {%- if d -%} e", ["{{ b }}", "{%- if d -%}"]),
        ("{# {{ a }} #}{{ b }}{# {% if c %} #}", ["{{ b }}"]),
        ("{% raw %}{{ a }}{# {%- endraw -%}{{ b }}{%+raw-%}{%x%}{% endraw %}", ["{{ b }}"]),
        ("{{ '}} {# ' }}{{ a }}{# #}", ["{{ '}} {# ' }}", "{{ a }}"]),
        ("""{{ "\\"}}" ~ a }}""", ["""{{ "\\"}}" ~ a }}"""]),
        ("{# {% raw %} #}{{ a }}{# {% endraw %} #}", ["{{ a }}"]),
    ],
)
def test_what_jinja_evaluates_is_told_from_comments_and_raw_text(sql: str, evaluated: list[str]) -> None:
    assert jinja(sql) == evaluated


# The same of dbt: on the template.

JINJA = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})", re.DOTALL)
BEGINNING = re.compile(r"\{[{%#]")
PIECES = st.text(st.sampled_from("a1 \n\t-+*'\",()%.}:é"), max_size=12) | st.sampled_from(
    ["-- so\n", " /* so */ ", "{ ", "\n\n", "'%'", "\r\n", ", updated_at as again"]
)


@st.composite
def edited(draw: st.DrawFn, sql: str) -> str:
    """SQL with something put in or taken out outside its Jinja."""
    parts = JINJA.split(sql)
    for _ in range(draw(st.integers(1, 4))):
        n = draw(st.integers(0, len(parts) // 2)) * 2
        at = draw(st.integers(0, len(parts[n])))
        more, gone = draw(PIECES), draw(st.integers(0, 5))
        parts[n] = parts[n][:at] + more + parts[n][at + gone :]
    # What was put together may have become Jinja, or begun some: then it is another edit.
    found = JINJA.split("".join(parts))
    begun = any(BEGINNING.search(text) for text in found[::2])
    return sql if begun or found[1::2] != parts[1::2] else "".join(found)


@contextmanager
def compiling(project: Path, scratch: Path, lake: Any) -> Iterator[Callable[[str], str]]:
    """Compiles models by name, with dbt, as the project's files say now."""
    target = lake.engine.dbt_target(lake.ref)
    models = Models(project / "orchestration", target, scratch, {})

    def compiled(name: str) -> str:
        node = models._nodes[name]
        with models._running(node, target, None, None) as (runner, _):
            return str(runner.compile(models.manifest).compiled_code)

    yield compiled


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """The template, each model of which was built twice."""
    project = new(tmp_path_factory.mktemp("rendering") / "shop", engine="embedded")
    with worker(project) as one:
        for _ in range(2):
            one.session.main.build()
        yield one


def files(template: Worker) -> dict[str, Path]:
    graph = template.session.main.graph
    return {name: template.harness.settings.dbt / model.file for name, model in graph.models.items()}


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # what fails is told by its name; to make it small takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_every_model_of_the_template_is_rendered_as_dbt_compiles_it(
    template: Worker, tmp_path: Path, data: st.DataObject
) -> None:
    project = template.harness.settings.project
    originals = {name: file.read_text() for name, file in files(template).items()}
    texts = {name: data.draw(edited(sql), name) for name, sql in originals.items()}
    built, empty = template.session.main, template.lake()
    for model in built.graph.models.values():
        empty.sql(f"drop {'view' if model.materialized == 'view' else 'table'} {model.schema}.{model.table}")
    try:
        for name, file in files(template).items():
            file.write_bytes(texts[name].encode())
        read = {name: file.read_text(encoding="utf-8").strip() for name, file in files(template).items()}
        with compiling(project, tmp_path / "dbt", built) as incremental:
            again = {name: incremental(name) for name in texts}
        with compiling(project, tmp_path / "dbt", empty) as first:
            at_first = {name: first(name) for name in texts}
    finally:
        for name, file in files(template).items():
            file.write_text(originals[name])
    for name, sql in read.items():
        memos = {trace.compiled: trace.memo for trace in template.harness.kept.recordings.get(name).traces}
        assert None not in memos.values(), name
        try:
            rendered = {render(sql, memo) for memo in memos.values()}
        except Unknown:
            assert "endset" in sql, name  # SQL that is a macro's argument: dbt alone knows what it gives
            continue
        assert rendered == {again[name], at_first[name]}, name
