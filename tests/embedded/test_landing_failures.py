"""Connectors that fail, in part or in mid-sync: what has come stays, and the next sync goes on from there."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from lakekit.catalog.embedded import EmbeddedCatalog
from lakekit.cli import main
from lakekit.errors import LandingFailed
from lakekit.landing import ConfiguredCatalog, land, read_states

from ..meanwhile import meanwhile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyiceberg.catalog import Catalog


def stream(name: str, mode: str = "append_dedup", sync_mode: str = "incremental") -> dict[str, Any]:
    return {
        "stream": {"name": name, "json_schema": {"properties": {"id": {"type": "integer"}}}},
        "sync_mode": sync_mode,
        "destination_sync_mode": mode,
        "primary_key": [["id"]],
    }


SHOP = {"streams": [stream("products"), stream("orders"), stream("clicks", "append")]}


def record(stream: str, id_: int, emitted_at: int = 1) -> dict[str, Any]:
    return {"type": "RECORD", "record": {"stream": stream, "data": {"id": id_}, "emitted_at": emitted_at}}


def of_stream(stream: str, state: Any) -> dict[str, Any]:
    return {"stream_descriptor": {"name": stream}, "stream_state": state}


def state(stream: str, state: Any) -> dict[str, Any]:
    return {"type": "STATE", "state": {"type": "STREAM", "stream": of_stream(stream, state)}}


def of_all(day: int, *streams: str) -> dict[str, Any]:
    every = {
        "shared_state": {"day": day},
        "stream_states": [of_stream(name, {"day": day}) for name in streams],
    }
    return {"type": "STATE", "state": {"type": "GLOBAL", "global": every}}


def failure(message: str, stream: str = "") -> dict[str, Any]:
    descriptor = {"stream_descriptor": {"name": stream}} if stream else {}
    return {"type": "TRACE", "trace": {"type": "ERROR", "error": {"message": message, **descriptor}}}


def status(stream: str, status: str) -> dict[str, Any]:
    told = {"stream_descriptor": {"name": stream}, "status": status}
    return {"type": "TRACE", "trace": {"type": "STREAM_STATUS", "stream_status": told}}


# What the CDK sends where one stream fails, with exit code 1 after it.
IN_PART = [
    failure("404: no such page", "products"),
    status("products", "INCOMPLETE"),
    record("orders", 1),
    record("orders", 2),
    state("orders", {"id": 2}),
    status("orders", "COMPLETE"),
    failure("During the sync, the following streams did not sync successfully: products"),
]


@pytest.fixture
def bronze(tmp_path: Path) -> Catalog:
    return EmbeddedCatalog(tmp_path / "lake").iceberg("main")


def ids(iceberg: Catalog, stream: str) -> list[int]:
    table = iceberg.load_table(f"shop.{stream}").scan().to_arrow()
    return sorted(table.column("id").to_pylist())


def put(iceberg: Catalog, *messages: dict[str, Any], flush: int = 20_000) -> list[bytes]:
    echoed: list[bytes] = []
    configured = ConfiguredCatalog.parse(SHOP)
    land(iceberg, "shop", configured, messages, echo=echoed.append, rows_a_flush=flush)
    return echoed


def states(iceberg: Catalog, catalog: dict[str, Any] = SHOP) -> list[dict[str, Any]]:
    return read_states(iceberg, "shop", ConfiguredCatalog.parse(catalog))


@pytest.mark.parametrize("told", [IN_PART, IN_PART[:-1]])
def test_a_stream_that_cannot_be_read_keeps_no_other_from_landing(
    bronze: Catalog, told: list[dict[str, Any]]
) -> None:
    with pytest.raises(LandingFailed, match="could not read 'products'") as caught:
        put(bronze, *told)
    assert "products: 404: no such page" in str(caught.value)
    assert ids(bronze, "orders") == [1, 2]
    assert states(bronze) == [state("orders", {"id": 2})["state"]]
    report = caught.value.report
    assert report
    assert (report.streams["orders"].inserted, report.complete, list(report.failed)) == (
        2,
        {"orders"},
        ["products"],
    )


def test_a_sync_that_breaks_off_keeps_what_a_state_vouches_for(bronze: Catalog) -> None:
    with pytest.raises(LandingFailed, match="The connector failed") as caught:
        put(
            bronze,
            *(record("orders", 1), record("clicks", 1), record("clicks", 2)),
            *(state("clicks", 2), state("orders", 1)),
            *(record("clicks", 3), record("orders", 2), failure("502")),
        )
    assert states(bronze) == [state("orders", 1)["state"], state("clicks", 2)["state"]]
    report = caught.value.report
    assert report
    assert (report.streams["clicks"].received, report.streams["clicks"].unchanged) == (2, 0)
    # The connector goes on from there, and what it tells again it has extracted anew.
    put(bronze, record("clicks", 3, 9), record("orders", 2, 9))
    assert ids(bronze, "clicks") == [1, 2, 3]
    assert ids(bronze, "orders") == [1, 2]


def test_a_state_of_one_stream_vouches_for_no_row_of_another(bronze: Catalog) -> None:
    with pytest.raises(LandingFailed):
        put(bronze, record("clicks", 1), record("orders", 1), state("orders", 1), failure("502"), flush=1)
    put(bronze, record("clicks", 1, 9), state("clicks", 1))
    assert ids(bronze, "clicks") == [1]


def test_appended_rows_of_a_stream_that_failed_wait_for_the_next_sync(bronze: Catalog) -> None:
    with pytest.raises(LandingFailed, match="'clicks'"):
        put(bronze, record("clicks", 1), state("clicks", 1), record("clicks", 2), failure("502", "clicks"))
    assert ids(bronze, "clicks") == [1]


def test_rows_with_a_key_are_not_kept_waiting_for_a_state_that_never_comes(bronze: Catalog) -> None:
    waiting: list[int] = []

    def told() -> Iterator[dict[str, Any]]:
        for number in range(1, 51):
            yield record("orders", number)
            waiting.append(number - len(ids(bronze, "orders")))

    land(bronze, "shop", ConfiguredCatalog.parse(SHOP), told(), rows_a_flush=5)
    assert ids(bronze, "orders") == [*range(1, 51)]
    assert max(waiting) < 10


def interrupted(iceberg: Catalog, after: int, *messages: dict[str, Any]) -> None:
    """A landing that is stopped when it has made so many commits."""
    made = iter(range(after))

    def stop() -> None:
        if next(made, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), meanwhile(stop, times=99):
        put(iceberg, *messages)


def test_an_interrupted_state_of_all_streams_is_as_old_as_the_oldest_table(bronze: Catalog) -> None:
    every = ("products", "orders", "clicks")
    interrupted(bronze, 4, record("orders", 1), of_all(1, *every))  # three tables are made, one is written
    assert states(bronze) == []
    put(bronze, record("orders", 1), of_all(1, *every))
    assert states(bronze) == [of_all(1, *every)["state"]]
    for after in (1, 2):
        interrupted(bronze, after, record("orders", 2), record("products", 2), of_all(2, *every))
        assert states(bronze) == [of_all(1, *every)["state"]]
    put(bronze, record("orders", 2), record("products", 2), of_all(2, *every))
    assert states(bronze) == [of_all(2, *every)["state"]]
    # What is to be read from its start is told nothing of; the others go on.
    bronze.drop_table("shop.orders")
    assert states(bronze) == [of_all(2, "products", "clicks")["state"]]
    in_full = {"streams": [stream("products", sync_mode="full_refresh"), *SHOP["streams"][2:]]}
    assert states(bronze, in_full) == [of_all(2, "orders", "clicks")["state"]]


# As the CDK does it: a stream whose state says that it has been read in full is not read.
IN_FULL = """
import json, pathlib, sys
done = {"__ab_full_refresh_sync_complete": True}
given = json.loads(pathlib.Path(sys.argv[sys.argv.index("--state") + 1]).read_text()) if "--state" in sys.argv else []
if done not in [state["stream"]["stream_state"] for state in given]:
    for id_ in json.loads(pathlib.Path("products.json").read_text()):
        print(json.dumps({"type": "RECORD", "record": {"stream": "products", "data": {"id": id_}, "emitted_at": id_}}))
