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
from lakekit.lint import fixing, opening
from lakekit.lint.command import main
from lakekit.lint.findings import Edit, Fix, Rename

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
        {
            "models/marts/fct_more.sql": "{% set source_model = 'orders' %} select 1"
        },  # a macro may make a ref() of it
        {"models/marts/_broken.yml": "models: [{name: orders"},
    ],
)
def test_what_cannot_be_told_for_sure_is_not_renamed(shop: Path, reason: dict[str, str]) -> None:
    write(shop, reason)
    before = contents(shop)
    made, applied = fixing.changes([Rename("orders", "int_shopify__orders")], look(shop))
    assert (made, applied) == ([], 0)
    assert contents(shop) == before


@pytest.mark.parametrize("function", ["replace", "unlink"])
@pytest.mark.parametrize("fails_at", range(6))
def test_an_error_in_between_puts_everything_back(
    shop: Path, monkeypatch: pytest.MonkeyPatch, function: str, fails_at: int
) -> None:
    """Of the real steps, one fails: the disk is full, say."""
    facts = look(shop)
    made, _ = fixing.changes([Rename("orders", "int_shopify__orders")], facts)
    real, calls = getattr(os, function), iter(range(100))

    def failing(*arguments: object) -> None:
        if next(calls) == fails_at:
            raise OSError(28, "No space left on device", arguments[0])
        real(*arguments)

    monkeypatch.setattr(os, function, failing)
    if (function, fails_at) in {("unlink", at) for at in range(2, 6)}:
        fixing.apply(made, facts.root)  # there are not so many
        assert contents(shop) == RENAMED
        return
    with (
        pytest.raises(UsageError, match="Nothing was mended")
        if function == "replace"
        else pytest.raises((UsageError, OSError))
    ):
        fixing.apply(made, facts.root)
    monkeypatch.undo()
    os.chdir(shop)
    if (shop / opening.JOURNAL).exists():  # the last step of all: the journal could not go
        opening.load(*opening.at(str(shop)))
        assert contents(shop) == RENAMED
    else:
        assert contents(shop) == FILES


@pytest.mark.parametrize("after", range(7))
def test_who_is_killed_in_between_is_finished_by_the_next_run(shop: Path, after: int) -> None:
    """A process is killed for real, before a step of its own choice."""
    code = (
        "import os, signal, sys\n"
        "from lakekit.lint import fixing\n"
        "from lakekit.lint.command import main\n"
        "take, left = fixing._take, iter(range(int(sys.argv[1]), -1, -1))\n"
        "def killed(step):\n"
        "    if next(left) == 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    take(step)\n"
        "fixing._take = killed\n"
        "main(['--fix', '--select', 'LK102', 'models/core/shopify/orders.sql'])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(after)], cwd=shop, capture_output=True, check=False
    )
    assert ended.returncode == (-9 if after < 6 else 0)
    main([])
    assert contents(shop) == RENAMED


def test_a_file_that_changed_meanwhile_is_left_alone(shop: Path) -> None:
    facts = look(shop)
    made, _ = fixing.changes([Rename("orders", "int_shopify__orders")], facts)
    write(shop, {"models/marts/fct_sales.sql": "select 'newer'"})
    before = contents(shop)
    with pytest.raises(UsageError, match="Nothing was mended") as refused:
        fixing.apply(made, facts.root)
    assert "has changed meanwhile" in str(refused.value)
    assert contents(shop) == before


def test_a_link_stays_one(shop: Path) -> None:
    (shop / "kept").mkdir()
    (shop / "models/marts/fct_sales.sql").rename(shop / "kept/sales.sql")
    (shop / "models/marts/fct_sales.sql").symlink_to("../../kept/sales.sql")
    main(["--fix", "--select", "LK102"])
    assert (shop / "models/marts/fct_sales.sql").is_symlink()
    assert (shop / "kept/sales.sql").read_text() == RENAMED["models/marts/fct_sales.sql"]


def test_fixes_that_overlap_wait_for_the_next_round(shop: Path) -> None:
    path = str(shop / "tests/orders_add_up.sql")
    first, second = (Fix(text, (Edit(path, 0, 6, text),)) for text in ("SELECT", "Select"))
    apart = Fix("apart", (Edit(path, 7, 8, "id"),))
    made, applied = fixing.changes([first, second, apart, first], look(shop))
    assert applied == 2
    assert made[0].after.startswith("SELECT id from")


@settings(max_examples=40, deadline=None)
@given(
    names=st.lists(
        st.from_regex(r"[a-z]{1,3}(_[a-z]{1,2})?", fullmatch=True), min_size=2, max_size=5, unique=True
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
        facts = look(folder)
        made, applied = fixing.changes([Rename(was, becomes)], facts)
        assert applied == 1
        fixing.apply(made, facts.root)
        now = look(folder)
        called = ["renamed" if name == old and becomes == "renamed" else name for name in names]
        assert {model.name for model in now.models} == set(called)
        for name, before in zip(called, [None, *called], strict=False):
            assert [ref.name for ref in now.named(name)[0].sql.refs] == ([before] if before else [])
            assert now.named(name)[0].entry is not None
    assert contents(folder) == files
