"""The simulation against the connectors themselves: their packages' schemas, keys and cursors judge every message.

The packages are installed once, each into an environment of its own under the cache folder, outside the checkout.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from jsonschema import Draft7Validator, FormatChecker

from lakekit.demo.shop import Shop

PACKAGES = {"shopify": "airbyte-source-shopify==4.3.0", "klaviyo": "airbyte-source-klaviyo==2.13.1"}

# Shopify's discovery asks the shop for its scopes, so the package is asked directly; Klaviyo's needs no network.
ASK = {
    "shopify": """
import json
from airbyte_cdk.sources.utils.schema_helpers import ResourceSchemaLoader
from source_shopify.streams import streams
found = {}
for name, kind in (("orders", "Orders"), ("products", "Products"), ("deleted_products", "DeletedProducts"), ("customers", "Customers"), ("order_refunds", "OrderRefunds")):
    stream = getattr(streams, kind)
    found[name] = {"json_schema": ResourceSchemaLoader("source_shopify").get_schema(name), "cursor": stream.cursor_field, "key": stream.primary_key}
print(json.dumps(found))
""",
    "klaviyo": """
import json, sys, tempfile
from airbyte_cdk.entrypoint import AirbyteEntrypoint
from source_klaviyo.source import SourceKlaviyo
with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
    json.dump({"api_key": "none", "start_date": "2025-01-01T00:00:00Z"}, config)
    config.flush()
    source = SourceKlaviyo(catalog=None, config={"api_key": "none"}, state=None)
    asked = AirbyteEntrypoint.parse_args(["discover", "--config", config.name])
    for line in AirbyteEntrypoint(source).run(asked):
        message = json.loads(line)
        if message["type"] == "CATALOG":
            print(json.dumps({s["name"]: {"json_schema": s["json_schema"], "cursor": s["default_cursor_field"][0], "key": s["source_defined_primary_key"][0][0]} for s in message["catalog"]["streams"]}))
""",
}


def cache() -> Path:
    if explicit := os.environ.get("LAKEKIT_CACHE"):
        return Path(explicit)
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "lakekit"


def python_of(source: str) -> Path:
    """An interpreter that can import the connector."""
    folder = cache() / "connectors" / PACKAGES[source].replace("==", "-")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "ready").is_file():
            uv = shutil.which("uv")
            if uv is None and sys.version_info[:2] != (3, 11):
                pytest.skip(f"{PACKAGES[source]} NOT CHECKED: it needs Python 3.11, or uv to find one")
            python = folder / "bin" / "python"
            steps = (
                [
                    [uv, "venv", "--clear", "--python", "3.11", str(folder)],
                    [uv, "pip", "install", "--python", str(python), PACKAGES[source]],
                ]
                if uv
                else [
                    [sys.executable, "-m", "venv", "--clear", str(folder)],
                    [str(python), "-m", "pip", "install", PACKAGES[source]],
                ]
            )
            for step in steps:
                done = subprocess.run(step, capture_output=True, text=True, check=False)
                if done.returncode:
                    pytest.skip(
                        f"{PACKAGES[source]} NOT CHECKED: it cannot be installed: {done.stderr[-500:]}"
                    )
            (folder / "ready").touch()
    return folder / "bin" / "python"


@pytest.fixture(scope="module", params=sorted(PACKAGES))
def connector(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """A source's name, and what its package says of the streams."""
    answer = subprocess.run(
        [python_of(request.param), "-c", ASK[request.param]], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return request.param, json.loads(answer.stdout.splitlines()[-1])


def records(source: str, sync: int) -> list[tuple[str, dict[str, Any]]]:
    messages = (json.loads(line) for line in Shop(seed=11, orders=400).messages(source, sync))
    return [(m["record"]["stream"], m["record"]["data"]) for m in messages if m["type"] == "RECORD"]


@pytest.mark.parametrize("sync", [1, 2])
def test_every_record_is_one_that_the_connector_could_have_sent(
    connector: tuple[str, dict[str, Any]], sync: int
) -> None:
    source, streams = connector
    judges = {
        name: Draft7Validator(s["json_schema"], format_checker=FormatChecker()) for name, s in streams.items()
    }
    seen = set()
    for name, record in records(source, sync):
        error = next(judges[name].iter_errors(record), None)
        assert error is None, f"{name} {record['id']}: {list(error.absolute_path)}: {error.message}"
        unknown = record.keys() - streams[name]["json_schema"]["properties"].keys()
        # The bulk query asks for this one, but the connector's schema misspells it.
        assert unknown <= {"requires_selling_plan"}, f"{name} knows no {unknown}"
        seen.add(name)
    assert seen == {s["stream"]["name"] for s in Shop.configured_catalog(source)["streams"]}


def test_our_catalogs_have_the_connectors_keys_and_cursors(connector: tuple[str, dict[str, Any]]) -> None:
    source, streams = connector
    for configured in Shop.configured_catalog(source)["streams"]:
        real = streams[configured["stream"]["name"]]
        assert configured["cursor_field"] == [real["cursor"]]
        assert configured["primary_key"] == [[real["key"]]]


def test_our_contracts_agree_with_the_connectors_schemas(connector: tuple[str, dict[str, Any]]) -> None:
    source, streams = connector
    for configured in Shop.configured_catalog(source)["streams"]:
        name = configured["stream"]["name"]
        theirs = streams[name]["json_schema"]["properties"]
        for field, ours in configured["stream"]["json_schema"]["properties"].items():
            assert kinds(ours) <= kinds(theirs[field]) | {"null"}, f"{name}.{field}"
            assert ours.get("format") == theirs[field].get("format"), f"{name}.{field}"


def kinds(schema: dict[str, Any]) -> set[str]:
    kind = schema["type"]
    return set(kind) if isinstance(kind, list) else {kind}
