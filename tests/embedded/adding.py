"""Asking ``lakekit add``, and running what it made, as a person would."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner, Result

from lakekit.cli import main

if TYPE_CHECKING:
    from pathlib import Path


def catalog(*streams: dict[str, Any]) -> str:
    return json.dumps({"type": "CATALOG", "catalog": {"streams": [*streams]}})


def add(*arguments: str | Path, given: str | None = None) -> Result:
    return CliRunner().invoke(main, ["add", *map(str, arguments)], input=given)


def added(*arguments: str | Path, given: str | None = None) -> list[str]:
    told = add(*arguments, given=given)
    assert told.exit_code == 0, told.output
    return [line.strip() for line in told.output.partition(" written.")[0].splitlines()[:-1]]


def refused(said: str, *arguments: str | Path, given: str | None = None) -> Result:
    told = add(*arguments, given=given)
    assert told.exit_code in {1, 2}, told.output
    assert said in told.output
    assert "Traceback" not in told.output
    return told


def run(*command: str | Path, cwd: Path) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout
