"""``lakekit add``: a source and models of it, from what a connector tells or what has landed, all or nothing."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lakekit import Lake
from lakekit.adding.files import Files
from lakekit.errors import UsageError
from lakekit.scaffold import new

from .adding import add, added, catalog, refused, run

STREAMS: list[dict[str, Any]] = [
    {
        "name": "charges",
        "source_defined_primary_key": [["id"]],
        "default_cursor_field": ["updated_at"],
        "json_schema": {
            "type": "object",
            "properties": {
                "id": {"type": ["null", "integer"]},
                "status": {"type": "string"},
                "total_price": {"type": ["null", "number"]},
                "tax_rate": {"type": "number"},
                "createdAt": {"type": ["null", "string"], "format": "date-time"},
                "updated_at": {"type": ["null", "string"], "format": "date-time"},
                "processed": {"type": "string", "format": "date-time"},
                "scheduled_on": {"type": "string", "format": "date"},
                "at_hour": {"type": "string", "format": "time"},
                "isPrepaid": {"type": "boolean"},
                "line_items": {"type": "array"},
                "customer": {"type": "object", "properties": {"id": {"type": "integer"}}},
                "order": {"type": "string"},
                "receipt": {"type": "string", "format": "uri"},
                "billed": {"type": "string", "airbyte_type": "timestamp_without_timezone"},
                "local": {
                    "type": "string",
                    "format": "date-time",
                    "airbyte_type": "timestamp_without_timezone",
                },
                "note": {"oneOf": [{"type": "string"}]},
                "anything": True,
            },
        },
    },
    {
        "name": "customers",
        "source_defined_primary_key": [["id"]],
        "json_schema": {
            "type": "object",
            "properties": {
                "id": {"type": "string"},
                "attributes": {
                    "type": "object",
                    "properties": {
                        "email": {"type": "string"},
                        "created": {"type": "string", "format": "date-time"},
                        "age": {"type": "integer"},
                        "total_spent": {"type": "number"},
                        "weight": {"type": "number"},
                        "isVip": {"type": "boolean"},
                        "birthday": {"type": "string", "format": "date"},
                        "tags": {"type": "array"},
                        "photo": {"type": "string", "format": "uri"},
                        "hour": {"type": "string", "format": "time"},
                        "odd-name": {"type": "string"},
                    },
                },
            },
        },
    },
    {
        "name": "rates",
        "source_defined_primary_key": [["day"], ["currency"]],
        "json_schema": {
            "type": "object",
            "properties": {
                "day": {"type": "string", "format": "date"},
                "currency": {"type": "string"},
                "rate": {"type": "number"},
            },
        },
    },
]
KEYLESS = {"name": "logs", "json_schema": {"type": "object", "properties": {"line": {"type": "string"}}}}
CONNECTOR = """
import json, sys
print(json.dumps({"type": "LOG", "log": {"level": "INFO", "message": "looking"}}))
if "--config" not in sys.argv:
    error = {"type": "ERROR", "error": {"message": "there is no config"}}
    print(json.dumps({"type": "TRACE", "trace": error}))
    sys.exit(1)
