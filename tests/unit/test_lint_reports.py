"""A run's outcome in each format: carets under the very characters, and escapes that their readers undo."""

from __future__ import annotations

import json
import re
import string
import sys
import unicodedata
from pathlib import Path
from subprocess import run
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from lakekit.lint.findings import Edit, Finding, Fix, Outcome, locate
from lakekit.lint.registry import Rule
from lakekit.lint.reports import FORMATS
from lakekit.lint.reports.counts import sentence

if TYPE_CHECKING:
    from collections.abc import Iterator


def hard_coded(model: Any, project: Any, *, allowed: tuple[str, ...] = ()) -> Iterator[Any]:
    """A table is named by ``ref`` or ``source``.

    Else dbt does not know
    of it.
    """
    yield from ()


RULES = {"LK205": Rule("LK205", "hard-coded", hard_coded, "Query", None)}
FIX = Fix("Name it", (Edit("", 0, 1, "x"),))

texts = st.text(st.characters(codec=None), max_size=40)
"""Half pairs and control characters too."""


def below(name: str) -> str:
    return f"{Path.cwd()}/{name}"


def finding(text: str = "x", start: int = 0, end: int = 1, **others: Any) -> Finding:
    return Finding(
        **{"path": below("models/a.sql"), "code": "LK205", "message": "No.", **others},
        **dict(zip(("line", "column", "end_line", "end_column"), locate(text, start, end), strict=True)),
    )


def written(how: str, *findings: Finding, text: str = "x", **options: Any) -> str:
    return FORMATS[how](Outcome(findings, 120), RULES, lambda _: text, **options)


# The sentence.


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome((), 120), "All fine: 120 files judged."),
        (Outcome((), 1, 0, 10), "All fine: 1 file judged; 10 in the baseline."),
        (Outcome((), 0), "No file was judged."),
        (Outcome((finding(),), 1), "1 finding in 1 file (1 judged)."),
        (
            Outcome((finding(fix=FIX), finding(), finding(path="/b", fix=FIX)), 120, 4, 10),
            "3 findings in 2 files (120 judged), 2 can be mended with --fix; 4 silenced, 10 in the baseline.",
        ),
    ],
)
def test_a_run_in_a_sentence(outcome: Outcome, said: str) -> None:
    assert sentence(outcome) == said
    assert FORMATS["text"](outcome, RULES, lambda _: "x").endswith(f"{said}\n")


# Text.


def test_a_finding_is_shown_where_it_is() -> None:
    text = "select *\nfrom bronze.orders\n"
    where = text.index("bronze"), text.index("\n", 12)
    assert written("text", finding(text, *where, fix=FIX), text=text) == (
        "models/a.sql:2:6: LK205 [*] No.\n"
        "   2 | from bronze.orders\n"
        "     |      ^^^^^^^^^^^^^\n"
        "\n"
        "1 finding in 1 file (120 judged), 1 can be mended with --fix.\n"
    )


def test_findings_of_whole_files_are_a_list() -> None:
    files = [finding(end=0, path=below(f"models/{name}.sql")) for name in "ab"]
    assert written("text", *files, finding(path=below("models/c.sql")), files[0]) == (
        "models/a.sql:1:1: LK205 No.\n"
        "models/b.sql:1:1: LK205 No.\n"
        "models/c.sql:1:1: LK205 No.\n"
        "   1 | x\n"
        "     | ^\n"
        "\n"
        "models/a.sql:1:1: LK205 No.\n"
        "\n"
        "4 findings in 3 files (120 judged).\n"
    )


