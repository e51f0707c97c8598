"""The stand-in for an Airbyte server answers as the real one: its own models read it, and so does dagster-airbyte."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from airbyte_api import models
from dagster import Failure
from dagster_airbyte import AirbyteWorkspace

from ..airbyte_server import ENDED, OPEN, AirbyteServer


@pytest.fixture
def airbyte(airbyte: AirbyteServer) -> AirbyteServer:
    lake = airbyte.add_destination("shopify")
    airbyte.add_connection("Shopify", ["orders", "products"], lake)
    airbyte.add_connection("Mail", ["events"], lake, namespaces="custom_format", namespaceFormat="klaviyo")
    airbyte.add_connection(
        "Elsewhere", ["orders"], airbyte.add_destination("public", kind="postgres"), prefix="raw_"
    )
    return airbyte


def asked(airbyte: AirbyteServer, path: str, **query: Any) -> Any:
    credentials = {"client_id": airbyte.client_id, "client_secret": airbyte.client_secret}
    base = f"{airbyte.url}/api/public/v1"
    token = (
        httpx.post(f"{base}/applications/token", json=credentials).raise_for_status().json()["access_token"]
    )
    answer = httpx.get(f"{base}/{path}", params=query, headers={"Authorization": f"Bearer {token}"})
    return answer.raise_for_status().json()


def test_airbytes_own_models_read_every_answer(airbyte: AirbyteServer) -> None:
    connection = next(iter(airbyte.connections))
    for status in (*OPEN, *ENDED):
        for kind in ("sync", "refresh", "reset", "clear"):
            airbyte.pass_time(seconds=7)
            airbyte.move(airbyte.start(connection, kind), status, 12, 3400)
    jobs = models.JobsResponse.model_validate(asked(airbyte, "jobs", limit=100)).data
    assert [job.status.value for job in jobs[::4]] == [*OPEN, *ENDED]
    assert all((job.last_updated_at is not None) == (job.status.value in ENDED) for job in jobs)
    assert (jobs[-1].rows_synced, jobs[-1].bytes_synced) == (12, 3400)
    assert models.JobResponse.model_validate(asked(airbyte, "jobs/3")).job_id == 3

    connections = models.ConnectionsResponse.model_validate(asked(airbyte, "connections")).data
    assert [one.name for one in connections] == ["Shopify", "Mail", "Elsewhere"]
    assert connections[1].namespace_definition is models.NamespaceDefinitionEnum.CUSTOM_FORMAT
    destinations = models.DestinationsResponse.model_validate(asked(airbyte, "destinations")).data
    assert isinstance(destinations[0].configuration, models.DestinationS3DataLake)
    assert isinstance(destinations[0].configuration.catalog_type, models.NessieCatalog)
    one = asked(airbyte, f"destinations/{destinations[0].destination_id}")
    assert models.DestinationResponse.model_validate(one).name == "Lake shopify"
    workspace = asked(airbyte, f"workspaces/{airbyte.workspace}")
    assert models.WorkspaceResponse.model_validate(workspace).workspace_id == airbyte.workspace


def test_pages_are_followed_to_their_end(airbyte: AirbyteServer) -> None:
    connection = next(iter(airbyte.connections))
    for _ in range(45):
        airbyte.pass_time(minutes=1)
        airbyte.sync(connection)
    seen, query = [], {"orderBy": "updatedAt|DESC"}
    while page := models.JobsResponse.model_validate(asked(airbyte, "jobs", **query)).data:
        seen += [job.job_id for job in page]
        query["offset"] = str(len(seen))
    assert seen == list(range(45, 0, -1))
    assert [
        one["jobId"]
        for one in asked(airbyte, "jobs", createdAtEnd=airbyte.jobs[2].created.isoformat())["data"]
    ] == [1, 2]


def workspace_of(airbyte: AirbyteServer, **more: Any) -> AirbyteWorkspace:
    return AirbyteWorkspace(
        rest_api_base_url=f"{airbyte.url}/api/public/v1",
        configuration_api_base_url=f"{airbyte.url}/api/v1",
        workspace_id=airbyte.workspace,
        client_id=airbyte.client_id,
        client_secret=airbyte.client_secret,
        request_retry_delay=0,
        **more,
    )


def test_dagster_airbytes_client_reads_it_too(airbyte: AirbyteServer) -> None:
    workspace = workspace_of(airbyte)
    held = workspace.fetch_airbyte_workspace_data()
    tables = {(one.connection_name, one.table_name) for one in held.to_airbyte_connection_table_props_data()}
    assert ("Shopify", "products") in tables
    assert ("Elsewhere", "raw_orders") in tables
    client = workspace.get_client()
    connection = next(iter(airbyte.connections))
    airbyte.sync(connection, rows=5)
    started = client.start_sync_job(connection)
    assert client.cancel_job(started["jobId"])["status"] == "cancelled"
    jobs = client.get_jobs_for_connection(connection)
    assert [(job.status, job.rows_synced) for job in jobs] == [("succeeded", 5), ("cancelled", None)]
    assert client.get_jobs_for_connection(connection, created_after=airbyte.now) == jobs[1:]


def test_who_is_not_known_is_refused(airbyte: AirbyteServer) -> None:
    airbyte.client_secret, wrong = "another", workspace_of(airbyte, request_max_retries=0)
    airbyte.client_secret = "the right one"
    with pytest.raises(Failure):
        wrong.get_client().validate_workspace_id()
    assert httpx.get(f"{airbyte.url}/api/public/v1/jobs").status_code == 401
