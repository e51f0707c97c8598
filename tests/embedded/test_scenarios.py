"""Scenarios in YAML as their author meets them: what runs, what a failure shows, what a mistake is answered with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import jsonschema
import pytest

import lakekit.testing.lake
import lakekit.testing.scenario_items  # noqa: F401 - before pytester's runs, which forget what they import
from lakekit.errors import UsageError
from lakekit.scaffold import new
from lakekit.testing import scenario
from lakekit.testing.scenario_yaml import read

pytest_plugins = ["pytester"]

HERE = Path(scenario.__file__).parent

STORY = """\
    # yaml-language-server: $schema=scenario.schema.json
    scenarios:
      - name: a new address replaces the old one
        now: 2026-01-05T09:30:00Z
        steps:
          - given:
              shopify.customers:
                - id: 1
                  email: " Ann@Example.com"
                  created_at: 2026-01-03T00:00:00Z
                  phone: 2026-01-03
                  default_address: {country_code: NO, zip: 2026-01-03, id: 1.50}
                - {id: 2, email: null}
          - build: int_shopify__customers
          - expect:
              int_shopify__customers:
                - {customer_id: 1, email: ann@example.com, country_code: NO, created_at: 2026-01-03}
                - {customer_id: 2, email: null, created_at: null, updated_at: {not: null}}
          - now: 2026-01-06
          - given:
              shopify.customers: {file: customers.csv}
          - build: {select: int_shopify__customers}
          - expect:
              int_shopify__customers:
                partial: true
                rows: [{customer_id: 1, email: bea@example.com}]
          - sql:
              statement: select current_date as today, 1.25 as price, count(*) as n from core.int_shopify__customers
              rows: [{today: 2026-01-06, price: 1.3, n: 2}]
              tolerance: {price: 0.1}

      - name: a branch is thrown away, or published
        steps:
          - given: {shopify.customers: [{id: 1}]}
          - build: int_shopify__customers
          - branch:
              - given: {shopify.customers: [{id: 2}]}
              - build: int_shopify__customers
              - expect: {int_shopify__customers: [{customer_id: 1}, {customer_id: 2}]}
          - expect: {int_shopify__customers: [{customer_id: 1}]}
          - branch:
              publish: true
              steps:
                - given: {shopify.customers: [{id: 3}]}
                - build: int_shopify__customers
          - expect: {int_shopify__customers: [{customer_id: 1}, {customer_id: 3}]}

      - name: what must fail
        steps:
          - sql: {statement: select 1 / 0 as x, fails: zero}
    """

WRONG = """\
    scenarios:
      - name: the wrong address
        steps:
          - given:
              shopify.customers: [{id: 1, email: ann@example.com}]
          - branch:
              - build: int_shopify__customers
              - expect:
                  int_shopify__customers:
                    - {customer_id: 1, email: bea@example.com}
              # a remark after it
              - build: int_shopify__customers

      - name: a table that is not there
        steps:
          - given: {shopify.custmers: [{id: 1}]}

      - name: a failure that does not come
        steps:
          - sql: {statement: select 1 as x, fails: zero}

      - name: a snapshot
        steps:
          - given: {shopify.customers: [{id: 1}]}
          - build: int_shopify__customers
          - snapshot: int_shopify__customers
    """


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = new(tmp_path_factory.mktemp("scenarios") / "shop")
    shutil.rmtree(made / "tests")  # the template's own
    (made / "tests").mkdir()
    (made / "tests/customers.csv").write_text("id,email\n1,bea@example.com\n")
    return made


@pytest.fixture
def shop(project: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """pytest in a project, which keeps what it worked out from one test to the next."""
    monkeypatch.chdir(project)
    for file in (project / "tests").rglob("*.yml"):
        file.unlink()
    return pytester


def collected(shop: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """What pytest says of files; hypothesis would be imported anew by each of these runs."""
    return shop.runpytest_inprocess(*arguments, "--collect-only", "-q", "-p", "no:hypothesispytest")


def write(text: str, file: str = "tests/shop.yml") -> None:
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).write_text(dedent(text))


def test_scenarios_do_what_the_api_does(shop: pytest.Pytester) -> None:
    write(STORY)
    ran = shop.runpytest_subprocess("tests", "-v")
    ran.assert_outcomes(passed=3)
    ran.stdout.fnmatch_lines(["tests/shop.yml::a new address replaces the old one PASSED*"])


def test_a_failure_shows_the_step_and_the_difference(shop: pytest.Pytester) -> None:
    write(WRONG)
    ran = shop.runpytest_subprocess("tests")
    ran.assert_outcomes(failed=4)
    ran.stdout.fnmatch_lines(
        [
            "*_ the wrong address _*",
            "*is not what was expected: 1 changed*",
            "*'bea@example.com'*'ann@example.com'*",
            "",
            "*  6 | *- branch:",
            "*  7 | *- build: int_shopify__customers",
            ">    8 | *- expect:",
            ">    9 | *int_shopify__customers:",
            ">   10 | *- {customer_id: 1, email: bea@example.com}",
            "",
            "tests/shop.yml:8: AssertionError",
            "There is no schema reference of 'shopify.custmers'*",
            "*shopify.customers*",
            ">   16 | *- given: {shopify.custmers:*",
            "It was to fail with 'zero', and did not.",
            "There is no snapshot *__snapshots__*",
            "FAILED tests/shop.yml::the wrong address - int_shopify__customers is not*",
        ]
    )
    assert "Traceback" not in ran.stdout.str()
    assert ".py:" not in ran.stdout.str()

    again = shop.runpytest_subprocess("tests", "--lf", "-k", "address", "-n", "1")
    again.assert_outcomes(failed=1)
    again.stdout.fnmatch_lines(
        [
            ">    8 | *- expect:",
            "tests/shop.yml:8: AssertionError",
            "FAILED tests/shop.yml::the wrong address - int_shopify__customers is not*",
        ]
    )

    written = shop.runpytest_subprocess("tests/shop.yml::a snapshot", "--lake-update")
    written.assert_outcomes(passed=1)
    assert len(list(Path("tests/__snapshots__/shop").glob("*.json"))) == 1
    first = shop.runpytest_subprocess("tests", "-x")
    first.assert_outcomes(failed=1)


def test_fixtures_and_markers_apply(shop: pytest.Pytester) -> None:
    write(
        """\
        scenarios:
          - name: what the project's own lake brings
            marks: [slow]
            steps:
              - sql: {statement: select count(*) as n from shopify.customers, rows: [{n: 1}]}
          - name: not now
            marks: [skip]
            steps: [{build: ""}]
        """,
        "tests/own/shop.yml",
    )
    Path("tests/own/conftest.py").write_text(
        dedent(
            """\
            import pytest

            @pytest.fixture
            def lake(lake):
                lake.given("shopify.customers", [{"id": 1}])
                return lake

            @pytest.fixture(autouse=True, scope="module")
            def told(request):
                print("told of", request.node.name)

            def pytest_configure(config):
                config.addinivalue_line("markers", "slow: takes its time")
            """
        )
    )
    ran = shop.runpytest_subprocess("tests/own", "-s")
    ran.assert_outcomes(passed=1, skipped=1)
    ran.stdout.fnmatch_lines(["*told of *shop.yml*"])
    chosen = collected(shop, "tests/own", "-m", "slow")
    chosen.stdout.fnmatch_lines(["*1/2 tests collected*"])
    Path("tests/own/conftest.py").unlink()


def test_each_engine_has_a_test_of_its_own(shop: pytest.Pytester) -> None:
    write(
        """\
        scenarios:
          - {name: on both, engine: [embedded, trino], steps: [{build: x}]}
          - {name: on one, engine: trino, steps: [{build: x}]}
          - {name: on the run's, steps: [{build: x}]}
        """
    )
    listed = collected(shop, "tests")
    names = [line.partition("::")[2] for line in listed.outlines if "::" in line]
    assert names == ["on both[embedded]", "on both[trino]", "on one", "on the run's"]
    marked = collected(shop, "tests", "-m", "lake(engine='trino')")
    marked.stdout.fnmatch_lines(["*::on both[[]trino]", "*::on one", "*2/4 tests collected*"])


@pytest.mark.parametrize(
    "file", ["orchestration/scenarios.yml", ".github/scenarios.yml", "tests/.old/scenarios.yml"]
)
def test_what_is_not_a_test_is_left_alone(shop: pytest.Pytester, file: str) -> None:
    write("scenarios: of something else\n", file)
    write("a: &x [scenarios: 1]\n---\n%broken", "tests/other.yml")
    ran = collected(shop, file, "tests")
    assert not ran.parseoutcomes().get("errors")
    Path(file).unlink()


def test_another_project_s_scenarios_are_left_alone(pytester: pytest.Pytester) -> None:
    write("config: {}\nscenarios: [{flow: 1}]\n", "load.yml")
    pytester.runpytest_inprocess().assert_outcomes()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scenarios:\n- name: a\n  steps:\n  - bild: x\n", ["*.yml:4: *'bild'*", "*mean 'build'?*"]),
        ("scenarios:\n- nam: a\n", ["*.yml:2: *'nam'*", "*keys are name, steps*", "*mean 'name'?*"]),
        ("scenarios:\n- name: a\n", ["*.yml:2: *'steps' is missing*"]),
        ("scenarios:\n", ["*.yml:1: 'scenarios'*", "*it is nothing where a list is expected*"]),
        ("scenarios:\n- {name: a, steps: [{build: x}]}\n\nother: 1\n", ["*.yml:4: *'other'*"]),
        (
            "scenarios:\n- name: a\n  steps:\n  - build:\n      [x]\n",
            ["*.yml:4: 'build'*", "*it is a list where text or a mapping is expected*", "*Models to build*"],
        ),
        (
            "scenarios:\n- name: a\n  steps:\n  - build: x\n    snapshot: x\n",
            ["*.yml:4: *", "*does one thing, this one build, snapshot*"],
        ),
        (
            "scenarios:\n- name: a\n  steps:\n  - given:\n      a: []\n      b: 5\n",
            ["*.yml:6: 'given'*", "*a whole number where*"],
        ),
        ("scenarios:\n- name: a\n  steps:\n  - given: {a: [{1: 2}]}\n", ["*.yml:4: *", "*quote it*"]),
        (
            "scenarios:\n- name: a\n  steps:\n  - branch:\n    - expect:\n        a: {rowz: []}\n",
            ["*.yml:6: *'rowz'*", "*mean 'rows'?*"],
        ),
        (
            "scenarios:\n- name: a\n  steps:\n  - expect: {a: {partial: true}}\n",
            ["*.yml:4: *", "*either rows or file*"],
        ),
        (
            "scenarios:\n- {name: 1.5, steps: [{build: x}]}\n",
            ["*.yml:2: 'name'*", "*a number where text is*"],
        ),
        (
            "scenarios:\n- name: a\n  steps:\n  - expect: {a: {rows: [], tolerance: big}}\n",
            ["*.yml:4: *", "*'big' is no tolerance*"],
        ),
        (
            "scenarios:\n- {name: a, now: soon, steps: [{build: x}]}\n",
            ["*.yml:2: *", "*'soon' is no instant*"],
        ),
        (
            "scenarios:\n- {name: a, engine: duck, steps: [{build: x}]}\n",
            ["*.yml:2: 'engine'*", "*'duck'*", "*embedded, trino*"],
        ),
        (
            "scenarios:\n- {name: a, steps: [{build: x}]}\n- {name: a, steps: [{build: x}]}\n",
            ["*.yml:3: a second scenario is called 'a'*", "*line 2*"],
        ),
        (
            "scenarios:\n- name: a\n  steps:\n  - build: x\n    build: y\n",
            ["*.yml:5: *", "*'build' is there twice*"],
        ),
        ("scenarios:\n- name: a\n steps: []\n", ["*.yml:3: this is not YAML*"]),
        ("scenarios:\n- {name: 'a::b', steps: [{build: x}]}\n", ["*.yml:2: 'name'*", "*without ::*"]),
        ("scenarios:\n- {name: a, steps: []}\n", ["*.yml:2: 'steps'*"]),
        ("scenarios: &all\n- *all\n", ["*.yml:1: *"]),
        ("scenarios: []\n", ["*.yml:1: 'scenarios'*", "*it is empty*"]),
        ("\ufeff'scenarios':\n- {name: a, steps: [{expect: {}}]}\n", ["*.yml:2: 'expect'*", "*it is empty*"]),
        ("scenarios:\n- {name: a, marks: [a b], steps: [{build: x}]}\n", ["*.yml:2: *"]),
    ],
)
def test_a_mistake_is_one_error_that_says_where_and_what(
    shop: pytest.Pytester, text: str, said: list[str]
) -> None:
    write(text)
    ran = collected(shop, "tests/shop.yml")
    ran.assert_outcomes(errors=1)
    ran.stdout.fnmatch_lines(["*ERROR collecting tests/shop.yml*", *said])
    assert "Traceback" not in ran.stdout.str()


def test_values_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    file = tmp_path / "values.yml"
    file.write_text(
        "scenarios:\n- name: a\n  steps:\n  - given:\n      t:\n"
        "      - &one {country: NO, sku: 0012, at: 12:30:00, day: 2026-01-03, price: 30.10, on: true, none: , exp: 1e3}\n"
        "      - {<<: *one, sku: 1, inf: -.inf}\n"
    )
    given = read(file, "values.yml").scenarios[0].steps[0].given
    assert isinstance(given, dict)
    assert isinstance(given["t"], list)
    one, other = given["t"]
    assert one == {
        "country": "NO",
        "sku": 12,
        "at": "12:30:00",
        "day": "2026-01-03",
        "price": 30.1,
        "on": True,
        "none": None,
        "exp": 1000,
    }
    assert repr(one["price"]) == "30.10"
    assert other["sku"] == 1
    assert other["country"] == "NO"
    assert other["inf"] == -float("inf")


def test_a_step_s_lines_are_its_own(tmp_path: Path) -> None:
    file = tmp_path / "lines.yml"
    file.write_text(
        "scenarios:\n- name: a\n  steps:\n  - build: x\n\n  # remark\n  - branch:\n      steps:\n      - build: y\n"
        "      - {expect: {\n          z: []}}\n  - expect:\n      a: []"
    )
    document = read(file, "lines.yml")
    spans = [document.span(0, at) for at in ([0], [1], [1, 0], [1, 1], [2])]
    assert [(span.first, span.last) for span in spans] == [(4, 4), (7, 11), (9, 9), (10, 11), (12, 13)]


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "latin.yml").write_bytes("scenarios: [ä]".encode("latin-1"))
    with pytest.raises(UsageError, match="not UTF-8"):
        read(tmp_path / "latin.yml", "latin.yml")


def test_editors_have_the_schema_of_what_is_read() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "lakekit.testing.scenario"], check=True, capture_output=True, text=True
    ).stdout
    kept = (HERE / "scenario.schema.json").read_text()
    assert printed == kept, "python -m lakekit.testing.scenario > src/lakekit/testing/scenario.schema.json"
    schema = json.loads(kept)
    jsonschema.Draft202012Validator.check_schema(schema)
    undescribed = [
        f"{name}.{key}"
        for name, shape in schema["$defs"].items()
        for key, field in shape["properties"].items()
        if "description" not in str(field)
    ]
    assert undescribed == []


@pytest.mark.parametrize("text", [STORY, WRONG])
def test_editors_accept_what_runs(text: str) -> None:
    yaml = pytest.importorskip("yaml")
    schema = json.loads((HERE / "scenario.schema.json").read_text())
    written = json.loads(json.dumps(yaml.safe_load(dedent(text)), default=str))
    jsonschema.validate(written, schema)
    written["scenarios"][0]["steps"].append({"build": "x", "bild": "y"})
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(written, schema)
