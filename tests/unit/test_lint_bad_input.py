"""Whatever the linter is given, it says what is wrong with it in one place, and never ends in a traceback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakekit.lint import files
from lakekit.lint.command import main
from lakekit.lint.ignore import Ignore

REFERENCE = '{"name": "%s", "json_schema": {"properties": {"b": {"type": "string"}}}}'
PROJECT = "name: shop\nmodel-paths: [models]\n"


class Run:
    """A project, and runs of the linter over it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def write(self, name: str, text: str | bytes = "select 1 as one\n") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, and what was written on either stream."""
        try:
            code = main(["--project", str(self.folder), *arguments])
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        return (code, *self._capsys.readouterr())

    def found(self, *arguments: str) -> list[tuple[str, str, int, int, str]]:
        """Findings of a run: code, file, line, column and message; but for what every small project lacks."""
        code, out, error = self("--format", "json", "--ignore", "LK503,LK7", *arguments)
        assert not error, error
        findings = json.loads(out)["findings"]
        assert code == (2 if "LK902" in out else 1 if findings else 0)
        return [
            (one["code"], Path(one["path"]).name, one["line"], one["column"], one["message"])
            for one in findings
        ]

    def refused(self, *arguments: str) -> str:
        """What is told of a run that cannot be."""
        code, out, error = self(*arguments)
        assert (code, out) == (2, "")
        assert error.startswith("error: ")
        assert re.fullmatch(r"error: [^\n]+\n(  why: [^\n]+\n)?(  try: [^\n]+\n)?", error), error
        return error


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    made = Run(folder, capsys)
    made.write("dbt_project.yml", PROJECT)
    made.write("models/one.sql")
    return made


def test_the_project_of_these_tests_is_fine(run: Run) -> None:
    assert run.found() == []


# Which project


def test_no_project(run: Run) -> None:
    (run.folder / "dbt_project.yml").unlink()
    assert "is not a dbt project" in run.refused()


def test_no_folder(run: Run) -> None:
    assert main(["--project", str(run.folder / "nothing")]) == 2


def test_several_projects_below(run: Run) -> None:
    (run.folder / "dbt_project.yml").unlink()
    for name in ("a", "b"):
        run.write(f"{name}/dbt_project.yml", PROJECT)
    error = run.refused()
    assert "several dbt projects" in error
    assert "a, b" in error


def test_a_project_in_a_subfolder(run: Run) -> None:
    (run.folder / "dbt_project.yml").rename(run.folder / "models" / "dbt_project.yml")
    run.write("models/models/two.sql", "select * from {{ ref('no') }}")
    assert [one[:2] for one in run.found()] == [("LK204", "two.sql")]


def test_the_settings_between_a_folder_and_its_project_count(run: Run) -> None:
    (run.folder / "dbt_project.yml").unlink()
    run.write("shop/lakekit.toml", '[lint]\nignore = ["LK204"]\n')
    run.write("shop/orchestration/dbt_project.yml", PROJECT)
    run.write("shop/orchestration/models/two.sql", "select * from {{ ref('no') }}")
    assert run.found() == []


def test_no_dbt_project_where_the_settings_say(run: Run) -> None:
    (run.folder / "dbt_project.yml").unlink()
    run.write("lakekit.toml", 'dbt = "nowhere"\n')
    assert "There is no dbt project in" in run.refused()


# Settings and projects that cannot be read


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lint = [", "not valid TOML"),
        (b"\xff\xfe", "not UTF-8"),
        ("a = " + "[" * 10_000, "nested too deeply"),
        ("a = " + "1" * 5_000, "not valid TOML"),
        ("dbt = 1", "dbt is no text"),
        ("lint = 1", "lint is no table"),
        ("[lint]\nselec = []", "no setting 'lint.selec'"),
        ("[lint]\nselect = 'LK2'", "lint.select is no list"),
        ("[lint]\nselect = [2]", "lint.select is no list"),
        ("[lint]\nselect = ['LK999']", "no lint rule 'LK999'"),
        ("[lint]\nselect = ['LK2']\nignore = ['LK2']", "both have 'LK2'"),
        ("[lint]\nignore = ['LK']", "No lint rule is left"),
        ("[lint]\ncatalogs = 1", "lint.catalogs is no text"),
        ("[lint]\nbaseline = ['a']", "lint.baseline is no text"),
        ("[lint.bronze]\nfolders = ['a']", "no setting 'lint.bronze'"),
        ("[lint.core]\nname = ['a']", "no setting 'lint.core.name'"),
        ("[lint.core]\nnames = 'a'", "lint.core.names is no list"),
        ("[lint.core]\nnames = []", "lint.core.names is empty"),
        ("[lint.core]\nfolders = []", "lint.core.folders is empty"),
        ("[lint.core]\nmaterialized = []", "lint.core.materialized is empty"),
        ("[lint.core]\nnames = ['a_{b c}']", "'a_{b c}' in lint.core.names is no pattern"),
        ("[lint.core]\nnames = ['{a}_{a}']", "is no pattern"),
        ("[lint.core]\nselects = ['cores']", "names 'cores'"),
        ("[lint.core]\nfolders = ['marts']", "both have 'marts'"),
        ("[lint.core]\nnames = ['dim_{entity}']", "both have 'dim_{entity}'"),
        ("[lint.rules]\nLK404 = 1", "lint.rules.LK404 is no table"),
        ("[lint.rules.LK40]\na = 1", "lint.rules.LK40 is of no rule"),
        ("[lint.rules.LK404]\nfunction = ['a']", "no setting of LK404"),
        ("[lint.rules.LK404]\nfunctions = 'a'", "lint.rules.LK404.functions is wrong"),
        ("[lint.rules.LK404]\nfunctions = [1]", "lint.rules.LK404.functions is wrong"),
        ("[lint.rules.LK303]\nstrategies = []", "lint.rules.LK303.strategies is wrong"),
        ("[lint.rules.LK105]\nname = true", "lint.rules.LK105.name is wrong"),
        ("[lint.folders]\nmodels = 'LK2'", 'lint.folders."models" is no list'),
        ("[lint.folders]\nmodels = ['LX']", "no lint rule 'LX'"),
        ("[lint.folders]\n'orchestration/models' = ['LK2']", "names 'orchestration/models', which is no folder"),
        ("[lint.folders]\n'models/one.sql' = ['LK2']", "names 'models/one.sql', which is no folder"),
        ("[lint.core]\nnames = ['int_{entity']", "'int_{entity' in lint.core.names is no pattern"),
        ("[lint.core]\nnames = ['int_{entity}}']", "'int_{entity}}' in lint.core.names is no pattern"),
        ("lint.folders = 1", "lint.folders is no table"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_meant(run: Run, text: str | bytes, told: str) -> None:
    run.write(
        "lakekit.toml",
        b'dbt = "."\n' + text.encode() if isinstance(text, str) and "dbt" not in text else text,
    )
    assert told in run.refused()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: [", "is not valid YAML"),
        ("name: a\nname: b: c", "line 2"),
        ("", "it has no name"),
        ("- name: a", "it has no name"),
        ("name: 1", "it has no name"),
        ("name: a\nmodel-paths: models", "no list of model-paths"),
        ("name: a\nmodel-paths: [1]", "no list of model-paths"),
        ("name: a\nmodels: [a]", "'models' is no mapping"),
        ("name: a\nvars: 1", "'vars' is no mapping"),
        ("name: " + "[" * 10_000, "nesting depth"),
        ("name: a\nid: " + "1" * 10_000, None),
        (b"name: \xe9", "not UTF-8"),
        (b"\xff\xfen\0", "not UTF-8"),
    ],
)
def test_projects_that_cannot_be_read(run: Run, text: str | bytes, told: str | None) -> None:
    run.write("dbt_project.yml", text)
    if told is None:
        run("--ignore", "LK503")
    else:
        assert told in run.refused()


def test_a_project_with_windows_line_ends_and_a_mark(run: Run) -> None:
    run.write("dbt_project.yml", b"\xef\xbb\xbf" + PROJECT.replace("\n", "\r\n").encode())
    run.write("lakekit.toml", b'\xef\xbb\xbfdbt = "."\r\n[lint]\r\nignore = ["LK205"]\r\n')
    run.write("models/two.sql", b"\xef\xbb\xbfselect * from a.b\r\n, {{ ref('no') }}\r\n")
    assert [one[:4] for one in run.found()] == [("LK204", "two.sql", 2, 11)]


# Files


@pytest.mark.parametrize(
    ("text", "line", "column", "told"),
    [
        ("select {{ 1", 1, 8, "'{{' is never closed"),
        ("select 1\n{% if a", 2, 1, "'{%' is never closed"),
        ("select 1\n  {# a", 2, 3, "'{#' is never closed"),
        ("{{ ref('a) }}", 1, 1, "'{{' is never closed"),
        ("{% if a %}\n{% for b in c %}{% endif %}", 2, 17, "ends nothing that is open"),
        ("{% endif %}", 1, 1, "'{% endif %}' ends nothing that is open"),
        ("{%- endmacro -%}", 1, 1, "'{% endmacro %}' ends nothing that is open"),
        ("a {% if a %}", 1, 3, "'{% if %}' is never ended"),
        ("{% if a %}{% for b in c %}{% endfor %}", 1, 1, "'{% if %}' is never ended"),
        ("{% else %}", 1, 1, "'{% else %}' is of nothing that is open"),
        ("{% for a in b %}{% elif c %}{% endfor %}", 1, 17, "'{% elif %}' is of nothing that is open"),
        ("{% set a %}1", 1, 1, "'{% set %}' is never ended"),
        ("{% raw %}{{ a }}", 1, 1, "'{% raw %}' is never ended"),
        ("{% macro a() %}{% endmacro %}{% endmacro %}", 1, 30, "ends nothing"),
        ("select {{ ref( }}", 1, 8, "unexpected '}'"),
        ("1\n{{ ref('one')) }}", 2, 1, "unexpected ')'"),
        ("{{ config(a=) }}", 1, 1, "unexpected ')'"),
        ("{{ config(a=[1) }}", 1, 1, "unexpected ')'"),
        ("select {{ }}", 1, 8, "Expected an expression"),
        ("select {{ a ~ -}}", 1, 8, "unexpected 'end of print statement'"),
        ("select {{- a | }}", 1, 8, "expected token 'name'"),
        ("{% if %}1{% endif %}", 1, 1, "Expected an expression"),
        ("{% if a %}1{% elif (b %}{% endif %}", 1, 12, "unexpected '}'"),
        ("{% set a = %}", 1, 1, "Expected an expression"),
        ("{% for a in b( %}{% endfor %}", 1, 1, "unexpected '%'"),
        ("{% fi a %}", 1, 1, "unknown tag 'fi'"),
    ],
)  # fmt: skip
def test_broken_jinja(run: Run, text: str, line: int, column: int, told: str) -> None:
    run.write("models/two.sql", text)
    (found,) = run.found()
    assert found[:4] == ("LK903", "two.sql", line, column)
    assert told in found[4]


@pytest.mark.parametrize(
    "text",
    [
        "{% set a = 1 %}{% set b, c = 1, 2 %}{% set d %}=1{% endset %}{% set e | trim %}1{% endset %}{% set n.a = 1 %}",
        "{% raw %}{{ {% if %} {% endraw %}",
        "{% call(a) b() %}{% endcall %}{% filter upper %}a{% endfilter %}{% with a = 1 %}{{ a }}{% endwith %}",
        "{%- if a -%}{%- elif b -%}{%- else -%}{%- endif -%}{%+ for a in b +%}{% else %}{% endfor %}",
        "{# {{ {% if #}select '{' as a, '}}' as b, '%}' as c",
        '{{ "}}" ~ "{{" ~ \'%}\' }}',
        "{% do a.append({'b': '%}'}) %}{{ {'a': {'b': 1}} }}",
        "{{ a(')') }}{{ '' -}}{{ a == '[' }}{% set a = '(' %}{% if a != '{' %}{% elif a(b)[-1] %}{% endif %}",
        "{% for a in b if a(')') %}{% break %}{% continue %}{% endfor %}{% call a('(') %}{% endcall %}",
        "{{ {'a': {'b': {'c': {}}}} }}{{ config(a={'b': {'c': '}}'}}, d=1) }}",
        "{% import 'a' as b %}{% from 'a' import b %}{% include 'a' %}{% block a %}{% endblock a %}",
    ],
)
def test_jinja_that_is_fine(run: Run, text: str) -> None:
    run.write("models/two.sql", text)
    assert run.found("--select", "LK903") == []


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("models:\n  - name: a\n   b: c\n", 3, 4),
        ("models: [\n", 2, 1),
        ("models:\n\t- name: a\n", 2, 1),
        ("models: 'a\n", 2, 1),
        ("a: *b\n", 1, 4),
        ("a: !ruby/x b\n", 1, 4),
        ("a: 1\n---\nb: 1\n", 2, 1),
        ("a: b\0\n", 1, 5),
    ],
)
def test_broken_yaml(run: Run, text: str, line: int, column: int) -> None:
    run.write("models/one.yml", text)
    (found,) = run.found()
    assert found[:4] == ("LK903", "one.yml", line, column)


@pytest.mark.parametrize("broken", [b"  - name: [\n", b"# \xe9"])
def test_what_a_broken_file_may_say_is_not_missed_elsewhere(run: Run, broken: bytes) -> None:
    run.write("models/streams/shop/a.json", REFERENCE % "a")
    run.write("models/streams/shop/stg_shop__a.sql", "select b from {{ source('shop', 'a') }}")
    run.write(
        "models/core/shop/int_shop__a.sql",
        "{{ config(unique_key='b') }} select * from {{ ref('stg_shop__a') }}",
    )
    run.write("models/core/shop/int_shop__b_v2.sql", "select 1 as id")
    names = ("stg_shop__a", "int_shop__a", "int_shop__b")
    text = "sources: [{name: shop, tables: [{name: a}]}]\nmodels:\n" + "".join(
        f"  - name: {name}\n" for name in names
    )
    run.write("models/all.yml", text)
    judged = (
        "--format",
        "json",
        "--select",
        "LK2,LK3,LK5,LK9",
        "models/core",
        "models/streams",
        "models/all.yml",
    )
    _, out, _ = run(*judged)
    assert {one["code"] for one in json.loads(out)["findings"]} == {"LK301", "LK503", "LK505"}
    run.write("models/all.yml", text.encode() + broken)
    _, out, _ = run(*judged)
    assert [one["code"] for one in json.loads(out)["findings"]] == ["LK903"]


def test_a_loop_that_is_broken_off_is_rendered_as_dbt_does(run: Run) -> None:
    run.write(
        "models/two.sql",
        "{% for a in ['one', 'no', 'never'] %}{{ ref(a ~ '') }}{% if a == 'no' %}{% break %}{% endif %}{% endfor %}",
    )
    assert [one[0] + one[4] for one in run.found()] == ["LK204there is no model 'no'"]


def test_deep_yaml(run: Run) -> None:
    run.write("models/one.yml", "[" * 100_000)
    run.write("models/two.yml", "models:\n" + "".join(f"{' ' * depth}-\n" for depth in range(2_000)))
    assert [one[:2] for one in run.found()] == [("LK903", "one.yml"), ("LK903", "two.yml")]


@pytest.mark.parametrize(
    "text",
    ["", "# nothing\n", "1", "[1, 2]", "models: 1", "models: [1, [2], {}]", "models: [{name: 1}, {name: [a]}, {name: {a: b}}]",
     "models: [{name: one, columns: 1}, {name: x, columns: [1, {name: [a]}], tests: [1, {}, [a]], versions: [{v: [1]}]}]",
     "sources: 1", "sources: [1, {}, {name: [a]}, {name: a, tables: 1}, {name: b, tables: [1, {}, {name: [a]}]}]",
     "unit_tests: [{name: a, model: [b]}]", "models: [{name: one, config: 1}]", "models: [{name: one, config: {enabled: [1]}}]",
     "models: [{name: one, description: [a]}]", "version: 2\nmodels:\n", "semantic_models: {a: b}"],
)  # fmt: skip
def test_yaml_that_means_nothing(run: Run, text: str) -> None:
    run.write("models/one.yml", text)
    assert "LK903" not in {one[0] for one in run.found()}


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("", 1, 1),
        ("{", 1, 2),
        ('{\n  "name": "a",\n}', 3, 1),
        ("[]", 1, 1),
        ('{"name": "a", "json_schema": {"properties": {"b": [1]}}}', 1, 1),
        ('{"name": "a", "json_schema": {"properties": {}}, "source_defined_primary_key": [["b"]]}', 1, 1),
        ("[" * 100_000, 1, 1),
        ("1" * 10_000, 1, 1),
    ],
)
def test_broken_json(run: Run, text: str, line: int, column: int) -> None:
    run.write("models/streams/a/a.json", text)
    (found,) = run.found()
    assert found[:4] == ("LK903", "a.json", line, column)


@pytest.mark.parametrize(
    ("catalog", "why"),
    [
        ("[" * 100_000, "it is nested too deeply"),
        ('{"streams": [\n}', "line 2: Expecting value"),
        ("{}", "it has no list of streams, each with its name"),
        ("[]", "it has no list of streams, each with its name"),
        ('{"streams": 1}', "it has no list of streams, each with its name"),
        ('{"streams": [{"stream": "a"}]}', "it has no list of streams, each with its name"),
        (b"\xff", "it is not UTF-8: byte 0 is 0xff"),
    ],
)
def test_a_broken_catalog_is_told_once(run: Run, catalog: str | bytes, why: str) -> None:
    for name in "ab":
        run.write(f"models/streams/shop/{name}.json", REFERENCE % name)
    run.write("shop.json", catalog)
    assert run.found() == [("LK506", "a.json", 1, 1, f"shop.json is no configured Airbyte catalog: {why}")]


@pytest.mark.parametrize(
    "stream",
    ['{"name": "a"}, "x": 1', REFERENCE % "a" + ', "primary_key": [[]]', REFERENCE % "a" + ', "primary_key": [[1]]',
     REFERENCE % "a" + ', "primary_key": 1, "cursor_field": 2', REFERENCE % "a" + ', "primary_key": [["b", "c"]]'],
)  # fmt: skip
def test_a_broken_stream_of_a_catalog_hides_no_other(run: Run, stream: str) -> None:
    for name in "ab":
        run.write(f"models/streams/shop/{name}.json", REFERENCE % name)
    other = (REFERENCE % "b").replace("string", "integer")
    run.write("shop.json", f'{{"streams": [{{"stream": {stream}}}, {{"stream": {other}}}]}}')
    first, second = run.found()
    assert first[:4] == ("LK506", "a.json", 1, 2)
    assert first[4].startswith("'a' in shop.json is no stream: its ")
    assert second[4] == "'b' is string here, integer in shop.json"


def test_odd_types_of_a_catalog(run: Run) -> None:
    schema = '{"name": "a", "json_schema": {"properties": {"b": {"type": %s}}}}'
    run.write("models/streams/a/a.json", schema % '[{"c": 1}, 2]')
    run.write("a.json", f'{{"streams": [{{"stream": {schema % "null"}}}]}}')
    assert [one[0] for one in run.found()] == ["LK506"]


@pytest.mark.parametrize(
    "name", ["models/two.sql", "models/two.yml", "models/streams/a/two.json", "tests/two.sql"]
)
def test_undecodable_bytes(run: Run, name: str) -> None:
    run.write(name, b"select '\xe9'")
    assert run.found() == [("LK903", Path(name).name, 1, 1, "it is not UTF-8: byte 8 is 0xe9")]


def test_undecodable_bytes_of_what_is_ignored(run: Run) -> None:
    run.write(".dbtignore", b"\xe9")
    assert "it is not UTF-8" in run.refused()


def test_a_lone_carriage_return_ends_no_line(run: Run) -> None:
    run.write("models/two.sql", b"select 1\rfrom {{ ref('no') }}")
    assert [one[:4] for one in run.found()] == [("LK204", "two.sql", 1, 23)]


def test_symbolic_links(run: Run) -> None:
    models = run.folder / "models"
    (models / "itself").symlink_to("itself")
    (models / "itself.sql").symlink_to("itself.sql")
    (models / "a").symlink_to("b")
    (models / "b").symlink_to("a")
    (models / "back").symlink_to("..")
    (models / "nowhere.sql").symlink_to("nowhere")
    (models / "elsewhere.sql").symlink_to(run.write("elsewhere.txt", "select * from {{ ref('no') }}"))
    circle = "it is a symbolic link to itself"
    assert [one[:2] + one[4:] for one in run.found()] == [
        ("LK903", "a", circle),
        ("LK903", "b", circle),
        ("LK903", "back", "it is a symbolic link to a folder, and dbt follows none"),
        ("LK204", "elsewhere.sql", "there is no model 'no'"),
        ("LK903", "itself", circle),
        ("LK903", "itself.sql", circle),
        ("LK903", "nowhere.sql", "No such file or directory"),
    ]


def test_a_project_behind_a_link(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run.write("models/two.sql", "select * from {{ ref('no') }}")
    (tmp_path / "link").symlink_to(run.folder)
    linked = Run(tmp_path / "link", capsys)
    assert linked.found() == run.found() != []
    assert [one[1] for one in linked.found(str(tmp_path / "link" / "models"))] == ["two.sql"]


def test_what_is_no_file(run: Run) -> None:
    models = run.folder / "models"
    os.mkfifo(models / "pipe.sql")
    os.mkfifo(models / "pipe.yml")
    (models / "device.sql").symlink_to("/dev/zero")
    (models / "folder.sql").mkdir()
    assert [one[:2] + one[4:] for one in run.found()] == [
        ("LK903", name, "it is no regular file") for name in ("device.sql", "pipe.sql", "pipe.yml")
    ]


@pytest.mark.parametrize("name", ["dbt_project.yml", "lakekit.toml", ".dbtignore"])
def test_a_pipe_instead_of_a_setting_is_not_waited_for(run: Run, name: str) -> None:
    (run.folder / name).unlink(missing_ok=True)
    os.mkfifo(run.folder / name)
    code, _, error = run("--ignore", "LK503,LK7")
    assert code == (0 if name == "lakekit.toml" else 2), error


def test_a_huge_file(run: Run) -> None:
    run.write("models/two.sql", b"-" * (40 << 20))
    assert [one[:2] + one[4:] for one in run.found()] == [("LK903", "two.sql", "it is larger than 32 MiB")]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    ["(" * 10_000 + ")" * 10_000, "select " + "(" * 10_000, "select " + "cast(" * 3_000 + "1" + " as x)" * 3_000,
     "with " + "a as (" * 3_000 + ")" * 3_000, "{{ config(a=" + "[" * 10_000 + "]" * 10_000 + ") }}",
     "{{ config(a=" + "{'b': " * 10_000 + ") }}", "{{ config(a=" + "1" * 10_000 + ") }}", "{{ " * 30_000, "{% raw %}" * 30_000,
     "{# " * 30_000, "{% if a %}" * 10_000 + "{% endif %}" * 10_000, "'" * 30_001, "-- noqa" * 10_000, "select " * 100_000,
     "{{ ref(" * 10_000 + "}}", "\n" * 1_000_000, "from a, " * 30_000, "/* " * 20_000, "{{ x }} " * 50_000,
     "case when a then " * 10_000, "join a.b on " * 20_000],
    ids=lambda text: text[:20].strip() or "empty lines",
)  # fmt: skip
def test_deep_and_long_texts(run: Run, text: str) -> None:
    run.write("models/streams/a/stg_a__b.sql", text)
    run.found()


def test_a_folder_of_too_many_files(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_MOST", 20)
    for number in range(30):
        run.write(f"models/{number}.txt", "")
    assert f"{run.folder}/models holds more than 20 files" in run.refused()


def test_a_tree_of_too_many_folders(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_MOST", 20)
    for number in range(30):
        (run.folder / "models" / str(number)).mkdir()
    assert "holds more than 20 files" in run.refused()


_AS_NOBODY = """
import contextlib, io, os, sys
from lakekit.lint.command import main

