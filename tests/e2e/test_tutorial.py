"""docs/tutorial.md, followed to the letter in a fresh home: nothing is there but Python and a package index."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..dagster_server import DagsterServer, end

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs/tutorial.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"\A\S+ (\S+)\n")
SERVER = "dagster dev"
RUNS = "{ runsOrError { ... on Runs { results { status tags { key value } } } } }"
EDIT = """python - {name} <<'END OF FILE'
import pathlib, sys
file = pathlib.Path(sys.argv[1])
text = file.read_text()
assert {old!r} in text
file.write_text(text.replace({old!r}, {new!r}))
END OF FILE"""


@pytest.mark.timeout(1200)
def test_the_tutorial_leads_to_marts_that_dagster_publishes(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, CHECKOUT]
    subprocess.run(build, check=True)
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).resolve().parent}:{os.environ['PATH']}",
        "PIP_CACHE_DIR": os.environ.get("PIP_CACHE_DIR", str(Path.home() / ".cache/pip")),
        # Where the page's `pip install` finds this checkout's lakekit.
        "PIP_FIND_LINKS": f"{os.environ.get('PIP_FIND_LINKS', '')} {wheels}".strip(),
    }
    lines = _lines()
    at = lines.index(SERVER)
    with terminal(lines[:at], environment, tmp_path / "first.log") as server:
        told = server.log.read_text()
        assert "1 passed" in told
        assert "All fine" in told
        assert re.search(r"marts\.fct_weekday_sales\s+added\s+35 ", told)
        assert "'weekdays' is published" in told
        assert "25 models" in told  # the whole lake, with the new mart, a week later

        other = subprocess.run(
            ["bash", "-e"],
            input="\n".join(lines[at + 1 :]),
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert other.returncode == 0, f"{other.stdout}\n{other.stderr}"
        [run] = server.ask(RUNS)["runsOrError"]["results"]
    assert run["status"] == "SUCCESS"
    [published] = [tag["value"] for tag in run["tags"] if tag["key"] == "lake/published"]
    assert published[:8] in other.stdout
    assert "2026-03-15" in other.stdout  # another week has landed, and is in the mart


@contextmanager
def terminal(lines: list[str], environment: dict[str, str], log: Path) -> Iterator[DagsterServer]:
    """A terminal where the lines are typed, and Dagster started after them; the block begins when that answers."""
    with log.open("w") as written:
        process = subprocess.Popen(
            ["bash", "-e", "-c", "\n".join([*lines, f"exec {SERVER}"])],
            cwd=environment["HOME"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while not (serving := re.search(r"Serving dagster-webserver on (\S+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            time.sleep(0.5)
        yield DagsterServer(serving[1], log)
    finally:
        end(process)


def _lines() -> list[str]:
    """The page as a script: console blocks are run, others are files that their first line names, or changes of them."""
    lines = []
    for language, body in BLOCKS:
        if language == "console":
            lines += body.splitlines()
            continue
        [name] = NAMED.findall(body)
        if language == "diff":
            old, new = (
                "".join(re.findall(rf"^{re.escape(sign)}(.*\n)", body, re.MULTILINE)) for sign in "-+"
            )
            lines.append(EDIT.format(name=name, old=old, new=new))
        else:
            lines += [f"cat > {name} <<'END OF FILE'", body.removesuffix("\n"), "END OF FILE"]
    return lines
