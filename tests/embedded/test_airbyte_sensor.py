"""The sensor of Airbyte's syncs, evaluated by Dagster against a stand-in server and an embedded lake."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import yaml
from dagster import DagsterInstance

from lakekit import Lake
from lakekit.dagster.airbyte.requests import JOBS
from lakekit.errors import AirbyteFailed, SettingsError, UsageError
from lakekit.scaffold import new

from .airbyte_watch import MODELS, Watch, build, key

if TYPE_CHECKING:
    from pathlib import Path

    from ..airbyte_server import AirbyteServer


@pytest.fixture
def project(tmp_path: Path, airbyte: AirbyteServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "lakekit.toml").write_text(
        f'[airbyte]\nurl = "{airbyte.url}"\nworkspace = "{airbyte.workspace}"\n'
    )
    monkeypatch.setenv("LAKEKIT_AIRBYTE__CLIENT_ID", airbyte.client_id)
    monkeypatch.setenv("LAKEKIT_AIRBYTE__CLIENT_SECRET", airbyte.client_secret)
    return tmp_path


@pytest.fixture
def shopify(airbyte: AirbyteServer) -> str:
    return airbyte.add_connection("Shopify", ["orders", "products"], airbyte.add_destination("shopify"))


def test_a_sync_materializes_bronze_and_runs_what_reads_it(
    project: Path, airbyte: AirbyteServer, shopify: str
) -> None:
    mail = airbyte.add_connection("Mail", ["events"], airbyte.add_destination("klaviyo"))
    build(project)
    watch = Watch(project)
    airbyte.sync(shopify)
    assert "is watched from now on" in str(watch.tick().skip_reason)
    assert "Nothing has synced" in str(watch.tick().skip_reason)

    with Lake.connect(project) as lake:
        lake.load("klaviyo.events", [{"id": n} for n in range(7)])
        hash_ = lake.catalog.ref("main").hash
        job = airbyte.sync(mail, rows=7, size=900)
    watch.tick()
    [event] = watch.events
    told = {name: value.value for name, value in event.metadata.items()}
    assert event.asset_key == key("klaviyo.events")
    assert told.pop("lake/bytes") > 100
    assert told == {
        "airbyte/job_id": job.id,
        "airbyte/connection": "Mail",
        "airbyte/ended": int(job.updated.timestamp()),
        "airbyte/rows_synced": 7,
        "airbyte/bytes_synced": 900,
        "dagster/row_count": 7,
        "lake/hash": hash_,
    }
    assert watch.built() == [{"streams.stg_klaviyo__events", "marts.fct_mail", "marts.dim_opens"}]
    watch.tick()
    assert len(watch.events) == len(watch.runs) == 1


def test_in_a_new_lake_a_run_builds_what_its_models_need_too(
    project: Path, airbyte: AirbyteServer, shopify: str
) -> None:
    mail = airbyte.add_connection("Mail", ["events"], airbyte.add_destination("klaviyo"))
    with Lake.connect(project) as lake:
        lake.load("streams.stg_shopify__orders", [{"id": 1}])
    watch = Watch(project)
    watch.tick()
    airbyte.sync(mail)
    watch.tick()
    assert watch.built() == [
        {"streams.stg_klaviyo__events", "marts.fct_mail", "marts.dim_opens", "core.int_shopify__orders"}
    ]


def test_syncs_that_share_a_model_share_a_run(project: Path, airbyte: AirbyteServer, shopify: str) -> None:
    lake = airbyte.add_destination("shopify")
    products = airbyte.add_connection("Products", ["products"], lake)
    mail = airbyte.add_connection("Mail", ["events"], airbyte.add_destination("klaviyo"))
    orders = airbyte.add_connection("Orders", ["orders"], lake)
    build(project)
    watch = Watch(project)
    watch.tick()
    for connection in (mail, products, orders):
        airbyte.sync(connection)
    watch.tick()
    alone, shared = sorted(watch.built(), key=len)
    assert alone == {"streams.stg_shopify__products", "marts.dim_products"}
    assert shared == MODELS.keys() - alone
    assert sorted(run.tags["lake/airbyte_jobs"] for run in watch.runs.values()) == ["1,3", "2"]


def test_no_status_but_success_tells_and_none_stops_the_sensor(
    project: Path, airbyte: AirbyteServer, shopify: str
) -> None:
    watch = Watch(project)
    watch.tick()
    jobs = [airbyte.start(shopify) for _ in range(8)]
    ways = ("pending", "queued", "running", "incomplete", "failed", "cancelled", "hibernating", "succeeded")
    for job, status in zip(jobs, ways, strict=True):
        if status != "pending":
            airbyte.move(job, status)
    watch.tick()
    assert {event.metadata["airbyte/job_id"].value for event in watch.events} == {8}
    airbyte.pass_time(days=3)
    for job in jobs[:4]:
        airbyte.move(job, "succeeded")
    watch.tick()
    assert {event.metadata["airbyte/job_id"].value for event in watch.events} == {8, 1, 2, 3, 4}


def test_a_cleared_table_and_a_refreshed_one(project: Path, airbyte: AirbyteServer, shopify: str) -> None:
    watch = Watch(project)
    watch.tick()
    airbyte.move(airbyte.start(shopify, "clear"), "succeeded")
    assert "Job 1 of 'Shopify' was a clear: nothing is built on it." in str(watch.tick().skip_reason)
    airbyte.move(airbyte.start(shopify, "refresh"), "succeeded")
    watch.tick()
    assert len(watch.runs) == 1


def test_a_stream_that_no_source_names_is_said_and_harms_nothing(
    project: Path, airbyte: AirbyteServer, shopify: str, caplog: pytest.LogCaptureFixture
) -> None:
    refunds = airbyte.add_connection("Refunds", ["refunds", "orders"], airbyte.add_destination("shopify"))
    only = airbyte.add_connection("Only", ["Tax Lines"], airbyte.add_destination("shopify"))
    watch = Watch(project)
    watch.tick()
    airbyte.sync(only)
    told = str(watch.tick().skip_reason)
    assert "Airbyte's 'Only' lands shopify.tax lines, which no dbt source names" in told
    airbyte.sync(refunds)
    watch.tick()
    assert [event.asset_key for event in watch.events] == [key("shopify.orders")]
    assert len(watch.runs) == 1


def test_where_a_stream_lands_is_what_its_connection_says(project: Path, airbyte: AirbyteServer) -> None:
    models = {
        f"streams.stg_{n}": [table]
        for n, table in enumerate(["one.raw_orders", "two.orders", "shop_three.orders"])
    }
    elsewhere = airbyte.add_destination("main")
    postgres = airbyte.add_destination("one", kind="postgres")
    connections = [
        airbyte.add_connection(
            "1", ["Orders"], elsewhere, namespaces="source", namespace="one", prefix="raw_"
        ),
        airbyte.add_connection("2", ["orders"], elsewhere, namespaces="custom_format", namespaceFormat="two"),
        airbyte.add_connection(
            "3",
            ["orders"],
            elsewhere,
            namespaces="custom_format",
            namespaceFormat="shop_${SOURCE_NAMESPACE}",
            namespace="three",
        ),
        airbyte.add_connection("4", ["orders"], postgres, prefix="raw_"),
    ]
    watch = Watch(project, models)
    watch.tick()
    for connection in connections:
        airbyte.sync(connection)
    watch.tick()
    assert {event.metadata["airbyte/connection"].value: event.asset_key for event in watch.events} == {
        "1": key("one.raw_orders"),
        "2": key("two.orders"),
        "3": key("shop_three.orders"),
    }


def test_what_synced_while_dagster_was_down_is_caught_up_in_bounded_ticks(
    project: Path, airbyte: AirbyteServer, shopify: str
) -> None:
    build(project)
    watch = Watch(project)
    watch.tick()
    for _ in range(700):
        airbyte.pass_time(minutes=2)
        airbyte.sync(shopify)
    told = []
    for _ in range(3):
        before = len(watch.events)
        watch.tick()
        told.append((len(watch.events) - before) // 2)
    assert told == [300, 300, 100]
    assert [sorted(one) for one in watch.built()] == [
        sorted(MODELS.keys() - {"streams.stg_klaviyo__events", "marts.dim_opens"})
    ] * 3
    assert "Nothing has synced" in str(watch.tick().skip_reason)


def test_two_hundred_connections_are_a_handful_of_calls_in_a_second(
    project: Path, airbyte: AirbyteServer
) -> None:
    connections = [
        airbyte.add_connection(f"Shop {n}", ["orders"], airbyte.add_destination(f"shop{n}"))
        for n in range(200)
    ]
    models = {f"streams.stg_shop{n}__orders": [f"shop{n}.orders"] for n in range(200)}
    watch = Watch(project, models)
    watch.tick()
    quiet = evaluated(watch, airbyte, ["token", "jobs"])

    with Lake.connect(project) as lake:
        lake.load("shop7.orders", [{"id": 1}])
    for connection in connections:
        airbyte.sync(connection)
    asked = ["token", *["jobs"] * 3, *["connections"] * 3, *["destinations"] * 3]
    busy = evaluated(watch, airbyte, asked)
    assert (quiet < 1, busy < 1) == (True, True), (quiet, busy)
    watch.tick()
    assert len(watch.events) == len(watch.runs) == 200


def evaluated(watch: Watch, airbyte: AirbyteServer, asked: list[str]) -> float:
    """Look that a tick asks for no more than this; the best of several times, since nothing of it is kept."""
    took = []
    for _ in range(5):
        airbyte.calls.clear()
        started = time.perf_counter()
        watch.evaluate()
        took.append(time.perf_counter() - started)
        assert [path.partition("?")[0].rpartition("/")[2] for _, path in airbyte.calls] == asked
    return min(took)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("401", "does not accept the credentials"),
        ("403", "does not accept the credentials"),
        ("404", "There is no Airbyte API"),
        ("429", "failed"),
        ("500", "failed"),
        ("503", "failed"),
        ("garbage", "is no Airbyte server"),
        ("cut", "does not answer"),
        ("gone", "does not answer"),
    ],
)
@pytest.mark.parametrize("where", ["token", "jobs", "connections", "destinations"])
def test_a_server_at_fault_fails_the_tick_and_nothing_is_lost(
    project: Path, airbyte: AirbyteServer, shopify: str, fault: str, told: str, where: str
) -> None:
    watch = Watch(project)
    watch.tick()
    airbyte.sync(shopify)
    airbyte.fault = f"{fault} {where}"
    with pytest.raises(AirbyteFailed, match=told) as failure:
        watch.tick()
    assert failure.value.todo
    assert airbyte.url in failure.value.what
    for secret in (airbyte.client_secret, airbyte._token):
        assert secret not in f"{failure.getrepr(showlocals=False)}{failure.value}"
    airbyte.fault = ""
    watch.tick()
    assert (len(watch.events), len(watch.runs)) == (2, 1)


@pytest.mark.parametrize("fault", ["slow", "trickle"])
def test_a_slow_server_is_given_up_in_time(
    project: Path, airbyte: AirbyteServer, shopify: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(project)
    watch.tick()
    airbyte.sync(shopify)
    airbyte.fault = f"{fault} jobs"
    monkeypatch.setattr("lakekit.dagster.airbyte.api.SECONDS", 1.0)
    started = time.perf_counter()
    with pytest.raises(AirbyteFailed, match="takes too long"):
        watch.tick()
    # Whoever waits for all that trickles in waits twice as long.
    assert time.perf_counter() - started < 8
    airbyte.fault = ""
    watch.tick()
    assert len(watch.runs) == 1


def test_an_airbyte_that_is_down_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEKIT_AIRBYTE__URL", "http://127.0.0.1:9")
    (tmp_path / "lakekit.toml").touch()
    with pytest.raises(AirbyteFailed, match=r"does not answer at http://127\.0"):
        Watch(tmp_path).tick()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("URL", "http://[::1", "airbyte.url is no address"),
        ("URL", "http://airbyte:80a0", "airbyte.url is no address"),
        ("CA", "nowhere.pem", "airbyte.ca cannot be read"),
    ],
)
def test_an_address_that_is_none_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    (tmp_path / "lakekit.toml").write_text('[airbyte]\nurl = "https://127.0.0.1:9"\n')
    monkeypatch.setenv(f"LAKEKIT_AIRBYTE__{name}", value)
    with pytest.raises(SettingsError, match=told):
        Watch(tmp_path).tick()


def test_a_project_without_airbyte_and_a_url_with_credentials_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lakekit.toml").touch()
    with pytest.raises(SettingsError, match="has no Airbyte"):
        Watch(tmp_path).tick()
    for url in (
        "http://me:hunter2@127.0.0.1:9",
        "http://:hunter2@127.0.0.1:9",
        "http://127.0.0.1:9?key=hunter2",
    ):
        monkeypatch.setenv("LAKEKIT_AIRBYTE__URL", url)
        with pytest.raises(SettingsError, match="holds credentials") as caught:
            Watch(tmp_path).tick()
        assert "hunter2" not in str(caught.value)
    (tmp_path / "lakekit.toml").write_text('[airbyte]\nclient_secret = "hunter2"\n')
    with pytest.raises(SettingsError, match=r"holds the secret airbyte\.client_secret") as caught:
        Watch(tmp_path).tick()
    assert "set LAKEKIT_AIRBYTE__CLIENT_SECRET" in caught.value.todo


def test_a_cursor_that_someone_broke_says_how_to_go_on(project: Path) -> None:
    watch = Watch(project)
    watch.cursor = "yesterday"
    with pytest.raises(UsageError, match="cursor cannot be read"):
        watch.tick()


def test_runs_that_syncs_ask_for_are_not_beside_each_other(tmp_path: Path) -> None:
    project = new(tmp_path / "shop")
    with DagsterInstance.from_config(str(project / ".dagster")) as instance:
        queue = instance.get_concurrency_config().run_queue_config
    assert queue
    assert queue.tag_concurrency_limits == [{"key": JOBS, "limit": 1}]
    here, deployed = (
        yaml.safe_load((project / file).read_text())
        for file in (".dagster/dagster.yaml", "deploy/dagster.yaml")
    )
    # Deployed, all runs share the memory of a container.
    assert here["run_queue"] | {"max_concurrent_runs": 2} == deployed["run_queue"]