@pytest.mark.parametrize(
    ("text", "start", "end", "line", "carets"),
    [
        ("\tfrom\tx", 6, 7, "    from    x", "            ^"),
        ("select '漢字' x", 12, 13, "select '漢字' x", "              ^"),
        ("select '漢字'", 8, 9, "select '漢字'", "        ^^"),
        ("one\r\ntwo\r\n", 5, 8, "two", "^^^"),
        ("one\r\ntwo", 1, 8, "one", " ^^"),
        ("one\r\n", 3, 5, "one", "   ^"),
        ("one", 3, 3, "one", "   ^"),
        ("one\n", 4, 4, "", "^"),
        ("a\x1b[31m b", 7, 8, "a\u241b[31m b", "       ^"),
        ("é\u202e\x00x", 3, 4, "é\ufffd\u2400x", "   ^"),
        ("x" * 300, 200, 203, "..." + "x" * 120 + "...", " " * 33 + "^^^"),
        ("x" * 300, 2, 290, "x" * 120 + "...", "  " + "^" * 118),
        ("x" * 300, 298, 300, "..." + "x" * 32, " " * 33 + "^^"),
    ],
)
def test_carets(text: str, start: int, end: int, line: str, carets: str) -> None:
    found = finding(text, start, end)
    _, source, marks, *_ = written("text", found, text=text).split("\n")
    assert source == f"{found.line:>4} | {line}".rstrip()
    assert marks == f"     | {carets}"


def columns(text: str) -> Iterator[str]:
    """The character at each column of a terminal."""
    for one in text:
        wide = unicodedata.east_asian_width(one) in {"F", "W"}
        yield from [one] * (0 if unicodedata.combining(one) else 1 + wide)


@given(st.text("ab \t漢字é\u0301😀'", max_size=200), st.data())
def test_the_characters_above_the_carets_are_the_spans(line: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(line)))
    end = data.draw(st.integers(start, len(line)))
    text = f"first\n{line}\r\nlast"
    found = finding(text, 6 + start, 6 + end)
    _, source, marks, *_ = written("text", found, text=text).split("\n")
    indent, carets = marks[7:].index("^"), marks[7:].count("^")
    above = "".join(columns(source[7:] + " " * 999))[indent : indent + carets]
    span = "".join(columns(line[start:end].replace("\t", "    ")))
    if not span:  # nothing, or marks on the character before
        assert carets == 1
    elif len(line) <= 120:
        assert above == span
    else:
        assert span.startswith(above)


@given(texts, texts)
def test_a_terminal_obeys_nothing_that_is_shown(message: str, source: str) -> None:
    found = finding(source, 0, len(source) or 1, message=message)
    shown = written("text", found, text=source)
    assert shown.count("\n") <= 6
    assert shown.encode()  # halves of pairs cannot be
    assert not any(unicodedata.category(one) in {"Cc", "Cf"} for one in shown.replace("\n", ""))


def test_a_finding_of_the_whole_file_has_no_excerpt_and_reads_nothing() -> None:
    def read(_: str) -> str:
        raise AssertionError

    said = FORMATS["text"](Outcome((finding(end=0),), 2), RULES, read)
    assert said == "models/a.sql:1:1: LK205 No.\n\n1 finding in 1 file (2 judged).\n"


def test_a_file_that_became_shorter_is_no_crash() -> None:
    assert written("text", finding("a\nb", 2, 3), text="a").startswith("models/a.sql:2:1: LK205 No.\n\n")


def test_colour_adds_nothing_but_colour() -> None:
    text = "select 1"
    found = [finding(text, 0, 6, fix=FIX), finding(end=0)]
    coloured = written("text", *found, text=text, colour=True)
    assert "\x1b[1;31mLK205\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == written("text", *found, text=text)


@pytest.mark.parametrize("how", FORMATS)
def test_paths_elsewhere_are_absolute(how: str) -> None:
    path = str(Path.cwd().parent / "elsewhere.sql")
    assert path in written(how, finding(path=path))


# Programs.


def test_json_has_all_there_is() -> None:
    fix = Fix("Move it", (Edit(below("b.yml"), 3, 4, "é"),), ((below("a"), below("c")),))
    content = json.loads(written("json", finding(fix=fix), finding(code="ZZ1", end=0)))
    assert content["version"] == 1
    assert content["counts"] == {"judged": 120, "findings": 2, "fixable": 1, "silenced": 0, "baseline": 0}
    first, second = content["findings"]
    assert first == {
        "path": "models/a.sql",
        "line": 1,
        "column": 1,
        "end_line": 1,
        "end_column": 2,
        "whole_file": False,
        "code": "LK205",
        "name": "hard-coded",
        "message": "No.",
        "fix": {
            "title": "Move it",
            "edits": [{"path": "b.yml", "start": 3, "end": 4, "text": "é"}],
            "moves": [{"from": "a", "to": "c"}],
        },
    }
    assert (second["whole_file"], second["name"], second["fix"]) == (True, None, None)


