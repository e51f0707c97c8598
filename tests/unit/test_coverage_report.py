"""Coverage as it is told: text, a page, and JSON that workers send."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from typing import Any

import pytest

from lakekit.testing.coverage import Coverage, html, text

SQL = """select
    case when kind = '<b>' then 1
        when x > 2
            then 2
    end as k
from "lake"."s"."t"
where x > 1 & 2"""
EVIL = "test_x[<script>alert('\"&')</script>]"
VOID = {"meta", "input"}


class Rows:
    """Answers a query as an Arrow table would: one row of counts."""

    def __init__(self, *counts: int) -> None:
        self.columns = [[_Scalar(count)] for count in counts]


class _Scalar(int):
    def as_py(self) -> int:
        return int(self)


def answer(case: tuple[int, ...], where: tuple[int, ...]) -> Any:
    return lambda query: Rows(*(where if "x > 1 & 2 then 1" in query else case))


@pytest.fixture
def coverage() -> Coverage:
    """One test, which went one way at every turn but the WHERE."""
    coverage = Coverage()
    coverage.known({"int_a": ["k", "NOTE"], "stg_never": ["id"], "fct_plain": ["n"], "report": []})
    coverage.measure("int_a", SQL, answer((5, 0, 0), (5, 2)), EVIL)
    coverage.expected("int_a", ["K"], EVIL)
    return coverage


class Page(HTMLParser):
    """Checks that tags match, and keeps what they hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.marks: list[tuple[str, str]] = []
        self.lines: list[str] = []
        self._classes: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "code" and "style" in attributes:
            self.lines.append("")
        if tag == "mark":
            self.marks.append((str(attributes["class"]), str(attributes.get("title", ""))))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.lines and "code" in self.open and "ol" in self.open:
            self.lines[-1] += data


def test_text(coverage: Coverage) -> None:
    assert text(coverage).splitlines() == [
        "model        tests    columns   branches",
        "streams",
        "  stg_never   none        0/1          -",
        "core",
        "  int_a          1        1/2        3/5",
        "      3: when x > 2 then 2 — never taken",
        "      5: no else: null — never taken",
        "marts",
        "  fct_plain   none        0/1          -",
        "other",
        "  report      none          -          -",
        "",
        "total            1        1/4        3/5",
        "1 of 4 models built, the columns of 1 not known",
    ]


def test_what_was_not_measured_is_told_and_counts_for_nothing() -> None:
    def run(query: str) -> Any:
        raise RuntimeError("the engine\nis gone")

    coverage = Coverage()
    coverage.measure("int_a", SQL, run, "t")
    told = text(coverage)
    assert "2: when kind = '<b>' then 1 — not measured: the engine is gone" in told
    assert "7: where x > 1 & 2 — not measured: the engine is gone" in told
    assert "1 of 1 models built, 2 conditions not measured, the columns of 1 not known" in told
    # As soon as one test could count it, it is measured.
    coverage.measure("int_a", SQL, answer((1, 1, 1), (3, 1)), "u")
    assert "not measured" not in text(coverage)


def test_what_is_expected_of_a_model_that_no_test_builds() -> None:
    coverage = Coverage()
    coverage.expected("fct_x", ["a"], "t")
    assert "never built" in text(coverage)
    assert "No test builds this model." in Page(html(coverage, "shop")).words


def test_columns_of_which_no_one_knows_are_in_no_share() -> None:
    """One of one was expected, said the report of a model with four columns."""
    coverage = Coverage()
    coverage.measure("int_a", SQL, answer((1, 1, 1), (1, 1)), "t")
    coverage.expected("int_a", ["k"], "t")
    assert "  int_a      1          -        5/5" in text(coverage).splitlines()
    page = "".join(Page(html(coverage, "shop")).words)
    assert "✓k (expected)" in page
    assert "1/1" not in page
    assert "none known" in page
    coverage.known({"int_a": ["k", "a"]})
    coverage.known({"int_a": ["k", "b", "c"]})  # a later build has other columns
    assert "  int_a      1        1/4        5/5" in text(coverage).splitlines()


def test_nothing_at_all() -> None:
    assert text(Coverage()) == "No models."
    assert "No models." in Page(html(Coverage(), "shop")).words


def test_the_page_stands_alone_and_is_well_formed(coverage: Coverage) -> None:
    page = Page(html(coverage, 'a "title" & <more>'))
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert not any(
        "src" in attributes or "http" in str(attributes.get("href")) for _, attributes in page.tags
    )
    assert "url(" not in html(coverage, "x")
    assert "@import" not in html(coverage, "x")
    assert 'a "title" & <more>' in page.words
    # Ids are unique, and every link leads somewhere.
    ids = [str(attributes["id"]) for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [str(attributes["href"])[1:] for tag, attributes in page.tags if tag == "a"]
    assert links
    assert set(links) <= set(ids)


def test_the_page_shows_the_sql_as_it_is_and_marks_what_became_of_it(coverage: Coverage) -> None:
    page = Page(html(coverage, "shop"))
    shown = "\n".join(page.lines)
    assert SQL in shown
    by_title = {title.split("\n")[0]: kind for kind, title in page.marks}
    assert by_title["when 1: 5 rows"] == "hit"
    assert by_title["when 2: never taken"] == "missed"
    assert by_title["else: never taken"] == "missed"
    assert by_title["passed: 5 rows"] == "hit"
    assert f"passed: 5 rows\n  {EVIL}: 5\nrejected: 2 rows\n  {EVIL}: 2" in [title for _, title in page.marks]
    # A branch that goes over two lines is marked on both.
    assert [kind for kind, title in page.marks if title == "when 2: never taken"] == ["missed", "missed"]


def test_one_way_only_is_partly_covered() -> None:
    coverage = Coverage()
    coverage.measure("int_a", SQL, answer((5, 1, 1), (7, 0)), "t")
    page = Page(html(coverage, "shop"))
    (kind,) = (kind for kind, title in page.marks if title.startswith("passed"))
    assert kind == "part"
    assert [kind for kind, title in page.marks if title.startswith("when 1")] == ["hit"]


def test_columns_are_ticked(coverage: Coverage) -> None:
    page = Page(html(coverage, "shop"))
    assert "".join(page.words).count("✓") == 1
    assert "✓k (expected)" in "".join(page.words)
    assert "·note (nothing expected)" in "".join(page.words)


def test_workers_send_theirs(coverage: Coverage) -> None:
    other = Coverage()
    other.measure("int_a", SQL, answer((1, 4, 0), (5, 2)), "other")
    other.measure("int_a", SQL, answer((1, 0, 0), (1, 0)), EVIL)
    other.measure("int_a", SQL.replace("'<b>'", "'c'"), answer((0, 0, 1), (1, 0)), "other")
    other.expected("int_a", ["note", "k"], "other")
    other.known({"int_a": ["k", "note", "more"]})
    sent = Coverage.from_json(other.to_json())
    assert sent.models == other.models
    coverage.merge(sent)
    model = coverage.models["int_a"]
    assert model.builds == {EVIL: 2, "other": 2}
    assert model.expected == {"k": [EVIL, "other"], "note": ["other"]}
    assert [len(statement.conditions) for statement in coverage.statements("int_a")] == [2, 2]
    case, where = coverage.statements("int_a")[0].conditions
    assert [model.rows[outcome.id] for outcome in case.outcomes] == [{EVIL: 6, "other": 1}, {"other": 4}, {}]
    assert [model.rows[outcome.id] for outcome in where.outcomes] == [
        {EVIL: 6, "other": 6},
        {EVIL: 2, "other": 2},
    ]
    # The WHERE is the same in both statements: it is counted once.
    assert "int_a          2        2/3        5/8" in text(coverage)
    assert Coverage.from_json(coverage.to_json()).models == coverage.models


def test_merging_is_the_same_either_way(coverage: Coverage) -> None:
    other = Coverage()
    other.measure("int_a", SQL, answer((0, 3, 0), (3, 0)), "other")
    one, two = Coverage(), Coverage()
    for into, parts in ((one, (coverage, other)), (two, (other, coverage))):
        for part in parts:
            into.merge(Coverage.from_json(part.to_json()))
    assert text(one) == text(two)
    assert html(one, "x") == html(two, "x")
    # What was merged is not shared.
    assert other.models["int_a"].builds == {"other": 1}


def test_a_statement_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from lakekit.testing.coverage import probes

    read: list[str] = []
    real = probes.probes
    monkeypatch.setattr(probes, "probes", lambda sql: read.append(sql) or real(sql))
    coverage = Coverage()
    for test in "abc":
        coverage.measure("m", "select 1 as once from s.t where x > 77", lambda query: Rows(1, 0), test)
    assert len(read) == 1


def test_importing_it_reads_no_sql() -> None:
    code = "import sys, lakekit.testing.coverage as c; c.text(c.Coverage()); print('sqlglot' in sys.modules, 'pyarrow' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False", "False"]