descriptor = {"stream_descriptor": {"name": "products"}, "stream_state": done}
print(json.dumps({"type": "STATE", "state": {"type": "STREAM", "stream": descriptor}}))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "lakekit.toml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lakekit_land(catalog: dict[str, Any], connector: str, project: Path) -> Result:
    (project / "catalog.json").write_text(json.dumps(catalog))
    (project / "connector.py").write_text(connector)
    command = ["--source", "shop", "--catalog", "catalog.json", "--", sys.executable, "connector.py"]
    return CliRunner().invoke(main, ["land", *command])


def held(stream: str) -> list[int]:
    asked = CliRunner().invoke(main, ["sql", f"select id from shop.{stream} order by id", "--json"])
    return [row["id"] for row in json.loads(asked.stdout)]


def test_a_stream_that_is_read_in_full_is_read_each_time(project: Path) -> None:
    in_full = {"streams": [stream("products", sync_mode="full_refresh")]}
    for products in ([1, 2], [1, 2, 3]):
        (project / "products.json").write_text(json.dumps(products))
        landed = lakekit_land(in_full, IN_FULL, project)
        assert landed.exit_code == 0, landed.stderr
        assert held("products") == products


def test_the_command_tells_what_landed_and_what_did_not(project: Path) -> None:
    lines = "\n".join(json.dumps(message) for message in IN_PART[:-1])
    landed = lakekit_land(SHOP, f"import sys\nprint('''{lines}''')\nsys.exit('one failed')", project)
    assert landed.exit_code == 1
    assert "shop.orders: 2 received, 2 inserted" in landed.stderr
    assert "could not read 'products'" in landed.stderr
    assert "404: no such page" in landed.stderr
    assert "exited with 1" in landed.stderr
    assert "Traceback" not in landed.stderr
    assert held("orders") == [1, 2]
