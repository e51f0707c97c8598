"""``lakekit lint`` as people and programs call it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest

from lakekit.lint.command import main
from lakekit.lint.registry import rules

DOCS = Path(__file__).parents[2] / "docs" / "lint.md"

CLEAN = {
    "dbt_project.yml": "name: shop\nmodels: {shop: {core: {+materialized: view}}}\n",
    "models/streams/shopify/stg_shopify__orders.sql": (
        "select id as order_id, updated_at\nfrom {{ source('shopify', 'orders') }}\n"
    ),
    "models/streams/shopify/orders.json": json.dumps(
        {
            "name": "orders",
            "json_schema": {"properties": {"id": {"type": "integer"}, "updated_at": {"type": "string"}}},
        }
    ),
    "models/streams/shopify/_shopify__sources.yml": "sources:\n  - name: shopify\n    tables: [{name: orders}]\n",
    "models/streams/shopify/_shopify__models.yml": (
        "models:\n  - name: stg_shopify__orders\n    description: One row an order.\n"
    ),
}
WRONG = "select id as order_id, updated_at from {{ source('shopify', 'orders') }} where id > 1\n"
MODEL = "models/streams/shopify/stg_shopify__orders.sql"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", newline="")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path, CLEAN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_clean_project(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == "All fine: 4 files judged.\n"


def test_a_finding_is_told_with_its_place(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(shop, {MODEL: WRONG})
    assert main([]) == 1
    said = capsys.readouterr().out
    assert f"{MODEL}:1:74: LK404 " in said
    line, carets = re.search(r"1 \| (.*)\n +\| (.*)\n", said).groups()  # type: ignore[union-attr]
    assert line[carets.index("^") : carets.rindex("^") + 1] == "where"


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github", "junit"])
def test_every_format_has_the_finding(shop: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    write(shop, {MODEL: WRONG})
    assert main(["--format", form]) == 1
    said = capsys.readouterr().out
    assert "LK404" in said
    assert "stg_shopify__orders" in said


def test_json_is_one_flag(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(shop, {MODEL: WRONG})
    main(["--json", "--select", "LK404"])
    found = json.loads(capsys.readouterr().out)["findings"]
    assert {(one["code"], one["path"], one["line"]) for one in found} == {("LK404", MODEL, 1)}


def test_one_file_is_judged_against_the_whole_project(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(shop, {"models/marts/fct_sales.sql": "select 1 from {{ ref('stg_shopify__orders') }}"})
    assert main(["models/marts/fct_sales.sql", "--select", "LK2"]) == 1
    assert "selects from 'stg_shopify__orders' (streams)" in capsys.readouterr().out
    assert main(["models/streams"]) == 0


def test_the_project_is_found_around_below_and_by_name(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(shop / "models" / "streams")
    assert main([]) == 0
    monkeypatch.chdir(shop.parent)
    assert main(["--project", shop.name]) == 0
    assert main([str(shop / MODEL)]) == 0
    assert "All fine: 1 file judged." in capsys.readouterr().out


def test_a_baseline_tells_only_what_is_new(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(shop, {MODEL: WRONG})
    assert main(["--baseline", "known.json", "--update-baseline"]) == 0
    assert main(["--baseline", "known.json"]) == 0
    write(shop, {MODEL: WRONG.replace("where", "order by 1 limit 3 --")})
    assert main(["--baseline", "known.json"]) == 1
    told = capsys.readouterr()
    assert "mended: --update-baseline" in told.err
    (shop / "lakekit.toml").write_text('dbt = "."\nlint.baseline = "known.json"\n')
    write(shop, {MODEL: WRONG})
    assert main([]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--select", "LK2O1"], "There is no lint rule 'LK2O1'"),
        (["--explain", "LK999"], "There is no lint rule 'LK999'"),
        (["--baseline", "gone.json"], "There is no baseline 'gone.json'"),
        (["--update-baseline"], "no baseline to update"),
        (["gone.sql"], "There is no file gone.sql"),
        (["--project", "gone"], "There is no folder gone"),
    ],
)
def test_a_wrong_call_ends_with_2(
    shop: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


def test_nothing_to_judge_ends_with_2_unless_that_is_fine(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(shop, {"notes.md": "none of dbt's"})
    assert main(["notes.md"]) == 2
    assert "LK902" in capsys.readouterr().out
    assert main(["notes.md", "--ignore", "LK902"]) == 0


def test_each_rule_has_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    for code, rule in rules().items():
        assert main(["--explain", code.lower()]) == 0
        page = capsys.readouterr().out
        assert page.startswith(f"{code} {rule.name}\n\n{rule.title}")
    assert main(["--explain"]) == 0
    told = capsys.readouterr().out
    assert [line[:5] for line in told.splitlines()] == list(rules())
    assert "``" not in told
    assert main(["--explain", "LK2"]) == 0
    pages = capsys.readouterr().out
    assert re.findall(r"^LK\d+(?= )", pages, re.MULTILINE) == [code for code in rules() if code[:3] == "LK2"]


def test_a_usual_dbt_project_is_linted_by_the_settings_of_the_documentation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (settings,) = re.findall(r'```toml\n(dbt = "\."\n.*?)```', DOCS.read_text(encoding="utf-8"), re.DOTALL)
    models = {
        "staging/ecom/base/base_ecom__orders": "select * from {{ source('ecom', 'raw_orders') }}",
        "staging/stg_orders": "select coalesce(id, 0) as id from {{ ref('base_ecom__orders') }}",
        "intermediate/int_orders_joined": "select * from {{ ref('stg_orders') }} join {{ ref('stg_orders') }} using (id)",
        "marts/orders": "select * from {{ ref('int_orders_joined') }} join {{ ref('stg_orders') }} using (id)",
    }
    names = [name.rpartition("/")[2] for name in models]
    write(tmp_path, {f"models/{name}.sql": text for name, text in models.items()})
    write(tmp_path, {
        "dbt_project.yml": "name: jaffle\nmodels: {jaffle: {marts: {+materialized: table}}}\n",
        "lakekit.toml": settings,
        "models/staging/__sources.yml": "sources: [{name: ecom, tables: [{name: raw_orders}]}]\n",
        "models/all.yml": f"models: {json.dumps([{'name': name, 'description': name} for name in names])}\n",
    })  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0, capsys.readouterr().out
    write(tmp_path, {"models/staging/wrong.sql": "select 1 from {{ ref('orders') }} join a.b using (c)"})
    assert main([]) == 1
    told = set(re.findall(r" (LK\d+) ", capsys.readouterr().out))
    assert told == {"LK101", "LK201", "LK205", "LK401", "LK503"}


def test_a_cycle_is_told_from_a_model_back_to_itself(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ring = {"a": "b", "b": "c", "c": "a", "d": "d", "e": "a"}
    write(shop, {f"models/{one}.sql": f"select 1 from {{{{ ref('{two}') }}}}" for one, two in ring.items()})
    assert main(["--select", "LK206"]) == 1
    ways = re.findall("a cycle: (.*)", capsys.readouterr().out)
    assert ways == ["a → b → c → a", "b → c → a → b", "c → a → b → c", "d → d"]


def test_the_documentation_lists_the_rules() -> None:
    listed = dict(re.findall(r"^\| (LK\d+) \| (.*) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == {code: rule.title for code, rule in rules().items()}


def command(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lakekit", *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_needs_neither_click_nor_anything_heavy(shop: Path) -> None:
    """What a commit waits for is the import of what it does not need."""
    code = (
        "import sys; from lakekit.lint.command import main; main([]);"
        "heavy = {'click', 'msgspec', 'rich', 'yaml', 'jinja2', 'dbt', 'duckdb', 'sqlglot', 'dataclasses', 'inspect',"
        " 'pathlib', 'importlib.metadata', 'subprocess', 'logging', 'lakekit.lake', 'lakekit.settings'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    # -S: what is in site-packages may import what it likes at the start.
    environment = os.environ | {"PYTHONPATH": str(DOCS.parents[1] / "src")}
    run = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=shop,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines()[-1] == "[]"


def test_it_is_listed_among_all_commands(shop: Path) -> None:
    assert "lint" in command("--help", folder=shop).stdout
    assert "usage: lakekit lint" in command("lint", "--help", folder=shop).stdout
    assert command("lint", folder=shop).returncode == 0


def test_a_plugin_brings_a_rule_with_settings(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    example = re.search(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert example
    plugins = tmp_path_factory.mktemp("plugins")
    write(
        plugins,
        {
            "acme_lint/__init__.py": "",
            "acme_lint/rules.py": example[1],
            "acme-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n",
            "acme-1.0.dist-info/entry_points.txt": "[lakekit.lint]\nacme = acme_lint.rules\n",
        },
    )
    write(shop, {"lakekit.toml": 'dbt = "."\n[lint.rules.ACME1]\nlongest = 10\n'})
    run = command("lint", "--select", "ACME", folder=shop, PYTHONPATH=str(plugins))
    assert (run.returncode, run.stdout.splitlines()[0]) == (
        1,
        f"{MODEL}:1:1: ACME1 'stg_shopify__orders' is longer than 10",
    )
    assert "dashboards" in command("lint", "--explain", "ACME1", folder=shop, PYTHONPATH=str(plugins)).stdout
    write(plugins, {"acme_lint/rules.py": "import nothing_of_the_kind\n"})
    run = command("lint", folder=shop, PYTHONPATH=str(plugins))
    assert run.returncode == 2
    assert "nothing_of_the_kind" in run.stderr
    assert "Traceback" not in run.stderr


def test_watching_judges_again_after_a_change_until_interrupted(shop: Path) -> None:
    log = shop / "log.txt"
    with log.open("w") as out:
        watching = subprocess.Popen(
            [sys.executable, "-m", "lakekit", "lint", "--watch"], cwd=shop, stdout=out, stderr=out
        )
    try:
        until(log, "All fine")
        write(shop, {MODEL: WRONG})
        until(log, "LK404")
        write(shop, {"dbt_project.yml": "name: [\n"})
        until(log, "not valid YAML")
        sleep(1)
        assert log.read_text().count("not valid YAML") == 1
        write(shop, {"dbt_project.yml": "name: {\n"})
        until(log, "not valid YAML", times=2)
        write(shop, CLEAN)
        until(log, "All fine", times=2)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(10) == 130
    finally:
        watching.kill()
        watching.wait()
    assert "Traceback" not in log.read_text()


def until(log: Path, text: str, times: int = 1) -> None:
    ends = monotonic() + 30
    while log.read_text().count(text) < times:
        assert monotonic() < ends, log.read_text()
        sleep(0.05)
