"""Every rule finds what was seeded for it, at its very place, and nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakekit.errors import UsageError
from lakekit.lint import opening, run
from lakekit.lint.registry import rules
from lakekit.lint.run import Selection, lint
from lakekit.scaffold import new

from .lint_seeds import ASSETS, FINE, SEEDS, STREAMS, Seed, places, plant, renamed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lakekit.lint.findings import Outcome

TOGETHER = [seed for seed in SEEDS if not seed.alone]
OTHERS = tuple(code for code in rules() if code.startswith(("LK6", "LK7")))
"""Those whose seeds are elsewhere."""


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project, with the configured catalogs that its schema references were taken from."""
    project = new(tmp_path_factory.mktemp("lint") / "shop")
    for source in ("klaviyo", "shopify"):
        streams = [
            json.loads(file.read_bytes()) for file in sorted((project / STREAMS / source).glob("*.json"))
        ]
        configured = [{"stream": stream, "sync_mode": "incremental"} for stream in streams]
        (project / f"{source}.json").write_text(json.dumps({"streams": configured}))
    shutil.rmtree(project / "cube")  # a mart that a seed adds would be the only one without a cube
    return project


@pytest.fixture
def project(shop: Path, tmp_path: Path) -> Path:
    return shutil.copytree(shop, tmp_path / "shop")


def judged(project: Path, selection: Selection | None = None, **options) -> Outcome:
    facts = opening.load(*opening.at(str(project)))
    return lint(facts, selection or Selection(ignore=OTHERS), **options)


def set_(project: Path, text: str) -> None:
    with (project / "lakekit.toml").open("a") as file:
        file.write(text)


def other_names(text: str) -> str:
    """How another team calls all this."""
    for ours, theirs in (("stg", "raw"), ("int", "tidy"), ("(?:fct|dim)", "mart")):
        text = re.sub(rf"\b{ours}_", f"{theirs}_", text)
    for ours, theirs in (("streams", "landing"), ("core", "silver"), ("marts", "gold")):
        text = re.sub(rf"(?<=assets/){ours}\b|(?<=    ){ours}(?=:)", theirs, text)
    return text


OTHER_NAMES = """
[lint.streams]
folders = ["landing"]
names = ["raw_{source}__{entity}"]
[lint.core]
folders = ["silver"]
names = ["tidy_{source}__{entity}"]
[lint.marts]
folders = ["gold"]
names = ["mart_{domain}"]
"""


