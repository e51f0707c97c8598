"""YAML for the linter: what PyYAML reads, with places, and mostly without PyYAML."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml as pyyaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lakekit.lint.nodes import plain
from lakekit.lint.yaml import Node, Unsure, YamlError, parse, read
from lakekit.lint.yaml_events import compose

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


class Oracle(getattr(pyyaml, "CSafeLoader", pyyaml.SafeLoader)):  # type: ignore[misc]
    """SafeLoader, but for keys and dates: they are texts as they are written."""

    def mapping(self, node: Any) -> dict[str, Any]:
        self.flatten_mapping(node)
        for key, _ in node.value:
            if not isinstance(key, pyyaml.ScalarNode):
                raise pyyaml.constructor.ConstructorError(None, None, "found unhashable key", key.start_mark)
            self.construct_object(key)
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}

    def date(self, node: Any) -> str:
        self.construct_yaml_timestamp(node)
        return node.value


Oracle.add_constructor("tag:yaml.org,2002:map", Oracle.mapping)
Oracle.add_constructor("tag:yaml.org,2002:timestamp", Oracle.date)


def nodes(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node.value, dict | list):
        for one in node.value.values() if isinstance(node.value, dict) else node.value:
            yield from nodes(one)


def check(text: str) -> None:
    """``parse`` agrees with PyYAML, in values and refusals; places hold what they say; both ways agree in all."""
    try:
        expected = pyyaml.load(text, Oracle)
    except (pyyaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError):
        with pytest.raises(YamlError) as refusal:
            parse(text)
        assert "\n" not in str(refusal.value)
        assert 0 <= refusal.value.offset <= len(text)
        return
    try:
        root = parse(text)
    except YamlError as error:
        assert "stands within" in str(error)  # noqa: PT017
        return
    assert repr(plain(root)) == repr(expected)
    try:
        alone = read(text)
    except Unsure:
        pass
    else:
        assert alone == compose(text)
    if "!" not in text:
        check_places(text, root)


def check_places(text: str, root: Node) -> None:
    for node in nodes(root):
        there = text[node.start : node.end]
        if node.key_start >= 0:
            key = text[node.key_start : node.key_end]
            assert key == key.strip(" \r\n")
        if isinstance(node.value, dict | list):
            assert there[:1].strip(" \r\n") or "" in node.value
        elif "|" not in there[:1] and ">" not in there[:1]:
            assert repr(pyyaml.load(" " + there, Oracle)) == repr(node.value)
        elif not any(digit.isdigit() for digit in there.partition("\n")[0]):
            assert pyyaml.load(" " + there, Oracle) == node.value


# Documents as people write them.

names = st.sampled_from(
    ["name", "models", "columns", "data_tests", "description", "+materialized", "model-paths", "on-run-start", "a b",
     "dbt_utils.accepted_range", "'quoted'", '"also quoted"', "'it''s'", "true", "no", "1", "x", "http://x", "$id", "é"]
)  # fmt: skip
fine = st.sampled_from(
    ["stg_orders", "The key.", "it's", "a, b", "1", "-3", "1.5", "true", "Yes", "null", "~", "ref('orders')", "a:b", "a#b",
     "http://x.y/z#a", "'{{ var(\"x\") }}'", '"{{ source(\'a\', \'b\') }}"', "'it''s'", "''", '""', '"a\\nb"', "[a, b]",
     "[]", "{}", "[a, [b, 'c'], {d: 1}]", "{a: 1, b: 'x'}", "é", "(a) b", "a [b]", "2024-01-01", "1.2.3", "26b"]
)  # fmt: skip
odd = st.sampled_from(
    ["stg_orders", "The key.", "it's", "a, b", "1", "-3", "+7", "007", "1.5", "1.", ".5", "-.5", "1e3", "1.0e+3", "0x1F",
     "0b11", "1_000", "12:30", "12:30:45", "2024-01-01", "2024-01-01 10:00:00", "2024-13-45", "2024-02-30", "0000-01-01", "2024-1-1", "2024-12-31", "2024-01-01T25:00:00", "2024-01-01 10:00:61", "true", "Yes", "OFF", "n",
     "y", "null", "~", "Null", "nULL", ".inf", "-.INF", ".nan", "=", "<<", "ref('orders')", "http://x.y/z#a", "a:b", "a#b",
     "x: y", "x #y", "{{ jinja }}", "'{{ var(\"x\") }}'", '"{{ source(\'a\', \'b\') }}"', "'it''s'", "''", '""', '"a\\nb"',
     '"\\u00e9"', '"\\d+"', '"x" y', "'open", '"open', "- x", "-x", "-", "? x", "?x", ":x", "a ? b", "@x", "`x`", "%x",
     "!x", "!!str 1", "!!int x", "&a", "&b x", "*a", "*b", "[a, b]", "[]", "{}", "[a, [b, 'c'], {d: 1}]", "{a: 1, b: 'x'}",
     "[a, b,]", "[a b, c d]", "{a}", "{a: }", "[a: b]", "[ref('a', 'b')]", "{'a':1}", "{a: {b: [1, 2.5, ~]}}", "[a",
     "{a: 1", "[-1, - 2]", "[http://x]", "[x#y, x #y]", "[a:b, c:]", "[a:, b]", "{a:b}", "{a: b:c, d: :e}", "[::]", "{a: 2024-01-01 10:00:00}", "[12:30, 1:2]", "[a?, ?b]", "['a' b]", "[, a]", "é", "\xa0", "a\xa0", "1.2.3",
     "26b", "96b3d18d-1691", "0x", "0b2", "08", "1__0", "...", "---", "--- a", "9" * 30, "\u2028", "a\tb", "{a: b, a: c}",
     "(a) b", "<a>", "$x", "/a/b", "a   b", "[a   b]", "{a:\tb}", "a [b]", "a {b}", "a & b", "a | b", "|", ">-"]
)  # fmt: skip
comments = st.sampled_from(["", "", "", "", " ", "  # why", " #", "# no comment"])
blanks = st.sampled_from(["", "", "", "", "\n", "\n\n", "# note\n", "   # note\n", "  \n", "      \n"])


@st.composite
def scalars(draw: st.DrawFn, indent: int) -> str:
    """A value's text, with the end of its line."""
    kind = draw(st.integers(0, 9))
    if kind < 6:
        return f" {draw(odd if draw(st.integers(0, 14)) == 0 else fine)}{draw(comments)}\n"
    deeper = " " * (indent + draw(st.integers(1, 4)))
    said = st.sampled_from(
        ["some text", "more", "", "- x", "two  spaces"] * 4 + ["  deeper", "a: b", "it's", "# x", " "]
    )
    more = draw(st.lists(said, max_size=4))
    if kind < 8:
        header = draw(
            st.sampled_from(["|", ">", "|-", ">-", "|+", ">+", "| # why"] * 3 + ["|2", ">1-", "|x"])
        )
        return f" {header}\n" + "".join(f"{deeper}{line}\n" if line else "\n" for line in more)
    quote = draw(st.sampled_from(["", "'", '"']))
    return f" {quote}first" + "".join(f"\n{deeper}{line}" if line else "\n" for line in more) + f"{quote}\n"


