"""Fixes are applied all or none, whatever comes in between."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakekit.errors import UsageError
from lakekit.lint import fixing, opening, writing
from lakekit.lint.command import main
from lakekit.lint.findings import Edit, Fix, Rename
from lakekit.lint.run import Selection, lint

if TYPE_CHECKING:
    from pathlib import Path

    from lakekit.lint.facts import Facts

FILES = {
    "dbt_project.yml": "name: shop\nmodels:\n  shop:\n    core:\n      shopify:\n        orders: {+tags: [daily]}\n",
    "models/core/shopify/orders.sql": "\ufeffselect 1 as id\r\n-- orders are kept\r\n",
    "models/core/shopify/orders_by_day.sql": "select * from {{ ref('orders') }} -- not orders, in words\n",
    "models/marts/fct_sales.sql": (
        '{# ref("orders") #}{% raw %}{{ ref("orders") }}{% endraw %}\n'
        'select \'orders\' from {{ ref( "orders" ) }} join {{ ref("shop", "orders") }} on true'
    ),
    "models/marts/_marts.yml": (
        "models:\n- name: orders\n  columns:\n  - name: id\n    tests:\n    - relationships: {to: ref('orders'), field: id}\n"
        "- name: 'fct_sales'\n  description: Of orders.\n"
        "unit_tests:\n- name: it\n  model: orders\n  given:\n  - input: ref('orders')\n    rows: [{id: 1}]\n"
        "exposures:\n- name: page\n  type: dashboard\n  owner: {name: me}\n  depends_on: [ref('orders')]\n"
    ),
    "tests/orders_add_up.sql": "select * from {{ ref('orders') }} where false",
}
RENAMED = {
    "dbt_project.yml": FILES["dbt_project.yml"].replace("orders:", "int_shopify__orders:"),
    "models/core/shopify/int_shopify__orders.sql": FILES["models/core/shopify/orders.sql"],
    "models/core/shopify/orders_by_day.sql": (
        "select * from {{ ref('int_shopify__orders') }} -- not orders, in words\n"
    ),
    "models/marts/fct_sales.sql": (
        '{# ref("orders") #}{% raw %}{{ ref("orders") }}{% endraw %}\n'
        "select 'orders' from {{ ref( \"int_shopify__orders\" ) }} "
        'join {{ ref("shop", "int_shopify__orders") }} on true'
    ),
    "models/marts/_marts.yml": (
        FILES["models/marts/_marts.yml"]
        .replace("name: orders", "name: int_shopify__orders")
        .replace("model: orders", "model: int_shopify__orders")
        .replace("ref('orders')", "ref('int_shopify__orders')")
    ),
    "tests/orders_add_up.sql": "select * from {{ ref('int_shopify__orders') }} where false",
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_bytes().decode()
        for path in folder.rglob("*")
        if path.is_file()
    }


def look(folder: Path) -> Facts:
    return opening.load(*opening.at(str(folder)))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path, FILES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_rename_takes_everything_along_that_names_it(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "models/core/shopify/orders.sql").chmod(0o640)
    main(["--fix", "--select", "LK102", "models/core/shopify/orders.sql"])
    assert contents(shop) == RENAMED
    assert (shop / "models/core/shopify/int_shopify__orders.sql").stat().st_mode & 0o777 == 0o640
    said = capsys.readouterr()
    assert said.err == "1 mended in 6 files; 1 renamed.\n"
    assert said.out == "All fine: 1 file judged.\n"


@pytest.mark.parametrize(
    "reason",
    [
        {"models/core/shopify/int_shopify__orders.sql": "select 2"},  # the name is taken
        {"models/core/klaviyo/orders.sql": "select 2"},  # two are called so
        {"models/marts/fct_more.sql": "select * from {{ ref('orders', v=2) }}"},  # it is versioned
        {"models/marts/fct_more.sql": "{% set of = 'orders' %} select * from {{ ref(of) }}"},
        {"models/marts/fct_more.sql": "select * from {{ ref('orders' if today else 'sales') }}"},
        {
            "macros/all_of.sql": "{% macro all_of(model) %}select * from {{ ref(model) }}{% endmacro %}",
            "models/marts/fct_more.sql": "{{ all_of('orders') }}",
        },
        {"models/marts/_broken.yml": "models: [{name: orders"},
        {"models/marts/fct_more.sql": "{{ config(post_hook='grant on {{ ref(\\'orders\\') }}') }} select 1"},
    ],
)
def test_what_cannot_be_told_for_sure_is_not_renamed(shop: Path, reason: dict[str, str]) -> None:
    write(shop, reason)
    before = contents(shop)
    plan = fixing.plan([Rename("orders", "int_shopify__orders")], look(shop))
    assert (plan.changes, plan.applied, len(plan.refused)) == ((), 0, 1)
    assert contents(shop) == before


def planned(folder: Path) -> tuple[writing.Change, ...]:
    return fixing.plan([Rename("orders", "int_shopify__orders")], look(folder)).changes


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize(("function", "times"), [("replace", 5), ("rename", 1), ("fchmod", 5)])
def test_an_error_in_between_puts_everything_back(
    shop: Path, monkeypatch: pytest.MonkeyPatch, function: str, times: int, error: BaseException
) -> None:
    """Of the real steps, each fails once: before it is done, and after."""
    changes = planned(shop)
    real = getattr(os, function)
    for fails_at in range(times):
        for is_done in (False, True):
            calls = iter(range(100))

            def failing(
                *arguments: object, fails_at: int = fails_at, is_done: bool = is_done, calls=calls
            ) -> None:
                fails = next(calls) == fails_at
                if is_done or not fails:
                    real(*arguments)
                if fails:
                    raise error

            with monkeypatch.context() as patch:
                patch.setattr(os, function, failing)
                with pytest.raises(UsageError if isinstance(error, OSError) else KeyboardInterrupt):
                    writing.apply(changes, str(shop))
            assert contents(shop) == FILES
    writing.apply(changes, str(shop))
    assert contents(shop) == RENAMED


def killed(shop: Path, function: str, after: int) -> bool:
    """Mend in a process that is killed for real, before a step of the test's choice; whether it was."""
    code = (
        "import os, signal, sys\n"
        "from lakekit.lint import writing\n"
        "from lakekit.lint.command import main\n"
        "name = sys.argv[1]\n"
        "real, left = getattr(writing, name), iter(range(int(sys.argv[2]), -99, -1))\n"
        "def killed(*arguments, **named):\n"
        "    if next(left) == 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return real(*arguments, **named)\n"
        "setattr(writing, name, killed)\n"
        "main(['--fix', '--select', 'LK102', 'models/core/shopify/orders.sql'])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, function, str(after)], cwd=shop, capture_output=True, check=False
    )
    assert ended.returncode in {-9, 0}, ended.stderr
    return ended.returncode == -9


@pytest.mark.parametrize("after", range(7))
def test_who_is_killed_in_between_is_finished_by_the_next_run(
    shop: Path, after: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert killed(shop, "_take", after) == (after < 6)
    main([])
    assert contents(shop) == RENAMED
    assert ("broken off" in capsys.readouterr().err) == (after < 6)


@pytest.mark.parametrize("after", range(5))
def test_who_is_killed_before_all_is_written_has_done_nothing(shop: Path, after: int) -> None:
    assert killed(shop, "_write", after)
    main([])
    assert contents(shop) == FILES


def test_what_was_written_since_a_run_was_killed_stays(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    killed(shop, "_take", 0)
    write(shop, {"models/marts/fct_sales.sql": "select 'newer'"})
    assert main([]) == 2
    assert "fct_sales.sql has changed since" in capsys.readouterr().err
    assert (shop / "models/core/shopify/orders.sql").exists()
    (shop / "models/marts/fct_sales.sql.lakekit-draft").unlink()
    main([])
    assert contents(shop) == RENAMED | {"models/marts/fct_sales.sql": "select 'newer'"}


def test_a_run_waits_for_a_fix_that_is_being_written(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While this process replaces files, another one lints; and a third one may not mend."""
    changes = planned(shop)
    others: list[subprocess.Popen[bytes]] = []
    take = writing._take

    def slowly(step: writing.Step) -> None:
        if not others:
            others.append(
                subprocess.Popen(
                    [sys.executable, "-m", "lakekit", "lint", "--select", "LK204"],
                    cwd=shop,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            )
            with pytest.raises(UsageError, match="Nothing was mended"):
                writing.apply([writing.Change(str(shop / "new"), str(shop / "new"), "", "x")], str(shop))
        with pytest.raises(subprocess.TimeoutExpired):
            others[0].wait(0.3)
        take(step)

    monkeypatch.setattr(writing, "_take", slowly)
    writing.apply(changes, str(shop))
    out, err = others[0].communicate(timeout=60)
    assert (out.decode().startswith("All fine"), err) == (True, b"")
    assert contents(shop) == RENAMED


def test_a_file_that_changed_meanwhile_is_left_alone(shop: Path) -> None:
    changes = planned(shop)
    write(shop, {"models/marts/fct_sales.sql": "select 'newer'"})
    before = contents(shop)
    with pytest.raises(UsageError, match="Nothing was mended") as refused:
        writing.apply(changes, str(shop))
    assert "has changed meanwhile" in str(refused.value)
    assert contents(shop) == before


def test_a_file_that_changed_after_it_was_judged_is_left_alone(shop: Path) -> None:
    """The edit was worked out for another text: it would go anywhere."""
    path = shop / "models/marts/fct_sales.sql"
    path.write_text("select 1 from x -- noqa: LK401\n")
    facts = look(shop)
    outcome = lint(facts, Selection())
    (fix,) = [one.fix for one in outcome.findings if one.code == "LK901"]
    path.write_text("-- more\nselect 1 from x -- noqa: LK401\n")
    plan = fixing.plan([fix] if fix else [], facts)
    with pytest.raises(UsageError, match="Nothing was mended"):
        writing.apply(plan.changes, str(shop))
    assert path.read_text().startswith("-- more\nselect")


@pytest.mark.parametrize("name", ["no", "null", "1st", "a-b", "a b", ""])
def test_what_is_no_name_is_given_to_no_model(shop: Path, name: str) -> None:
    assert fixing.plan([Rename("orders", name)], look(shop)).refused


def test_two_models_never_get_one_name(shop: Path) -> None:
    write(shop, {"models/core/klaviyo/sales.sql": "select 1"})
    plan = fixing.plan([Rename("orders", "sold"), Rename("sales", "sold")], look(shop))
    assert plan.applied == 1
    writing.apply(plan.changes, str(shop))
    assert list(look(shop).names["sold"]) == [str(shop / "models/core/shopify/sold.sql")]


def test_a_link_stays_one(shop: Path) -> None:
    (shop / "kept").mkdir()
    for path, kept in (("models/marts/fct_sales.sql", "sales"), ("models/core/shopify/orders.sql", "orders")):
        (shop / path).rename(shop / f"kept/{kept}.sql")
        (shop / path).symlink_to(os.path.relpath(shop / f"kept/{kept}.sql", (shop / path).parent))
    main(["--fix", "--select", "LK102", "models/core/shopify/orders.sql"])
    assert (shop / "models/marts/fct_sales.sql").is_symlink()
    assert (shop / "models/core/shopify/int_shopify__orders.sql").is_symlink()
    assert contents(shop) == RENAMED | {
        "kept/sales.sql": RENAMED["models/marts/fct_sales.sql"],
        "kept/orders.sql": FILES["models/core/shopify/orders.sql"],
    }


def test_a_read_only_file_stays_as_it_is(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes, real = planned(shop), os.access
    # Root may write whatever it likes; tests often are root.
    monkeypatch.setattr(os, "access", lambda path, mode: "add_up" not in path and real(path, mode))
    with pytest.raises(UsageError, match="Nothing was mended") as refused:
        writing.apply(changes, str(shop))
    assert "orders_add_up.sql is read-only" in str(refused.value)
    assert contents(shop) == FILES


@pytest.mark.parametrize("below", [".", "data team/shop"])
@pytest.mark.parametrize("inside", [".", "models/core"])
def test_a_patch_of_what_no_editor_wrote_alike(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    below: str,
    inside: str,
) -> None:
    """Byte order marks, Windows line ends, no last line end, odd names; in a repository that holds more than the project."""
    project = tmp_path / below
    write(
        project,
        FILES
        | {
            "models/marts/fct_größe.sql": "select * from {{ ref('orders') }}",
            "models/marts/fct two.sql": "\ufeffselect * from {{ ref('orders') }}\r\n-- end",
        },
    )
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    monkeypatch.chdir(project / inside)
    before = contents(project)
    assert main(["--diff", "--select", "LK102", "--project", str(project)]) == 1
    assert contents(project) == before
    patch = capsys.readouterr().out
    subprocess.run(["git", "apply", "-"], input=patch.encode(), cwd=project, check=True)
    patched = contents(project)
    for name in patched:
        (project / name).unlink()
    write(project, before)
    main(["--fix", "--select", "LK102", "--project", str(project)])
    assert contents(project) == patched != before


def test_what_is_around_the_dbt_project_follows(tmp_path: Path) -> None:
    assets = "orchestration/assets"
    write(
        tmp_path,
        {
            "lakekit.toml": "",
            "orchestration/dbt_project.yml": "name: shop\nmodel-paths: [assets]\n",
            f"{assets}/core/shopify/sold.sql": "select 1",
            "orchestration/jobs/nightly.py": "job = define(select='sold+ tag:nightly')  # sold\n",
            "orchestration/.venv/lib/x.py": "select='sold'",
            "orchestration/dbt_packages/other/x.py": "select='sold'",
            "tests/test_sold.py": (
                'MODEL = "sold"\ndef test(lake):\n    """Of what was sold."""\n    lake.build("+sold")\n'
                '    lake.sql("select * from core.sold")\n    assert "what we sold"\n'
            ),
            "tests/sold.yml": "scenarios:\n- name: sold\n  steps:\n  - build: sold\n  - expect: {sold: [{a: sold}]}\n",
            "tests/__snapshots__/test_sold/test_it[sold-2026].sold.json": "[]",
            "tests/__snapshots__/test_sold/test_it[unsold].fct_sold.json": "[]",
            "cube/marts.yml": (
                "cubes:\n- name: sold\n  sql_table: core.sold\n  joins:\n  - name: other\n"
                "    sql: '{sold.id} = {other.sold}'\nviews:\n- name: all\n  cubes:\n  - join_path: sold.other\n"
            ),
        },
    )
    before = contents(tmp_path)
    plan = fixing.plan([Rename("sold", "int_shopify__sold")], look(tmp_path))
    assert plan.applied == 1, plan.refused
    writing.apply(plan.changes, str(tmp_path))
    after = contents(tmp_path)
    new = "int_shopify__sold"
    assert after == {
        **{name: text for name, text in before.items() if name in after},
        f"{assets}/core/shopify/{new}.sql": "select 1",
        "orchestration/jobs/nightly.py": f"job = define(select='{new}+ tag:nightly')  # sold\n",
        "tests/test_sold.py": (
            f'MODEL = "{new}"\ndef test(lake):\n    """Of what was sold."""\n    lake.build("+{new}")\n'
            f'    lake.sql("select * from core.{new}")\n    assert "what we sold"\n'
        ),
        "tests/sold.yml": (
            f"scenarios:\n- name: sold\n  steps:\n  - build: {new}\n  - expect: {{{new}: [{{a: sold}}]}}\n"
        ),
        f"tests/__snapshots__/test_sold/test_it[{new}-2026].{new}.json": "[]",
        "cube/marts.yml": (
            f"cubes:\n- name: {new}\n  sql_table: core.{new}\n  joins:\n  - name: other\n"
            f"    sql: '{{{new}.id}} = {{other.sold}}'\nviews:\n- name: all\n  cubes:\n  - join_path: {new}.other\n"
        ),
    }


def test_a_sources_table_and_other_things_of_the_name_stay(tmp_path: Path) -> None:
    """``«sold»`` is the model; where it is not marked, the name is a source's table, a column, a folder or prose."""
    marked = {
        "orchestration/dbt_project.yml": "name: shop\nmodel-paths: [assets]\n",
        "orchestration/assets/src.yml": "sources: [{name: raw, tables: [{name: sold}]}]\n",
        "orchestration/assets/marts/fct_a.sql": (
            'select sold from raw.sold join lake.raw."sold" join core.«sold» join "core"."«sold»" join other.unsold '
            "join {{ source('raw', 'sold') }} join {{ ref('«sold»') }}"
        ),
        "orchestration/assets/marts/fct_py.py": (
            "def model(dbt, session):\n    dbt.ref('other')\n    return dbt.ref('«sold»')['sold'], dbt.source('raw', 'sold')\n"
        ),
        "orchestration/selectors.yml": (
            "selectors:\n- name: sold\n  description: sold\n  definition: '+«sold» fct_a'\n"
            "- name: more\n  definition: {union: [{method: fqn, value: «sold»}, {method: fqn, value: shop.core.«sold»},"
            " {method: tag, value: sold}, {method: path, value: assets/core/«sold».sql}, {method: path, value: assets/sold},"
            " {method: source, value: raw.sold}, 'core.«sold»', {exclude: ['source:raw.sold']}]}\n"
        ),
        "tests/test_it.py": (
            "def test(lake):\n    lake.given('raw.sold', [])\n    lake.build('core.«sold» fqn:«sold» tag:sold path:sold')\n"
            "    lake.sql('select sold from raw.sold, other')\n    lake.sql('select 1 from core.«sold» join raw.sold')\n"
        ),
        "tests/it.yml": (
            "scenarios:\n- name: it\n  steps:\n  - given: {raw.sold: [{sold: 1}]}\n  - build: {select: '+«sold»', exclude: 'tag:sold'}\n"
            "  - expect: {core.«sold»: [{sold: 1}]}\n  - sql: select sold from raw.sold join core.«sold»\n  - snapshot: core.«sold»\n"
        ),
        "cube/a.yml": (
            "cubes:\n- name: a\n  sql_table: raw.sold\n  dimensions: [{name: sold, sql: '{CUBE}.sold'}]\n"
            "- name: b\n  sql_table: '\"core\".\"«sold»\"'\n- name: c\n  sql: select sold from core.«sold» join raw.sold\n"
        ),
    }  # fmt: skip
    plain = {name: text.replace("«", "").replace("»", "") for name, text in marked.items()}
    write(tmp_path, plain | {"lakekit.toml": "", "orchestration/assets/core/sold.sql": "select 1 as sold"})
    plan = fixing.plan([Rename("sold", "int_shop__sold")], look(tmp_path))
    assert plan.applied == 1, plan.refused
    writing.apply(plan.changes, str(tmp_path))
    assert contents(tmp_path) == {
        name: text.replace("«sold»", "int_shop__sold") for name, text in marked.items()
    } | {"lakekit.toml": "", "orchestration/assets/core/int_shop__sold.sql": "select 1 as sold"}


def test_a_text_that_no_ref_is_made_of_is_no_name(shop: Path) -> None:
    text = "{{ totals('orders') }} {{ config(alias='orders') }} from {{ ref('fct_sales') }}"
    write(shop, {"models/marts/fct_more.sql": text})
    writing.apply(planned(shop), str(shop))
    assert contents(shop) == RENAMED | {"models/marts/fct_more.sql": text}


def test_why_a_model_keeps_its_name_is_told(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(shop, {"models/marts/fct_more.sql": "\n{% set of = 'orders' %} select * from {{ ref(of) }}"})
    assert main(["--fix", "--select", "LK102", "models/core/shopify/orders.sql"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("'orders' was not renamed to 'int_shopify__orders': line 2 of ")


def test_fixes_that_overlap_wait_for_the_next_round(shop: Path) -> None:
    path = str(shop / "tests/orders_add_up.sql")
    first, second = (Fix(text, (Edit(path, 0, 6, text),)) for text in ("SELECT", "Select"))
    apart = Fix("apart", (Edit(path, 7, 8, "id"),))
    plan = fixing.plan([first, second, apart, first], look(shop))
    assert plan.applied == 2
    assert plan.changes[0].after.startswith("SELECT id from")


@settings(max_examples=40, deadline=None)
@given(
    names=st.lists(
        st.from_regex(r"(?!(no|on|off|yes)$)[a-z]{1,3}(_[a-uw-z][a-z]?)?", fullmatch=True),
        min_size=2,
        max_size=5,
        unique=True,
    ),
    quote=st.sampled_from("'\""),
    space=st.sampled_from(["", " ", "\n  "]),
    end=st.sampled_from(["\n", "\r\n", ""]),
    data=st.data(),
)
def test_renaming_back_gives_back_every_byte(
    tmp_path_factory: pytest.TempPathFactory,
    names: list[str],
    quote: str,
    space: str,
    end: str,
    data: st.DataObject,
) -> None:
    """Models that are named after parts of each other, in a chain; one after another gets a new name, and its old one."""
    folder = tmp_path_factory.mktemp("chain")
    files = {"dbt_project.yml": "name: chain\n"}
    for name, before in zip(names, [None, *names], strict=False):
        source = (
            f"{{{{{space}ref({space}{quote}{before}{quote}{space}){space}}}}}" if before else "(select 1)"
        )
        files[f"models/{name}.sql"] = f"select '{name}' as x, x.{name} from {source} -- {name}{end}"
    files["models/all.yml"] = "models:\n" + "".join(
        f"  - name: {name}\n    description: {name}\n" for name in names
    )
    write(folder, files)
    old = data.draw(st.sampled_from(names))
    for was, becomes in ((old, "renamed"), ("renamed", old)):
        plan = fixing.plan([Rename(was, becomes)], look(folder))
        assert plan.applied == 1
        writing.apply(plan.changes, str(folder))
        now = look(folder)
        called = ["renamed" if name == old and becomes == "renamed" else name for name in names]
        assert {model.name for model in now.models} == set(called)
        for name, before in zip(called, [None, *called], strict=False):
            assert [ref.name for ref in now.named(name)[0].sql.refs] == ([before] if before else [])
            assert now.named(name)[0].entry is not None
    assert contents(folder) == files
