"""docs/testing.md does what it says: its blocks are files of a fresh project, and run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lakekit.scaffold import new

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs/testing.md").read_text()
BLOCK = re.compile(r"^```(?:python|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall(PAGE)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project with the files of the page, each of which its first line names, and README's story."""
    made = new(tmp_path_factory.mktemp("docs") / "shop")
    shutil.rmtree(made / "tests")  # those it comes with have a test of their own
    (made / "tests").mkdir()
    for block in BLOCKS:
        [name] = re.findall(r"\A# (tests/\S+)\n", block)
        assert not (made / name).exists()
        (made / name).write_text(block)
    [story] = [block for block in BLOCK.findall((CHECKOUT / "README.md").read_text()) if "(lake)" in block]
    (made / "tests/test_readme.py").write_text(story)
    return made


def run(project: Path, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=project, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def test_every_block_runs(project: Path) -> None:
    assert len(BLOCKS) >= 8
    # What needs services, other tests run; here it is enough that it is collected.
    assert "[trino]" in run(project, "tests", "--collect-only", "-q")
    settings = (
        "-k",
        "not trino",
        "-W",
        "error",
        "-W",
        "ignore::pytest.PytestUnknownMarkWarning",
        "-W",
        "ignore:sqlglotrs is deprecated",
    )
    run(project, "tests", *settings, "--lake-update")
    assert {file.parent.name for file in project.glob("tests/__snapshots__/*/*")} == {
        "test_customers",
        "refunds",
    }
    assert re.search(r"\d passed, 1 deselected", run(project, "tests", *settings))


def test_the_commands_are_there(project: Path) -> None:
    listed = run(project, "orchestration/dbt_project.yml", "-m", "dbt_unit_test", "--collect-only", "-q")
    assert "dbt_project.yml::what_counts_as_a_sale" in listed
    options = run(project, "--help")
    for option in set(re.findall(r"--lake-[a-z]+", PAGE)):
        assert option in options


def test_a_failure_looks_as_the_page_shows_it(project: Path) -> None:
    [shown] = re.findall(r"^```\n([^`]* \| [^`]*)^```$", PAGE, re.MULTILINE)
    step = re.findall(r"^>?  +(\d+) \| (.*)$", shown, re.MULTILINE)
    head = ["scenarios:", "  - name: an order is not cancelled", "    steps:"]
    sync = ["      - given:", "          shopify.orders:"]
    padding = ["      #"] * (int(step[0][0]) - 1 - len(head) - len(sync))
    story = head + padding + sync + [line for _, line in step]
    file = project / "tests/refunds.yml"
    as_written = file.read_text()
    file.write_text("\n".join(story))
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "tests/refunds.yml"],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        file.write_text(as_written)
    assert shown in ran.stdout
    difference = shown.partition("\n\n")[0]
    assert PAGE.count(difference) == 2, "the test in Python fails with the same words"
