"""What a project had before it had the linter: written, read again, and set against what is found now."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakekit.errors import UsageError
from lakekit.lint import baseline
from lakekit.lint.baseline import Baseline, Entry, write
from lakekit.lint.findings import Finding

if TYPE_CHECKING:
    from pathlib import Path


def finding(
    path: object = "/p/models/a.sql", line: int = 1, code: str = "LK201", message: str = "No."
) -> Finding:
    return Finding(str(path), line, 1, line, 2, code, message)


def test_a_finding_is_known_wherever_it_moves(tmp_path: Path) -> None:
    file = tmp_path / "lint" / "known.json"
    file.parent.mkdir()
    inside, beside = file.parent / "a.sql", tmp_path / "models" / "b.sql"
    write(str(file), [finding(inside), finding(inside, 9), finding(beside), finding(beside, code="LK3")])
    found = [
        finding(inside, 30),
        finding(inside, 40),
        finding(inside, 50),
        finding(beside, 2, message="Else."),
    ]
    split = Baseline.read(str(file)).split(found)
    assert split.known == (*found[:2],)
    assert split.new == (*found[2:],)
    assert split.stale == {
        Entry("../models/b.sql", "LK201", "No."): 1,
        Entry("../models/b.sql", "LK3", "No."): 1,
    }


def test_a_relative_name_is_the_working_directorys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("known.json", [finding(tmp_path / "a.sql")])
    assert Baseline.read("known.json").split([finding(tmp_path / "a.sql", 3)]).new == ()


def test_the_file_has_a_line_for_each_finding_in_order(tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    found = [finding(tmp_path / "b.sql"), finding(tmp_path / "a.sql"), finding(tmp_path / "b.sql", 5)]
    write(str(file), found)
    assert file.read_text() == (
        '{\n  "version": 1,\n  "findings": [\n'
        '    {"path": "a.sql", "code": "LK201", "message": "No.", "count": 1},\n'
        '    {"path": "b.sql", "code": "LK201", "message": "No.", "count": 2}\n'
        "  ]\n}\n"
    )
    again = tmp_path / "again.json"
    write(str(again), reversed(found))
    assert again.read_bytes() == file.read_bytes()
    write(str(again), [])
    assert json.loads(again.read_text()) == {"version": 1, "findings": []}
    assert Baseline.read(str(again)).counts == {}


texts = st.text(st.characters(codec=None), max_size=5)
findings = st.lists(
    st.builds(finding, st.sampled_from(["/p/a", "/p/b/c", "/é"]), st.integers(1, 9), texts, texts)
)


@given(findings, findings)
def test_all_that_was_written_is_known(
    tmp_path_factory: pytest.TempPathFactory, old: list[Finding], now: list[Finding]
) -> None:
    file = str(tmp_path_factory.getbasetemp() / "known.json")
    write(file, old)
    known = Baseline.read(file)
    assert known.split(old) == ((), tuple(old), {})
    split = known.split(now)
    assert sorted(split.new + split.known, key=repr) == sorted(now, key=repr)

    def counted(some: list[Finding]) -> Counter[tuple[str, str, str]]:
        return Counter((one.path, one.code, one.message) for one in some)

    assert counted(list(split.known)) == counted(old) & counted(now)
    assert sum(split.stale.values()) == sum((counted(old) - counted(now)).values())


def test_a_merge_that_left_a_finding_twice_counts_it_once(tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    one = {"path": "a", "code": "LK1", "message": "No."}
    file.write_text(json.dumps({"version": 1, "findings": [{**one, "count": 2}, {**one, "count": 1}]}))
    assert Baseline.read(str(file)).counts == {Entry("a", "LK1", "No."): 2}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{\n  <<<<<<< HEAD", "line 2: "),
        (b"", "line 1: "),
        (b"\xff\xfe{}", "can't decode"),
        (b"[" * 100_000, "recursion"),
        (b"[]", "no version or no findings"),
        (b'{"version": 1}', "no version or no findings"),
        (b'{"findings": []}', "no version or no findings"),
        (b'{"version": 2, "findings": []}', "its version is 2, and this lakekit knows 1"),
        (b'{"version": 1, "findings": [{"path": "a", "code": "b", "message": "c"}]}', "finding 1 lacks"),
        (
            b'{"version": 1, "findings": [{"path": 1, "code": "b", "message": "c", "count": 1}]}',
            "finding 1 lacks",
        ),
    ],
)
def test_a_broken_file_is_told(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "known.json"
    file.write_bytes(content)
    with pytest.raises(UsageError) as told:
        Baseline.read(str(file))
    assert why in told.value.why
    assert f"lakekit lint --baseline {file} --update-baseline" in told.value.todo


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    file.write_bytes(b'\xef\xbb\xbf{"version": 1, "findings": []}')
    assert Baseline.read(str(file)).counts == {}


def test_what_is_not_there_or_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no baseline '.*known.json'\.\n  try: .* --update-baseline"):
        Baseline.read(str(tmp_path / "known.json"))
    with pytest.raises(UsageError, match="cannot be read"):
        Baseline.read(str(tmp_path))
    with pytest.raises(UsageError, match="cannot be written"):
        write(str(tmp_path / "none" / "known.json"), [])


def test_a_write_that_fails_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "known.json"
    write(str(file), [])
    before = file.read_text()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(baseline.os, "replace", full)
    with pytest.raises(UsageError, match="No space left"):
        write(str(file), [finding()])
    assert file.read_text() == before
    assert [one.name for one in tmp_path.iterdir()] == ["known.json"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "known.json"
    real.write_text("")
    link.symlink_to(real)
    write(str(link), [])
    assert link.is_symlink()
    assert Baseline.read(str(real)).counts == {}
