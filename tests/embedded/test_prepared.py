"""Who parses a project: one process, once, until a file of it changes. And a build that is taken node by node."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from lakekit import Lake
from lakekit.dbt import prepared, stream
from lakekit.dbt.parsed import parse
from lakekit.errors import BuildFailed
from lakekit.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

preparing = import_module("lakekit.dbt.prepared")  # the package has a function of that name
STEPS = 20

# A process that tells each parse, and then builds.
BUILD = """
import sys
from pathlib import Path
from dbt.parser.manifest import ManifestLoader
from lakekit import Lake
load = ManifestLoader.get_full_manifest
def told(*given, **named):
    print("PARSED", flush=True)
    return load(*given, **named)
ManifestLoader.get_full_manifest = told
with Lake.connect() as lake, lake.branch() as work:
    print("BUILT", *[node.name for node in work.build().nodes], flush=True)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "lakekit.toml").write_text('dbt = "dbt"\n')
    models = tmp_path / "dbt" / "models"
    models.mkdir(parents=True)
    (tmp_path / "dbt" / "dbt_project.yml").write_text(
        "{name: shop, version: '1.0', profile: shop, models: {+materialized: table}}"
    )
    (tmp_path / "dbt" / "profiles.yml").write_text(
        """shop:
  target: embedded
  outputs:
    embedded:
      type: lakekit
      path: "{{ env_var('LAKEKIT_LAKE', '../.lakekit/lake') }}"
      schema: marts
      threads: 1
"""
    )
    for number in range(STEPS):
        before = f"from {{{{ ref('step_{number - 1}') }}}}" if number else ""
        (models / f"step_{number}.sql").write_text(f"select {number} as n {before}")
    return tmp_path


def build(project: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", BUILD], cwd=project, stdout=subprocess.PIPE, text=True)


def told(*processes: subprocess.Popen[str]) -> list[str]:
    return [line for process in processes for line in process.communicate(timeout=120)[0].splitlines()]


def test_of_two_processes_at_once_one_parses_and_none_after_them(project: Path) -> None:
    at_once = told(build(project), build(project))
    assert [line for line in at_once if line == "PARSED"] == ["PARSED"]
    steps = "BUILT " + " ".join(f"step_{number}" for number in range(STEPS))
    assert at_once.count(steps) == 2
    assert told(build(project)) == [steps]


def test_a_change_is_parsed_and_one_taken_back_is_not(project: Path) -> None:
    settings = Settings.load(project)
    first = prepared(settings)
    model = project / "dbt" / "models" / f"step_{STEPS - 1}.sql"
    text = model.read_text()
    model.write_text("select 50 as n")
    changed = prepared(settings)
    assert changed != first
    model.write_text(text)
    assert prepared(settings) == first
    model.unlink()
    assert prepared(settings) not in {first, changed}


def test_a_file_that_changes_while_dbt_parses_is_not_taken_for_what_it_was(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = project / "dbt" / "models" / "step_0.sql"
    before, after = "select 40 as n", "select 50 as n"
    model.write_text(before)

    def saved_meanwhile(*given: Any) -> Any:
        monkeypatch.setattr(preparing, "parse", parse)
        model.write_text(after)
        return parse(*given)

    def known() -> str:
        return str(json.loads(prepared(settings).json.read_text())["nodes"]["model.shop.step_0"]["raw_code"])

    settings = Settings.load(project)
    monkeypatch.setattr(preparing, "parse", saved_meanwhile)
    assert known() == after
    model.write_text(before)
    assert known() == before


def test_what_a_killed_process_had_half_deleted_is_made_anew(project: Path) -> None:
    settings = Settings.load(project)
    place = prepared(settings)
    place.json.unlink()
    assert prepared(settings) == place
    assert place.json.exists()


def test_nodes_are_taken_while_dbt_builds_those_that_come_after(project: Path) -> None:
    with Lake.connect(project) as lake, lake.branch() as work:
        nodes = stream(lambda on_node: work.build(on_node=on_node))
        first, total = next(nodes)
        assert (first.name, total) == ("step_0", STEPS)
        nodes.close()
        # dbt has stopped: what it had begun is there, what waited is not.
        built = {table.name for table in work.catalog.entries(work.ref)}
        assert "step_0" in built
        assert f"step_{STEPS - 1}" not in built


def test_what_a_build_raises_comes_after_its_nodes(project: Path) -> None:
    (project / "dbt" / "models" / "step_3.sql").write_text("select no_such_column from {{ ref('step_2') }}")
    names = []

    def take(work: Lake) -> None:
        for node, _ in stream(lambda on_node: work.build(on_node=on_node)):
            names.append((node.name, node.status))

    with Lake.connect(project) as lake, lake.branch() as work, pytest.raises(BuildFailed, match="step_3"):
        take(work)
    assert names == [
        *((f"step_{number}", "success") for number in range(3)),
        ("step_3", "error"),
        *((f"step_{number}", "skipped") for number in range(4, STEPS)),
    ]
