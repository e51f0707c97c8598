"""Silencing comments: what is one, what it silences, and what is left of a file without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakekit.lint.comments import read, sift, without
from lakekit.lint.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lakekit.lint.comments import Noqa
    from lakekit.lint.findings import Fix

KNOWN = ("LK201", "LK205", "LK301", "LK503", "LK901")
JUDGED = frozenset(KNOWN) - {"LK901"}


def codes(noqa: Noqa) -> list[str]:
    return [code.text for code in noqa.codes]


def only(text: str) -> Noqa:
    (noqa,) = read(text)
    return noqa


def finding(line: int, code: str = "LK201", end: int | None = None, end_column: int = 2) -> Finding:
    return Finding("/m.sql", line, 1, end or line, end_column, code, "No.")


def done(text: str, fix: Fix) -> str:
    (edit,) = fix.edits
    return text[: edit.start] + edit.text + text[edit.end :]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("select 1 -- noqa", []),
        ("select 1 --noqa", []),
        ("select 1 -- NoQA:lk201", ["LK201"]),
        ("select 1 -- noqa : LK201 , LK205", ["LK201", "LK205"]),
        ("select 1 -- noqa: LK201 LK205", ["LK201", "LK205"]),
        ("select 1 -- noqa: LK201 until the source is split", ["LK201"]),
        ("select 1 -- noqa LK201", ["LK201"]),
        ("select 1 -- noqa until the source is split", []),
        ("select 1 -- the source is split, later -- noqa: LK2", ["LK2"]),
        ("{# noqa: LK2 #}", ["LK2"]),
        ("{#- it's later -- noqa: LK2 -#}", ["LK2"]),
        ("select /* noqa: LK2*/ 1", ["LK2"]),
        ("name: it's fine # noqa: LK503", ["LK503"]),
        ("x = 1  # type: ignore # noqa: LK503", ["LK503"]),
        ("x = 1  # noqa: LK503 # don't", ["LK503"]),
        ("select 'it''s' -- noqa: LK2", ["LK2"]),
        ("{% set x = 'it\\'s' %} select 'a' -- noqa: LK2", ["LK2"]),
        ("select {{ {'a': '}'} }} -- noqa: LK2", ["LK2"]),
        ("{# it's #} select 1 -- noqa: LK2", ["LK2"]),
        ("/* it's */ select 1 -- noqa: LK2", ["LK2"]),
        ("select 1 -- noqa: LT01, LK2", ["LT01", "LK2"]),
    ],
)
def test_comments_that_silence(text: str, said: list[str]) -> None:
    noqa = only(f"select 0\n{text}\r\nselect 2")
    assert (noqa.line, codes(noqa), noqa.whole_file) == (2, said, False)


@pytest.mark.parametrize(
    "text",
    [
        "select '-- noqa'",
        "select 'a\n-- noqa\n'",
        'select "a -- noqa: LK2"',
        "select {{ '-- noqa' }}",
        "select {{ f(\"it's\", x) }}, '/* noqa */'",
        "name: '# noqa: LK503'",
        'x = f"# noqa"',
        "url: https://example.org/#noqa",
        "-- see noqa",
        "-- noqa-file",
        "-- noqas",
        "-- noqa:",
        "-- noqa: (later)",
        "noqa",
    ],
)
def test_what_is_no_such_comment(text: str) -> None:
    assert read(text) == ()


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("-- lakekit: noqa", True),
        ("--lakekit:noqa : LK2", True),
        ("  # lakekit: noqa: LK2", True),
        ("{# lakekit: noqa #}", True),
        ("{#- old, all of it -- lakekit: noqa -#}", False),
        ("{# -- lakekit: noqa #}", True),
        ("/* LakeKit: NOQA */", True),
        ("select 1 -- lakekit: noqa", False),
        ("{# lakekit: noqa #} select 1", False),
        ("-- noqa", False),
    ],
)
def test_a_whole_file_is_silenced_on_a_line_of_its_own(text: str, whole: bool) -> None:
    noqa = only(f"select 1\n{text}\r\n")
    assert noqa.whole_file == whole
    assert noqa.silences(finding(7)) == whole


@pytest.mark.parametrize(
    ("found", "stands"),
    [
        (finding(2), False),
        (finding(1), True),
        (finding(3), True),
        (finding(1, end=2), False),  # its last line
        (finding(2, end=4), False),  # its first line
        (finding(1, end=3), True),  # one in between
        (finding(1, end=3, end_column=1), False),  # up to the end of line 2
        (finding(2, "LK205"), False),
        (finding(2, "LK301"), True),
    ],
)
def test_a_line_is_silenced(found: Finding, stands: bool) -> None:
    noqas = read("a\nb -- noqa: LK2\nc")
    assert sift([found], noqas, KNOWN, JUDGED).standing == ((found,) if stands else ())


def test_a_finding_of_the_whole_file_is_silenced_on_line_1() -> None:
    whole = finding(1)._replace(end_column=1)
    assert sift([whole], read("x # noqa\ny"), KNOWN, JUDGED).standing == ()
    assert sift([whole], read("x\ny # noqa"), KNOWN, JUDGED).standing == (whole,)


@pytest.mark.parametrize(
    ("comment", "judged", "unused"),
    [
        ("-- noqa", JUDGED, []),
        ("-- noqa: LK201", JUDGED, []),
        ("-- noqa: LK205", JUDGED, ["LK205"]),
        ("-- noqa: LK2, LK3", JUDGED, ["LK3"]),
        ("-- noqa: LK", JUDGED, []),
        ("-- noqa: LT01, E501, disable, L, L001", JUDGED, []),  # others'
        ("-- noqa: LK999", JUDGED, []),  # nobody's
        ("-- noqa: LK205", {"LK201"}, []),  # not asked
        ("-- noqa: LK901", JUDGED, []),
        ("-- lakekit: noqa: LK5", JUDGED, ["LK5"]),
    ],
)
def test_codes_that_silence_nothing(comment: str, judged: set[str], unused: list[str]) -> None:
    sifted = sift([finding(1)], read(comment), KNOWN, judged)
    assert [code.text for _, code in sifted.unused] == unused


def test_a_beginning_is_unused_where_all_that_it_stands_for_was_asked() -> None:
    noqas = read("-- noqa: LK2")
    assert sift([], noqas, KNOWN, {"LK201"}).unused == ()
    assert len(sift([], noqas, KNOWN, {"LK201", "LK205"}).unused) == 1


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("select 1 -- noqa: LK2\n", "select 1\n"),
        ("select 1 -- noqa: LK2 until then  \r\nx", "select 1\r\nx"),
        ("a\r\n  -- noqa: LK2\r\nb", "a\r\nb"),
        ("a\n-- lakekit: noqa: LK2", "a\n"),
        ("a # noqa: LK2  # why", "a  # why"),
        ("a -- why -- noqa: LK2", "a -- why"),
        ("a {# noqa: LK2 #}\n", "a\n"),
        ("a {# noqa: LK2 #} b", "a b"),
        ("a/* noqa: LK2 */b", "a b"),
        ("a /* noqa: LK2 */b", "a b"),
        ("a{# noqa: LK2 #}b", "ab"),
        ("{# why -- noqa: LK2 #}", "{# why #}"),
        ("{# noqa: LK2\nwhy #}", "{#\nwhy #}"),
        ("a -- noqa: LK2 {# why #}", "a {# why #}"),
        ("a -- noqa: LK2, LT01", "a -- noqa: LT01"),
        ("a -- noqa: lt01,LK2 why", "a -- noqa: lt01 why"),
        ("a -- noqa: LK201 , LK2,lk9", "a -- noqa: LK201, lk9"),
    ],
)
def test_what_is_left_without(text: str, left: str) -> None:
    noqa = only(text)
    unused = [code for code in noqa.codes if code.text == "LK2"]
    assert done(text, without("/m.sql", text, noqa, unused)) == left


@pytest.mark.parametrize(
    "text",
    [
        "select 'it''s', {{ f('x') }} -- noqa: LK2\n" * 5000,
        "-" * 100_000 + "\n-- noqa",
        "-- noqa" + " " * 100_000 + "x",
        "{{ " + "a" * 100_000 + " -- noqa",
    ],
)
@pytest.mark.timeout(10)
def test_large_files_are_read_in_good_time(text: str) -> None:
    assert read(text)


# Against a model: files made of lines whose comments are known.

words = st.sampled_from(["noqa", "NOQA", "NoQa"])
given_codes = st.lists(st.sampled_from([*KNOWN, "LK2", "LK", "LT01", "E501"]), max_size=3)
SQL = (
    ["select 1 ", "'it''s' ", '"it\'s" ', "{{ ref('x') }} ", "{% set x = 'it\\'s' %} ", "漢 "],
    [
        "-- {}",
        "--{}",
        "{{# {} #}}",
        "{{#- {} -#}}",
        "/* {} */",
        "-- it's why -- {}",
        "{{# it's why -- {} #}}",
    ],
)
YAML = (["a: it's ", "- 'it''s' ", '- "it\'s" ', "漢: x "], ["# {}", "#{}", "# it's why # {}"])


@st.composite
def files(draw: st.DrawFn) -> list[tuple[str, list[str] | None]]:
    """Lines, each with the codes of its comment."""
    sources, openers = draw(st.sampled_from([SQL, YAML]))
    made: list[tuple[str, list[str] | None]] = []
    for source in draw(st.lists(st.sampled_from(sources), min_size=1, max_size=6)):
        if draw(st.booleans()):
            made.append((source, None))
        else:
            said = draw(given_codes)
            promised = ": " + draw(st.sampled_from([", ", ","])).join(said) if said else ""
            made.append((source + draw(st.sampled_from(openers)).format(draw(words) + promised), said))
    return made


def means(given: str, code: str) -> bool:
    return code.startswith(given)


@given(
    files(),
    st.lists(st.tuples(st.integers(1, 6), st.sampled_from(KNOWN)), max_size=6),
    st.sampled_from(["\n", "\r\n"]),
)
def test_as_the_model_has_it(
    made: Sequence[tuple[str, list[str] | None]], places: list[tuple[int, str]], ending: str
) -> None:
    text = ending.join(line for line, _ in made)
    noqas = read(text)
    expected = {number: said for number, (_, said) in enumerate(made, 1) if said is not None}
    assert {noqa.line: codes(noqa) for noqa in noqas} == expected
    assert all(text[code.start : code.end] == code.text for noqa in noqas for code in noqa.codes)

    found = [finding(line, code) for line, code in places]
    sifted = sift(found, noqas, KNOWN, JUDGED)

    def silent(one: Finding) -> bool:
        said = expected.get(one.line)
        return said is not None and (not said or any(means(code, one.code) for code in said))

    assert list(sifted.standing) == [one for one in found if not silent(one)]
    assert [(noqa.line, code.text) for noqa, code in sifted.unused] == [
        (line, code)
        for line, said in expected.items()
        for code in said
        if code in {"LK201", "LK205", "LK301", "LK503", "LK2"}
        and not any(one.line == line and means(code, one.code) for one in found)
    ]

    for noqa in reversed(noqas):  # from the end on, so that offsets stay true
        unused = [code for one, code in sifted.unused if one == noqa]
        if unused:
            text = done(text, without("/m.sql", text, noqa, unused))
    assert sift(found, read(text), KNOWN, JUDGED) == (sifted.standing, ())