@st.composite
def blocks(draw: st.DrawFn, indent: int = 0, depth: int = 0) -> str:
    """A mapping or a list at a column, whole lines."""
    pad, text = " " * indent, ""
    listed = draw(st.booleans())
    for _ in range(draw(st.integers(1, 4))):
        text += draw(blanks)
        step = draw(st.integers(1, 4))
        inner = draw(st.integers(0, 3)) if depth < 3 else 0
        key = draw(names) + draw(st.sampled_from([":", ":", ":", " :"]))
        if listed and inner == 1:
            text += f"{pad}-\n" + draw(blocks(indent + step, depth + 1))
        elif listed and inner > 1:
            text += f"{pad}-{' ' * step}" + draw(blocks(indent + 1 + step, depth + 1)).lstrip(" \n")
        elif listed:
            text += f"{pad}-" + draw(scalars(indent))
        elif inner == 1:
            text += f"{pad}{key}{draw(comments)}\n" + draw(blocks(indent + step, depth + 1))
        elif inner == 2:
            text += f"{pad}{key}\n" + draw(blocks(indent, depth + 1))
        else:
            text += f"{pad}{key}" + draw(st.one_of(scalars(indent), st.just("\n")))
    return text


@st.composite
def documents(draw: st.DrawFn) -> str:
    text = draw(
        st.sampled_from(["", "", "", "---\n", "# top\n---\n", "--- # x\n", "\ufeff", "%YAML 1.1\n---\n"])
    )
    text += draw(blocks()) + draw(st.sampled_from([""] * 9 + ["...\n", "---\nx\n", "# end", "\n"]))
    if draw(st.integers(0, 3)) == 0:
        text = text.rstrip("\n")
    return text.replace("\n", "\r\n") if draw(st.integers(0, 3)) == 0 else text


thorough = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@thorough
@given(documents())
def test_documents_as_people_write_them(text: str) -> None:
    check(text)


data = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False),
        st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20),
        st.sampled_from(
            ["yes", "1", "1.5", "a: b", "- x", "# c", "", "two\nlines\n", "ends \n", "x" * 120, "w " * 60]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@thorough
@given(
    data,
    st.sampled_from([False, None, True]),
    st.sampled_from([None, "'", '"', "|", ">"]),
    st.sampled_from([2, 4]),
    st.sampled_from([20, 80, 1000]),
    st.booleans(),
)
def test_what_pyyaml_writes(
    value: object, flow: bool | None, style: str | None, indent: int, width: int, start: bool
) -> None:
    check(
        pyyaml.safe_dump(
            value,
            default_flow_style=flow,
            default_style=style,
            indent=indent,
            width=width,
            explicit_start=start,
            allow_unicode=True,
        )
    )


GOOD = """\
version: 2

sources:
  - name: shopify
    schema: "{{ var('schema', 'shopify') }}"   # where it lands
    tables:
    - name: orders
      description: |
        All orders.

        * as they are
      columns: &columns
        - {name: id, data_tests: [unique, not_null]}
        - name: 'total'
          description: >-
            The sum,
            in all.
      loaded_at_field: _airbyte_extracted_at
    - name: refunds
      columns: *columns
      meta: {<<: {a: 1}, b: 2}
      freshness:
      identifier: Long text
        on two lines
"""

pieces = st.sampled_from(
    [*" \n-:#'\"[]{},|>&*!%@`?~.\t", "  ", ": ", "- ", " #", "---\n", "...\n", "\r\n", "<<: ", "&a ", "*a", "*columns", "? ",
     "!!str ", "!x ", "x", "1", "\n\n", "\x00", "\x85", "\u2028", "\xa0", "\ufeff", "\ud800", "é", "|-\n", "''", "\\"]
)  # fmt: skip


@thorough
@given(st.data())
def test_documents_that_were_broken(data: st.DataObject) -> None:
    text = GOOD if data.draw(st.booleans()) else GOOD.replace("&columns", "").replace("*columns", "1")
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.sampled_from([0, 0, 1, 2, 5, 20])))
        text = text[:start] + data.draw(pieces) + text[end:]
    check(text)


@thorough
@given(st.lists(st.one_of(pieces, st.sampled_from(["a: ", "b", "\n  ", "\n- "])), max_size=14).map("".join))
@example("")
@example("...")
@example("a:\n- b\nc")
@example("a: 'b\n---\n'")
@example("- a\n -b\n- - c\n  - d\n")
def test_garbage(text: str) -> None:
    check(text)


# What is said of places, and what needs no PyYAML.


def test_places_of_keys_and_values() -> None:
    text = "models:\n  - name: 'x'  # why\n    \"columns\": [a, {b: 1}]\n    empty:\n    meta:\n      on: yes\n# end\n"
    root = parse(text)

    def said(node: Node) -> tuple[str, str]:
        return text[max(node.key_start, 0) : max(node.key_end, 0)], text[node.start : node.end]

    models = root.value["models"]  # type: ignore[call-overload, index]
    model = models.value[0]  # type: ignore[index]
    assert said(models) == ("models", text[10 : text.index("\n# end")])
    assert said(model)[0] == ""
    assert said(model)[1].startswith("name: 'x'")
    assert {key: said(node) for key, node in model.value.items()} == {
        "name": ("name", "'x'"),
        "columns": ('"columns"', "[a, {b: 1}]"),
        "empty": ("empty", ""),
        "meta": ("meta", "on: yes"),
    }
    assert [said(node) for node in model.value["columns"].value] == [("", "a"), ("", "{b: 1}")]
    assert said(model.value["columns"].value[1].value["b"]) == ("b", "1")
    assert text[: model.value["empty"].start].endswith("empty:")
    assert model.value["meta"].value["on"].value is True


def test_what_an_alias_stands_for_is_where_its_anchor_is() -> None:
    text = "a: &x\n  - b\nc: *x\nd:\n  <<: {e: 1}\n  f: 2\n"
    root = parse(text).value
    assert isinstance(root, dict)
    assert (text[root["c"].start : root["c"].end], text[root["c"].key_start : root["c"].key_end]) == (
        "- b",
        "c",
    )
    assert plain(root["d"]) == {"e": 1, "f": 2}


@pytest.fixture
def no_pyyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    monkeypatch.delitem(sys.modules, "lakekit.lint.yaml_events")