def closed(required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def listed(items: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **others}


TEXT = {"type": "string"}
MESSAGE = closed("text", text=TEXT)
LEVEL = {"enum": ["none", "note", "warning", "error"]}
ARTIFACT = closed("uri", uri={"type": "string", "format": "uri-reference"}, uriBaseId=TEXT)
FROM_1 = {"type": "integer", "minimum": 1}
REGION = closed("startLine", startLine=FROM_1, startColumn=FROM_1, endLine=FROM_1, endColumn=FROM_1)
FROM_0 = {"type": "integer", "minimum": 0}
DELETED = closed("charOffset charLength", charOffset=FROM_0, charLength=FROM_0)
REPLACEMENTS = listed(closed("deletedRegion", deletedRegion=DELETED, insertedContent=MESSAGE), minItems=1)
CHANGE = closed("artifactLocation replacements", artifactLocation=ARTIFACT, replacements=REPLACEMENTS)
RULE = closed(
    "id shortDescription fullDescription help",
    id=TEXT,
    name=TEXT,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=MESSAGE,
    defaultConfiguration=closed("level", level=LEVEL),
)
RESULT = closed(
    "message ruleId locations",
    ruleId=TEXT,
    ruleIndex=FROM_0,
    level=LEVEL,
    message=MESSAGE,
    locations=listed(
        closed(
            "physicalLocation",
            physicalLocation=closed("artifactLocation region", artifactLocation=ARTIFACT, region=REGION),
        )
    ),
    fixes=listed(
        closed("artifactChanges", description=MESSAGE, artifactChanges=listed(CHANGE, minItems=1)),
        uniqueItems=True,
    ),
)
DRIVER = closed("name rules", name=TEXT, semanticVersion=TEXT, rules=listed(RULE, uniqueItems=True))
STANDARD = closed(
    "$schema version runs",
    **{"$schema": {"type": "string", "format": "uri"}},
    version={"const": "2.1.0"},
    runs=listed(
        closed(
            "tool results columnKind",
            tool=closed("driver", driver=DRIVER),
            originalUriBaseIds={"additionalProperties": closed("", uri=TEXT, description=MESSAGE)},
            columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            invocations=listed(closed("executionSuccessful", executionSuccessful={"type": "boolean"})),
            results=listed(RESULT),
        )
    ),
)
"""Of the standard what is used here, with what it and GitHub require."""

SARIF = Draft202012Validator(STANDARD)


def sarif(*findings: Finding) -> dict[str, Any]:
    content = json.loads(written("sarif", *findings))
    SARIF.validate(content)
    (only,) = content["runs"]
    assert isinstance(only, dict)
    return only


def test_sarif_names_places_rules_and_fixes() -> None:
    path = below("models/ä b#.sql")
    fix = Fix("Two", (Edit(path, 0, 3, "x"), Edit(below("b.yml"), 1, 1, "y"), Edit(path, 5, 6, "")))
    only = sarif(finding("one two", 4, 7, path=path, fix=fix), finding(end=0, code="ZZ1"))
    (rule,) = only["tool"]["driver"]["rules"]
    assert rule["shortDescription"]["text"] == "A table is named by `ref` or `source`."
    assert rule["help"]["text"] == (
        "A table is named by `ref` or `source`.\n\nElse dbt does not know\nof it."
    )
    first, second = only["results"]
    assert first["ruleIndex"] == 0
    place = first["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 1, "startColumn": 5, "endLine": 1, "endColumn": 8}
    assert place["artifactLocation"] == {"uri": "models/%C3%A4%20b%23.sql", "uriBaseId": "%SRCROOT%"}
    one, other = first["fixes"][0]["artifactChanges"]
    assert [len(one["replacements"]), len(other["replacements"])] == [2, 1]
    assert one["replacements"][0] == {
        "deletedRegion": {"charOffset": 0, "charLength": 3},
        "insertedContent": {"text": "x"},
    }
    assert "ruleIndex" not in second
    assert second["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}


def test_sarif_leaves_out_fixes_that_move_files() -> None:
    moving = Fix("Move", (Edit("/a", 0, 0, "x"),), (("/a", "/b"),))
    assert "fixes" not in sarif(finding(fix=moving))["results"][0]


@given(texts, st.text(string.printable.replace("/", ""), min_size=1, max_size=20))
def test_sarif_and_json_give_back_what_was_said(message: str, name: str) -> None:
    found = finding(message=message, path=below(f"m/{name}"))
    (result,) = sarif(found)["results"]
    assert result["message"]["text"] == message
    assert unquote(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]) == f"m/{name}"
    assert json.loads(written("json", found))["findings"][0]["message"] == message


# CI servers.


def command(line: str) -> tuple[dict[str, str], str]:
    """As the runner reads it."""

    def plain(text: str, *escapes: str) -> str:
        for one in (*escapes, "%0D", "%0A", "%25"):
            text = text.replace(one, unquote(one))
        return text

    told = re.fullmatch(r"::error (.*?)::(.*)", line)
    assert told
    properties = dict(one.split("=", 1) for one in told[1].split(","))
    return {name: plain(value, "%3A", "%2C") for name, value in properties.items()}, plain(told[2])


def test_github_is_told_the_place() -> None:
    text = "one\ntwo"
    lines = written("github", finding(text, 4, 6), finding(text, 1, 6), finding(end=0), text=text).split("\n")
    (one, message), (many, _), (whole, _) = map(command, lines[:3])
    assert one == {
        "title": "LK205 hard-coded",
        "file": "models/a.sql",
        "line": "2",
        "col": "1",
        "endLine": "2",
        "endColumn": "3",
    }
    assert message == "models/a.sql:2:1: LK205 No."
    assert (many["line"], many["endLine"], "col" in many) == ("1", "2", False)
    assert (whole["line"], "endLine" in whole) == ("1", False)
    assert lines[3:] == ["3 findings in 1 file (120 judged).", ""]


@given(texts, st.text("ab,:=%\n\r é", min_size=1))
@example("100%0A::error::", "a::b,c=%2C")
def test_the_runner_reads_what_was_said(message: str, name: str) -> None:
    found = finding(message=message, path=below(f"m/{name}"))
    line, _, rest = written("github", found).partition("\n")
    properties, said = command(line)
    assert properties["file"] == f"m/{name}"
    assert said == f"m/{name}:1:1: LK205 {message}"
    assert rest == "1 finding in 1 file (120 judged).\n"


def test_junit_has_a_case_for_each_finding() -> None:
    suites = ET.fromstring(written("junit", finding(), finding("a\nb", 2, 3, code="ZZ1")))
    (suite,) = suites
    assert suites.attrib.items() <= suite.attrib.items()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "2")
    first, second = suite
    assert first.attrib == {
        "classname": "models/a.sql",
        "name": "LK205 hard-coded at 1:1",
        "file": "models/a.sql",
        "line": "1",
    }
    (failure,) = second
    assert failure.attrib == {"type": "ZZ1", "message": "No."}
    assert failure.text == "models/a.sql:2:1: ZZ1 No."


def test_junit_of_a_clean_run_has_a_case_that_passed() -> None:
    (suite,) = ET.fromstring(written("junit"))
    (case,) = suite
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")
    assert case.get("name") == "All fine: 120 files judged."
    assert len(case) == 0


@given(texts)
@example("\x00\x1b\ufffe\ud800\t\r\n]]>&<\"'")
def test_xml_gives_back_what_it_can_say(message: str) -> None:
    report = written("junit", finding(message=message))
    assert report.isascii()
    (failure,) = ET.fromstring(report).iter("failure")
    unsayable = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
    assert failure.get("message") == unsayable.sub("\ufffd", message)
    assert failure.text == f"models/a.sql:1:1: LK205 {failure.get('message')}"


def test_text_imports_nothing_that_is_slow() -> None:
    slow = {"json", "pathlib", "dataclasses", "inspect", "rich", "click", "unicodedata", "urllib", "xml"}
    asked = (
        "import sys; before = {*sys.modules}; import lakekit.lint.reports, lakekit.lint.comments, "
        "lakekit.lint.baseline, lakekit.lint.reports.text; print(*({*sys.modules} - before))"
    )
    told = run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert not slow & {*told.stdout.split()}