given = ["--ignore", "LK503,LK7", "--project", *sys.argv[1:]]
if os.getuid() == 0:
    # Whatever is imported is imported by now: others may not look into root's folders.
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        main(given)
    os.setgid(65534)
    os.setuid(65534)
sys.exit(main(given))
"""


def test_unreadable_files_and_folders() -> None:
    """Root may read everything, so another user runs it, in a folder that others may look into."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "models").mkdir()
        (folder / "dbt_project.yml").write_text(PROJECT)
        (folder / "models" / "two.sql").write_text("select 1 as one")
        folder.chmod(0o755)

        def lint(*arguments: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-c", _AS_NOBODY, name, *arguments],
                capture_output=True,
                text=True,
                check=False,
            )

        assert lint().returncode == 0
        (folder / "models" / "two.sql").chmod(0)
        done = lint()
        assert (done.returncode, done.stderr) == (1, "")
        assert "two.sql:1:1: LK903 Permission denied" in done.stdout
        (folder / "dbt_packages").mkdir(mode=0)
        (folder / "models" / "three.sql").write_text("select * from {{ ref('no') }}")
        assert re.fullmatch(
            r"error: .*/dbt_packages cannot be read.\n  why: Permission denied\n", lint().stderr
        )
        (folder / "models").chmod(0)
        done = lint()
        (folder / "models").chmod(0o755)
        assert (done.returncode, done.stdout) == (2, "")
        assert re.fullmatch(r"error: .*/models cannot be read.\n  why: Permission denied\n", done.stderr)
        (folder / "dbt_project.yml").chmod(0)
        assert "dbt_project.yml: Permission denied" in lint().stderr


@pytest.mark.parametrize(
    "name", ["a\nb", "a'b", 'a"b', "ünïcødé", "a b", "a\x1b[31mb", os.fsdecode(b"a\xffb"), "\u202eb"]
)
@pytest.mark.parametrize("format_", ["text", "json", "sarif", "github", "junit"])
def test_odd_names(run: Run, name: str, format_: str) -> None:
    run.write(f"models/{name}/{name}.sql", "select * from {{ ref('no') }} where x = '\x1b\ud7ff'")
    code, out, error = run("--format", format_, "--ignore", "LK503")
    assert (code, error) == (1, "")
    assert "LK204" in out
    assert "\x1b" not in out or format_ == "github"  # which are names for a program
    if format_ == "text":
        assert len([line for line in out.splitlines() if "LK204" in line and ".sql:1:23:" in line]) == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_what_the_terminal_cannot_show(run: Run, encoding: str) -> None:
    run.write("models/ä→b.sql", "select * from {{ ref('ä→b') }}")
    done = subprocess.run(  # noqa: PLW1510
        [sys.executable, "-c", "import sys; from lakekit.lint.command import main; sys.exit(main([]))"],
        cwd=run.folder, env=os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}, capture_output=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"LK206" in done.stdout


# What is asked


@pytest.mark.parametrize("option", ["--select", "--ignore"])
@pytest.mark.parametrize(
    ("code", "near"),
    [
        ("LK2O1", "LK201"),
        ("lk201", "LK201"),
        ("LK999", "LK9"),
        ("LK250", "one of LK2"),
        ("naming", "--explain"),
    ],
)
def test_an_unknown_rule(run: Run, option: str, code: str, near: str) -> None:
    error = run.refused(option, code)
    assert f"no lint rule '{code}'" in error
    assert near in error