# Profiles and compose have anchors, and are nobody's to lint; a file with Jinja's statements is no YAML before it is rendered.
FILES = [
    file
    for folder in ("template", "src")
    for file in sorted((ROOT / folder).rglob("*.yml"))
    if file.name not in {"profiles.yml", "docker-compose.yml"}
    and "{%-" not in file.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_our_own_files_need_no_pyyaml(file: Path, end: str, request: pytest.FixtureRequest) -> None:
    text = re.sub(r"\{\{ cookiecutter\.(\w+) \}\}", r"\1", file.read_text(encoding="utf-8")).replace(
        "\n", end
    )
    check(text)
    request.getfixturevalue("no_pyyaml")
    assert plain(parse(text))


CUBE = """\
---
cubes:
- name: orders
  sql_table: "{{ dbt_schema }}.fct_orders"
  measures:
    - {name: count, type: count}
    - name: revenue
      sql: "{CUBE}.amount"
      filters:
      - sql: >
          {CUBE}.status = 'paid'
            and {CUBE}.kept

          or 1 = 1
  joins: []
  dimensions:
    -
      name: id
      public: false
    - name: share
      format: percent
      description: Words that go on
        in a second line

        and a second part.
      meta: {scale: 1.50, of: [1, -2, .5],
             more: "x"}
      version: 1.3.0
      of_day: 2026-02-28 10:00:00
      row: {at: 2026-02-28, url: http://x/y, time: 10.5}
      hash: 226ae69cdfbc9367e2aa2c472b01f99dbce11de0
      title: 'It''s
        two lines'
    - - nested
      -   lists: here
          too: ~
"""


@pytest.mark.usefixtures("no_pyyaml")
def test_what_people_write_needs_no_pyyaml() -> None:
    (cube,) = plain(parse(CUBE))["cubes"]
    count, revenue = cube["measures"]
    first, second, third = cube["dimensions"]
    assert count == {"name": "count", "type": "count"}
    assert revenue["filters"] == [{"sql": "{CUBE}.status = 'paid'\n  and {CUBE}.kept\n\nor 1 = 1\n"}]
    assert first == {"name": "id", "public": False}
    assert second["description"] == "Words that go on in a second line\nand a second part."
    assert second["meta"] == {"scale": 1.5, "of": [1, -2, 0.5], "more": "x"}
    assert second["title"] == "It's two lines"
    assert third == ["nested", {"lists": "here", "too": None}]


@pytest.mark.parametrize(
    "text", [CUBE, GOOD, "", "a", "# only a comment", "- |\n  x\n   \n", "a: >+\n  x\n\n\nb: 1", "- - - 1"]
)
def test_examples_are_as_pyyaml_reads_them(text: str) -> None:
    check(text)
    check(text.replace("\n", "\r\n"))
    check(text.removesuffix("\n"))


def test_importing_it_imports_no_pyyaml() -> None:
    code = "import sys, lakekit.lint.yaml; print(*{'yaml', 'dataclasses', 'pathlib', 'inspect'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-Sc", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "src")},
    )
    assert not done.stdout.strip()


# What is no YAML.


@pytest.mark.parametrize(
    ("text", "told", "at"),
    [
        ("a: b: c\n", "mapping values are not allowed", ": c"),
        ("a:\n  - b\n c: d\n", "did not find expected", "c: d"),
        ("a: [b\nc: d\n", "did not find expected ',' or ']'", ": d"),
        ("a: 'b\n", "found unexpected end of stream", ""),
        ("a: *b\n", "found undefined alias 'b'", "*b"),
        ("a: &b 1\nc: &b 2\n", "found duplicate anchor 'b'", "&b 2"),
        ("a: &b [*b]\n", "the alias 'b' stands within what it is for", "*b"),
        ("a: !ref x\n", "could not determine a constructor for the tag '!ref'", "!ref"),
        ("a: 2024-13-45\n", "is no timestamp", "2024"),
        ("a: 1\n---\nb: 2\n", "expected one document", "---"),
        ("{{ config }}: 1\n", "found unhashable key", "{{ config"),
        ("a: {{ x }}\n", "found unhashable key", "{ x"),
        ("<<: 1\n", "expected a mapping or list of mappings for merging", "1"),
        ("é: \x00\n", "control characters are not allowed", "\x00"),
        ("é: \ud800\n", "surrogates not allowed", "\ud800"),
        ("é:\n\t- b\n", "cannot start any token", "\t"),
    ],
)
def test_what_is_no_yaml_is_refused_in_one_line(text: str, told: str, at: str) -> None:
    with pytest.raises(YamlError) as refusal:
        parse(text)
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert text[refusal.value.offset :].startswith(at)


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
MERGES = "a0: &a0 {x: 1, y: 2}\n" + "".join(
    f"a{n}: &a{n} {{{', '.join(f'<<: *a{n - 1}' for _ in range(9))}, k{n}: 1}}\n" for n in range(1, 5000)
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BOMB, "aliases stand for more than"),
        (MERGES, "aliases stand for more than"),
        ("[" * 100_000, "nest"),
        ("".join(f"{' ' * n}a:\n" for n in range(3000)), "nested more than 100 deep"),
        ("- " * 100_000, "nested more than 100 deep"),
        ("a: " + "{a: " * 5000 + "}" * 5000, "nested more than 100 deep"),
    ],
    ids=["aliases", "merges", "brackets", "mappings", "dashes", "braces"],
)
def test_what_grows_without_end_is_refused(text: str, told: str) -> None:
    with pytest.raises(YamlError, match=told):
        parse(text)
