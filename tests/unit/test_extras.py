"""What a person is told who asks for a part that is not installed."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT = (
    "import sys; sys.modules[sys.argv.pop(1)] = None; from lakekit.cli import main; main(prog_name='lakekit')"
)


@pytest.mark.parametrize(
    ("module", "command", "extra"),
    [
        ("psutil", ["up"], "trino"),
        ("httpx", ["sql", "select 1", "--engine", "trino"], "trino"),
        ("duckdb", ["sql", "select 1"], "duckdb"),
        ("dbt", ["build"], "duckdb"),
        ("cookiecutter", ["new", "shop", "--no-input"], "duckdb"),
    ],
)
def test_the_extra_to_install_is_named(tmp_path: Path, module: str, command: list[str], extra: str) -> None:
    (tmp_path / "lakekit.toml").touch()
    (tmp_path / "orchestration").mkdir()
    (tmp_path / "orchestration" / "dbt_project.yml").touch()
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT, module, *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert f"pip install 'lakekit[{extra}]'" in ended.stderr
    assert "Traceback" not in ended.stderr