def test_nothing_is_left_to_judge_by(run: Run) -> None:
    assert "No lint rule is left" in run.refused("--select", "LK204", "--ignore", "LK204")


def test_a_file_that_is_not_there(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert "There is no file models/no.sql" in run.refused("models/no.sql")
    assert main(["models/no.sql"]) == 2
    assert "There is no file models/no.sql" in capsys.readouterr().err


def test_a_file_of_no_project(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.sql").write_text("select 1")
    assert main([str(tmp_path / "other.sql")]) == 2
    assert "LK902" in capsys.readouterr().out
    assert main([str(tmp_path / "other.sql"), "--ignore", "LK902"]) == 0


def test_unknown_options(run: Run) -> None:
    assert run("--nothing")[0] == 2
    assert run("--format", "nothing")[0] == 2


# Which files


def test_one_model_path_in_another(run: Run) -> None:
    run.write(
        "dbt_project.yml",
        "name: shop\nmodel-paths: [models, models/streams/a, models/]\nsnapshot-paths: [models]\n",
    )
    run.write("models/streams/a/stg_b__c.sql", "select * from {{ ref('no') }}")
    run.write("models/streams/a/_a.yml", "models: [{name: gone}]")
    run.write("models/streams/a/a.json", "{}")
    assert [one[:2] for one in run.found("--ignore", "LK1")] == [
        ("LK504", "_a.yml"), ("LK903", "a.json"), ("LK204", "stg_b__c.sql"),
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["../models", "{}/models", "./models/", "../shop/../models"])
def test_model_paths_elsewhere(run: Run, tmp_path: Path, path: str) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "streams").mkdir()
    folder = run.folder / "models" if path.startswith("./") else tmp_path / "models"
    run.write("dbt_project.yml", f"name: shop\nmodel-paths: ['{path.format(tmp_path)}']\n")
    (folder / "streams").mkdir(exist_ok=True)
    (folder / "streams" / "two.sql").write_text("select * from {{ ref('no') }}")
    assert [one[:2] for one in run.found()] == [("LK101", "two.sql"), ("LK204", "two.sql")]
    assert "ref('no')" in run("--ignore", "LK503")[1]


def test_no_model_path_is_there(run: Run) -> None:
    run.write("dbt_project.yml", "name: shop\nmodel-paths: [model, assets]\n")
    (found,) = run.found()
    assert found[0] == "LK902"
    assert "model-paths are model, assets" in found[4]


def test_one_model_path_is_not_there(run: Run) -> None:
    run.write("tests/one.sql")
    run.write("dbt_project.yml", "name: shop\nmodel-paths: [asets]\n")
    (found,) = run.found()
    assert (found[0], found[4]) == (
        "LK902",
        "there is no folder 'asets', which is one of the model-paths in dbt_project.yml",
    )
    run.write("asets/two.sql")
    assert run.found() == []


def test_a_package_of_macros_has_no_models(run: Run) -> None:
    (run.folder / "models/one.sql").unlink()
    (run.folder / "models").rmdir()
    run.write("macros/one.sql", "{% macro one() %}1{% endmacro %}")
    assert run.found() == []


def test_endings_in_capitals_are_dbts_too(run: Run) -> None:
    run.write("models/TWO.SQL", "{{ ref('no') }}{% endif %}")
    run.write("models/TWO.YML", "models: [")
    run.write("models/three.sql", "select * from {{ ref('TWO') }}")
    assert [one[:2] for one in run.found()] == [("LK903", "TWO.SQL"), ("LK903", "TWO.YML")]


def test_ignored_files_are_none(run: Run) -> None:
    run.write(".dbtignore", "# all of it\r\nmodels/old/\r\n*.txt.sql\r\n!keep.txt.sql\r\n")
    for name in ("old/two", "a.txt", "keep.txt"):
        run.write(f"models/{name}.sql", "select * from {{ ref('no') }}")
    assert [one[:2] for one in run.found()] == [("LK204", "keep.txt.sql")]


_PATTERN = st.lists(
    st.sampled_from(["a", "b", "ab", "*", "**", "?", "/", "/", "!", "[ab]", "[!a]", "[a-b]", ".sql", "\\*", " ", "#", "\\", "[", "**/", "/**"]),
    min_size=1, max_size=5,
).map("".join)  # fmt: skip
_NAME = st.lists(st.sampled_from(["a", "b", "ab", ".sql", "*", " ", "#"]), min_size=1, max_size=3).map(
    "".join
)
_PATH = st.lists(_NAME, min_size=1, max_size=4).map("/".join)


@settings(max_examples=1000, deadline=None)
@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
@given(st.lists(_PATTERN, min_size=1, max_size=3), st.lists(_PATH, min_size=1, max_size=8))
def test_files_are_ignored_as_dbt_ignores_them(patterns: list[str], paths: list[str]) -> None:
    pathspec = pytest.importorskip("pathspec")
    try:
        spec = pathspec.PathSpec.from_lines(pathspec.patterns.GitWildMatchPattern, patterns)
    except (pathspec.patterns.gitwildmatch.GitWildMatchPatternError, re.error):  # dbt does not start at all
        with pytest.raises(ValueError, match="is no pattern"):
            Ignore(patterns)
        return
    ignore = Ignore(patterns)
    assert {path: ignore.matches(path) for path in paths} == {path: spec.match_file(path) for path in paths}