print(open(sys.argv[-1]).read())
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new project that is worked in."""
    made = new(tmp_path / "shop", sources="klaviyo")
    monkeypatch.chdir(made)
    return made


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and ".lakekit" not in file.parts
    }


def test_a_source_and_its_models_pass_as_they_come(project: Path, tmp_path: Path) -> None:
    connector, told = tmp_path / "connector.py", tmp_path / "told.json"
    connector.write_text(CONNECTOR)
    told.write_text(catalog(*STREAMS))
    files = added("source", "recharge", "--", sys.executable, connector, "discover", "--config", told)
    assert "orchestration/assets/core/recharge/recharge.py" in files
    assert "orchestration/assets/streams/recharge/charges.json" in files
    added("model", "int_recharge__charges", "--from", "stg_recharge__charges")
    added("model", "int_recharge__customers", "--from", "stg_recharge__customers")
    added("model", "int_recharge__rates", "--from", "stg_recharge__rates")
    added("model", "dim_subscribers", "--from", "int_recharge__customers")
    added(
        "model",
        "fct_charges",
        "--from",
        "int_recharge__charges",
        "--key",
        "receipt",
        "--key",
        "billed",
        "--key",
        "local",
        "--key",
        "at_hour",
        "--key",
        "scheduled_on",
        "--key",
        "is_prepaid",
    )
    added("model", "fct_opens", "--from", "fct_email_engagement", "--key", "engagement_date")
    staged = (project / "orchestration/assets/streams/recharge/stg_recharge__charges.sql").read_text()
    for line in (
        "id as charge_id,",
        "cast(total_price as decimal(18, 2)) as total_price,",
        "    tax_rate,",
        '"createdAt" as created_at,',
        "processed as processed_at,",
        '"isPrepaid" as is_prepaid,',
        '    "order",',
    ):
        assert line in staged
    people = (project / "orchestration/assets/streams/recharge/stg_recharge__customers.sql").read_text()
    for line in (
        "cast(from_iso8601_timestamp(json_extract_scalar(attributes, '$.created')) as timestamp(6) with time zone) as created_at,",
        "cast(json_extract_scalar(attributes, '$.age') as bigint) as age,",
        "cast(json_extract_scalar(attributes, '$.birthday') as date) as birthday,",
        "    json_extract_scalar(attributes, '$.photo') as photo,",
    ):
        assert line in people
    assert "tags" not in people
    assert "All fine" in run("lakekit", "lint", cwd=project)
    passed = run(
        "pytest", "-q", "-p", "no:cacheprovider", "tests/recharge", "tests/marts", "-k", "recharge or fct_ or dim_", cwd=project
    )  # fmt: skip
    assert "12 passed" in passed
    # What dbt makes of it, with the data tests of the keys.
    with Lake.connect(project) as lake, lake.branch() as work:
        work.load("recharge.charges", [{"id": 1, "total_price": 9.5}], key=["id"])
        work.load(
            "recharge.rates", [{"day": "2026-01-01", "currency": "USD", "rate": 1.0}], key=["day", "currency"]
        )
        report = work.build("source:recharge.rates+")
    assert report.ok
    assert any("unique_combination" in name for name in report.checks)


def test_the_page_s_models_follow_from_each_other(project: Path, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    told.write_text(catalog(*STREAMS))
    page = (Path(__file__).parents[2] / "docs/template.md").read_text()
    [block] = re.findall(r"^```console\n(lakekit add model .*?)^```$", page, re.MULTILINE | re.DOTALL)
    added("source", "recharge", "--discover", told)
    for line in block.splitlines():
        assert added(*line.split()[2:])
    assert "All fine" in run("lakekit", "lint", cwd=project)


def test_another_stream_joins_those_that_are_there(project: Path) -> None:
    streams = project / "orchestration/assets/streams/klaviyo"
    sources, models = streams / "_klaviyo__sources.yml", streams / "_klaviyo__models.yml"
    sources.write_text(sources.read_text() + "        # all that we read\n\n# the end\n")
    models.write_text(models.read_text().replace("\n", "\r\n"))
    before = sources.read_text(), models.read_bytes()
    files = added("source", "klaviyo", "--discover", "-", given=catalog(*STREAMS[1:]))
    assert "orchestration/assets/core/klaviyo/klaviyo.py" not in files
    assert sources.read_text().startswith(before[0].removesuffix("        # all that we read\n\n# the end\n"))
    assert "# all that we read" in sources.read_text()
    assert sources.read_text().endswith("# the end\n")
    assert models.read_bytes().startswith(before[1])
    assert b"\n" not in models.read_bytes().replace(b"\r\n", b"")
    [source] = yaml.safe_load(sources.read_text())["sources"]
    assert [table["name"] for table in source["tables"]][-2:] == ["customers", "rates"]
    assert "All fine" in run("lakekit", "lint", cwd=project)
    # Once more there is nothing left to add.
    refused(
        "has every stream of 'klaviyo' already",
        "source",
        "klaviyo",
        "--discover",
        "-",
        given=catalog(*STREAMS[1:]),
    )


def test_what_has_landed_tells_its_own_streams(project: Path) -> None:
    with Lake.connect(project) as lake:
        lake.load(
            "recharge.charges", [{"id": 1, "paid": True, "total_price": 9.5, "updated_at": "x"}], key=["id"]
        )
    refused("has no key", "source", "recharge", "--from-lake")
    refused("has no field 'ids'", "source", "recharge", "--from-lake", "--key", "ids")
    added("source", "recharge", "--from-lake", "--key", "id")
    reference = json.loads((project / "orchestration/assets/streams/recharge/charges.json").read_text())
    assert reference["source_defined_primary_key"] == [["id"]]
    assert reference["json_schema"]["properties"]["paid"] == {"type": ["null", "boolean"]}
    assert "All fine" in run("lakekit", "lint", cwd=project)
    assert "1 passed" in run("pytest", "-q", "-p", "no:cacheprovider", "tests/recharge", cwd=project)
    refused("Nothing of 'nowhere' has landed", "source", "nowhere", "--from-lake")


def test_what_cannot_be_added_leaves_all_as_it_was(project: Path, tmp_path: Path) -> None:
    connector, told = tmp_path / "connector.py", tmp_path / "told.json"
    connector.write_text(CONNECTOR)
    told.write_text(catalog(*STREAMS, KEYLESS))
    untold = tmp_path / "untold.json"
    untold.write_text("{}")
    before = contents(project)
    refused("Where are the streams", "source", "recharge")
    refused("there is no config", "source", "recharge", "--", sys.executable, connector, "discover")
    speechless = """print('{"type": "TRACE", "trace": {"type": "ERROR", "error": null}}'); raise SystemExit('no token')"""
    refused("no token", "source", "recharge", "--", sys.executable, "-c", speechless)
    refused("cannot be started", "source", "recharge", "--", tmp_path / "nothing", "discover")
    refused("tells of no stream", "source", "recharge", "--discover", untold)
    refused("'logs' of", "source", "recharge", "--discover", told)
    refused(
        "did you mean one of these: charges", "source", "recharge", "--discover", told, "--stream", "chargs"
    )
    refused(
        "can name no table",
        "source",
        "recharge",
        "--discover",
        "-",
        given=catalog({**STREAMS[0], "name": "a b"}),
    )
    refused(
        "its json_schema has no properties",
        "source",
        "recharge",
        "--discover",
        "-",
        given=catalog({"name": "x"}),
    )
    for name in ("Recharge", "re charge", "re__charge", "1st", "core", ""):
        refused("can name no source", "source", name, "--discover", told, "--stream", "charges")
    refused("comes with its source", "model", "stg_x__y", "--from", "int_klaviyo__events")
    refused("can name no model", "model", "sales", "--from", "int_klaviyo__events")
    refused(
        "did you mean one of these: int_klaviyo__events", "model", "fct_x", "--from", "int_klavio__events"
    )
    refused("cannot select from", "model", "fct_x", "--from", "stg_klaviyo__events", "--key", "event_id")
    refused("name the column", "model", "fct_x", "--from", "int_klaviyo__events")
    refused(
        "no test of 'stg_klaviyo__events' proves a key",
        "model",
        "int_klaviyo__x",
        "--from",
        "stg_klaviyo__events",
    )
    refused("has no column 'evnt_id'", "model", "dim_x", "--from", "int_klaviyo__events", "--key", "evnt_id")
    refused("is there already", "model", "int_klaviyo__events", "--from", "stg_klaviyo__events")
    assert contents(project) == before


def test_a_parent_that_cannot_be_read_is_named(project: Path) -> None:
    core = project / "orchestration/assets/core/klaviyo"
    for name, sql in (("things", b"select 1 as thing_id, 2 as "), ("old", b"select 1 as a -- caf\xe9")):
        (core / f"int_klaviyo__{name}.sql").write_bytes(sql + b'"order"' * (name == "things"))
    asked = ("model", "dim_x", "--from", "int_klaviyo__things", "--key", "thing_id")
    refused("save it as UTF-8", "model", "dim_x", "--from", "int_klaviyo__old", "--key", "a")
    refused("'order' can be no key", *asked[:-1], "order")
    entry = core / "things.yml"
    entry.write_text("models:\n  - name: int_klaviyo__things\n   bad: [\n")
    refused("things.yml is no YAML", *asked)
    for of_other_things in ("- int_klaviyo__things\n", "models: [int_klaviyo__things]\n"):
        entry.write_text(of_other_things)
        added = add(*asked[:1], f"dim_{len(of_other_things)}", *asked[2:])
        assert added.exit_code == 0, added.output
    # As dbt once called data tests.
    entry.write_text(
        "models: [{name: int_klaviyo__things, columns: [{name: thing_id, tests: [unique, not_null]}]}]\n"
    )
    assert add(*asked[:4]).exit_code == 0
    made = (project / "orchestration/assets/marts/_dim_x.yml").read_text()
    assert yaml.safe_load(made)["models"][0]["columns"] == [
        {"name": "thing_id", "description": "Thing id.", "data_tests": ["not_null", "unique"]}
    ]


def test_what_is_there_is_not_overwritten(project: Path) -> None:
    test = project / "tests/recharge/test_stg_recharge__rates.py"
    test.parent.mkdir()
    test.write_text("# mine\n")
    before = contents(project)
    refused("is there already", "source", "recharge", "--discover", "-", given=catalog(*STREAMS))
    assert contents(project) == before


def test_a_list_in_brackets_is_not_rewritten(project: Path) -> None:
    models = project / "orchestration/assets/streams/klaviyo/_klaviyo__models.yml"
    models.write_text("models: []\n")
    before = contents(project)
    told = refused("cannot be added to", "source", "klaviyo", "--discover", "-", given=catalog(STREAMS[0]))
    assert "- name: stg_klaviyo__charges" in told.output
    assert contents(project) == before


def test_a_file_that_cannot_be_written_takes_the_others_with_it(project: Path) -> None:
    (project / "locked").mkdir()
    files = Files(project)
    files.new(project / "new" / "folder" / "one.txt", "1")
    files.new(project / "locked" / "two.txt", "2")
    shutil.rmtree(project / "locked")
    (project / "locked").write_text("a file")
    before = contents(project)
    with pytest.raises(UsageError, match="Nothing was added"):
        files.write()
    assert contents(project) == before
    assert not (project / "new").exists()