@pytest.fixture(scope="session")
def other_shop(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same project under a team's other names."""
    project = tmp_path_factory.mktemp("lint") / "other"
    for file in filter(lambda one: one.is_file(), shop.rglob("*")):
        target = project / other_names(file.relative_to(shop).as_posix())
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(other_names(file.read_text()))
    set_(project, OTHER_NAMES)
    return project


def test_each_rule_has_seeds() -> None:
    seeded = [seed.code for seed in SEEDS]
    assert {
        code: seeded.count(code) for code in rules() if seeded.count(code) < 2 and code not in OTHERS
    } == {}


def test_a_new_project_is_clean(shop: Path) -> None:
    assert places(judged(shop), shop) == []


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_a_seed_is_found_and_nothing_else(project: Path, seed: Seed) -> None:
    expected = plant(project, [seed])
    assert seed.code in {place[0] for place in expected}
    assert places(judged(project), project) == expected


@pytest.mark.parametrize("seed", FINE, ids=lambda seed: seed.name)
def test_what_is_right_is_left_alone(project: Path, seed: Seed) -> None:
    assert plant(project, [seed]) == []
    assert places(judged(project), project) == []


def test_all_seeds_at_once(project: Path) -> None:
    expected = plant(project, TOGETHER)
    outcome = judged(project)
    assert places(outcome, project) == expected
    assert list(outcome.findings) == sorted(outcome.findings, key=lambda one: one[:7])


def test_another_team_is_clean_too(other_shop: Path) -> None:
    assert places(judged(other_shop), other_shop) == []


def test_another_teams_seeds_are_found(other_shop: Path, tmp_path: Path) -> None:
    project = shutil.copytree(other_shop, tmp_path / "other")
    expected = plant(project, [renamed(seed, other_names) for seed in TOGETHER])
    assert places(judged(project), project) == expected


@pytest.fixture(scope="session")
def seeded(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    project = shutil.copytree(shop, tmp_path_factory.mktemp("lint") / "seeded")
    plant(project, TOGETHER)
    return project, judged(project)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_some_files_alone_are_judged_as_in_the_whole_run(
    seeded: tuple[Path, Outcome], data: st.DataObject
) -> None:
    project, whole = seeded
    all_ = sorted(str(path) for path in (project / "orchestration").rglob("*.*"))
    files = data.draw(st.sets(st.sampled_from(all_), min_size=1, max_size=6))
    some = judged(project, Selection(ignore=(*OTHERS, "LK902")), files=files)
    assert list(some.findings) == [one for one in whole.findings if one.path in files]


def test_a_folder_alone_is_judged_as_in_the_whole_run(seeded: tuple[Path, Outcome]) -> None:
    project, whole = seeded
    folder = f"{project}/{STREAMS}"
    some = judged(project, files={folder})
    assert some.findings
    assert list(some.findings) == [one for one in whole.findings if one.path.startswith(folder)]


@pytest.mark.parametrize("processes", [2, 5])
def test_several_processes_find_the_same(
    seeded: tuple[Path, Outcome], processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, whole = seeded
    monkeypatch.setattr(run, "_SHORT", 1)
    assert judged(project, processes=processes) == whole


@pytest.mark.timeout(30)
def test_no_process_waits_for_one_that_failed(
    seeded: tuple[Path, Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, _ = seeded
    judge, here = run.Judge.judge, os.getpid()

    def fails_here(self: run.Judge, *given: Any) -> run.Judged:
        if os.getpid() == here:
            raise UsageError("No.")
        return judge(self, *given)

    monkeypatch.setattr(run, "_SHORT", 1)
    monkeypatch.setattr(run.Judge, "judge", fails_here)
    with pytest.raises(UsageError, match="No"):
        judged(project, processes=5)


# Settings


def seeds(*codes: str) -> list[Seed]:
    return [seed for seed in TOGETHER if seed.code in codes]


@pytest.mark.parametrize(
    ("selection", "setting", "kept"),
    [
        (Selection(("LK2",)), "", {"LK201", "LK204", "LK205"}),
        (Selection(("LK201", "LK205")), "", {"LK201", "LK205"}),
        (Selection(("LK2",), ("LK205",)), "", {"LK201", "LK204"}),
        (Selection(("LK205",), ("LK2",)), "", {"LK205"}),
        (Selection((), ("LK2",)), "", {"LK503"}),
        (Selection(), 'select = ["LK2"]', {"LK201", "LK204", "LK205"}),
        (Selection(), 'ignore = ["LK2"]', {"LK503"}),
        (Selection(), 'select = ["LK2"]\nignore = ["LK204"]', {"LK201", "LK205"}),
        (Selection(("LK503",)), 'select = ["LK2"]', {"LK503"}),
        (Selection((), ("LK205",)), 'select = ["LK2"]\nignore = ["LK204"]', {"LK201"}),
        (Selection(("LK2",)), 'ignore = ["LK204"]', {"LK201", "LK205"}),
        (Selection(("LK204",)), 'ignore = ["LK204"]', {"LK204"}),
        (Selection(("LK204",)), 'ignore = ["LK2"]', {"LK204"}),
    ],
)  # fmt: skip
def test_what_is_selected_and_ignored(
    project: Path, selection: Selection, setting: str, kept: set[str]
) -> None:
    expected = plant(project, seeds("LK201", "LK204", "LK205", "LK503"))
    set_(project, f"\n[lint]\n{setting}\n")
    assert places(judged(project, selection), project) == [place for place in expected if place[0] in kept]


@pytest.mark.parametrize(
    ("folders", "quiet"),
    [
        ({ASSETS: ["LK2"]}, lambda code, file: code.startswith("LK2") and file.startswith(ASSETS)),
        ({f"./{ASSETS}/marts/": ["LK205", "LK503"]}, lambda code, file: code in {"LK205", "LK503"} and "/marts/" in file),
        ({".": ["LK503"]}, lambda code, file: code == "LK503"),
        ({f"{ASSETS}/streams/shop": ["LK2"], ASSETS: []}, lambda code, file: False),
        ({f"{ASSETS}/marts": ["LK205"], ASSETS: ["LK503"]}, lambda code, file: code in {"LK205", "LK503"}),
    ],
)  # fmt: skip
def test_what_a_folder_ignores(
    project: Path, folders: dict[str, list[str]], quiet: Callable[[str, str], bool]
) -> None:
    expected = plant(project, seeds("LK201", "LK204", "LK205", "LK503"))
    (project / ASSETS / "streams/shop").mkdir()  # as shopify's begins
    lines = "".join(f"{json.dumps(folder)} = {codes}\n" for folder, codes in folders.items())
    set_(project, f"\n[lint.folders]\n{lines}")
    outcome = judged(project)
    kept = [place for place in expected if not quiet(place[0], place[1])]
    assert places(outcome, project) == kept
    assert outcome.silenced == len(expected) - len(kept)


@pytest.mark.parametrize(
    ("setting", "file", "text", "expected"),
    [
        ("", "core/klaviyo/int_klaviyo__z.sql", # null says nothing: it stays a merge
         '{{ config(incremental_strategy=none, merge_cursor="a") }} select * from {{ ref("stg_klaviyo__flows") }}', ["LK302"]),
        ('streams.materialized = ["table", "view"]', "streams/klaviyo/stg_klaviyo__z.sql",
         '{{ config(materialized="table") }} select id from {{ source("klaviyo", "flows") }}', []),
        ('streams.selects = ["sources", "streams"]', "streams/klaviyo/stg_klaviyo__z.sql",
         'select * from {{ ref("stg_klaviyo__flows") }}', []),
        ('streams.selects = ["streams"]', "streams/klaviyo/stg_klaviyo__z.sql",
         'select id from {{ source("klaviyo", "flows") }}', ["LK201"]),
        ('marts.selects = ["core"]', "marts/fct_z.sql", 'select 1 as one from {{ ref("fct_daily_sales") }}', ["LK203"]),
        ('marts.materialized = ["view"]', "marts/fct_z.sql", "select 1 as one", ["LK301"]),
        ('rules.LK404.functions = ["Upper"]', "streams/klaviyo/stg_klaviyo__z.sql",
         'select upper(id) as id from {{ source("klaviyo", "flows") }}', []),
        ('rules.LK303.strategies = ["append"]', "core/klaviyo/int_klaviyo__z.sql",
         '{{ config(incremental_strategy="append") }} select * from {{ ref("stg_klaviyo__flows") }}', []),
        ('rules.LK303.strategies = ["merge"]', "core/klaviyo/int_klaviyo__z.sql",
         '{{ config(incremental_strategy="append") }} select * from {{ ref("stg_klaviyo__flows") }}', ["LK303"]),
        ('rules.LK105.name = "{source}.yml"', "streams/klaviyo/crm.yml", "sources: [{name: crm}]", []),
    ],
)  # fmt: skip
def test_settings_of_layers_and_rules(
    project: Path, setting: str, file: str, text: str, expected: list[str]
) -> None:
    path = project / ASSETS / file
    path.write_text(text)
    if path.suffix == ".sql":
        path.with_suffix(".yml").write_text(f"models: [{{name: {path.stem}, description: Z.}}]")
    set_(project, f"\n[lint]\n{setting}\n")
    outcome = judged(project, files={str(path)})
    assert [one.code for one in outcome.findings] == expected


def test_where_catalogs_are_is_a_setting(project: Path) -> None:
    expected = plant(project, seeds("LK506"))
    (project / "airbyte").mkdir()
    for source in ("klaviyo", "shopify"):
        (project / f"{source}.json").rename(project / "airbyte" / f"{source}_catalog.json")
    assert judged(project).findings == ()
    set_(project, '\n[lint]\ncatalogs = "airbyte/{source}_catalog.json"\n')
    assert places(judged(project), project) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", " -- noqa", []),
        ("", " -- noqa: LK205", []),
        ("", " -- NOQA: lk2", []),
        ("", " -- noqa: LK203", ["LK205", "LK901"]),
        ("", " -- noqa: LK205, LK203", ["LK901"]),
        ("-- noqa: LK205\n", "", ["LK901", "LK205"]),
        ("-- lakekit: noqa: LK205\n", "", []),
        ("-- lakekit: noqa\n", "", []),
        ("{# lakekit: noqa: LK2, LK801 #}\n", "", ["LK901"]),
        ("", " -- noqa: E501", ["LK205"]),
    ],
)  # fmt: skip
def test_comments_silence(project: Path, before: str, after: str, expected: list[str]) -> None:
    path = project / ASSETS / "marts/fct_z.sql"
    path.write_text(f"{before}select 1 as one from raw.orders{after}\n")
    path.with_suffix(".yml").write_text("models: [{name: fct_z, description: Z.}]")
    assert [one.code for one in judged(project).findings] == expected


def test_an_unused_comment_is_not_told_where_its_rule_was_not_asked(project: Path) -> None:
    path = project / ASSETS / "marts/fct_daily_sales.sql"
    path.write_text(f"-- lakekit: noqa: LK205\n{path.read_text()}")
    assert [one.code for one in judged(project).findings] == ["LK901"]
    assert judged(project, Selection(ignore=("LK205",))).findings == ()
    assert judged(project, Selection(ignore=("LK901",))).findings == ()
