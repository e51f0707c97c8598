"""What a project is deployed by: compose, the image, values for charts. Versions are the tested ones, and no secret is in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from lakekit.scaffold import new
from lakekit.stack.containers import IMAGES
from lakekit.stack.endpoints import BUCKET, Endpoints
from lakekit.stack.nessie import properties as nessie_properties
from lakekit.stack.trino import properties as trino_properties

from ..compose import command as compose_command

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).parents[2]
CUBE = json.loads((CHECKOUT / "tests/cube/package.json").read_text())["dependencies"][
    "@cubejs-backend/server"
]
UNITS = {"m": 0.001, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
SECRET = re.compile(r"password|secret|access.?key", re.IGNORECASE)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new(tmp_path_factory.mktemp("deployed") / "shop")


@pytest.fixture(scope="module")
def services(project: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((project / "docker-compose.yml").read_text())["services"])


def values(project: Path, chart: str, *, small: bool = False) -> Any:
    return yaml.safe_load(
        (project / "deploy/helm" / ("small" if small else "") / f"{chart}.yaml").read_text()
    )


def amount(text: str | int) -> float:
    number, unit = re.fullmatch(r"(\d+)(\w*)", str(text)).groups()  # type: ignore[union-attr]
    return int(number) * UNITS.get(unit, 1)


def resources(content: Any, at: str = "") -> Iterator[tuple[str, float]]:
    """Every amount that values ask for, by its place."""
    for key, inner in content.items() if isinstance(content, dict) else ():
        if key in {"requests", "limits"}:
            yield from ((f"{at}.{key}.{name}", amount(of)) for name, of in inner.items())
        elif key in {"request", "limit"}:
            yield f"{at}.{key}", amount(inner)
        else:
            yield from resources(inner, f"{at}.{key}")


def test_images_are_of_the_versions_that_are_tested(project: Path, services: dict[str, Any]) -> None:
    images = {name: service["image"] for name, service in services.items() if "image" in service}
    for name, tested in IMAGES.items():
        assert images[name] == tested
    assert images["cube"] == f"cubejs/cube:v{CUBE}"
    assert all(re.search(r":v?\d|:RELEASE", image) for image in images.values()), images
    for chart, service in (("trino", "trino"), ("nessie", "nessie"), ("minio", "minio")):
        assert values(project, chart)["image"]["tag"] == IMAGES[service].partition(":")[2]
    assert f"cubejs/cube:v{CUBE}" in (project / "deploy/cube.yaml").read_text()
    own = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    theirs = tomllib.loads((project / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    [dagster] = [one.partition("==")[2] for one in own["dagster"] if one.startswith("dagster==")]
    [integration] = [one.partition("==")[2] for one in own["dagster"] if one.startswith("dagster-dbt==")]
    assert f"dagster-webserver=={dagster}" in own["dagster"]
    assert {f"dagster-postgres=={integration}", f"dagster-k8s=={integration}"} <= set(theirs["deploy"])
    # Charts that have the versions of what they install.
    readme = (project / "deploy/README.md").read_text()
    charts = dict(re.findall(r"^helm install \w+ (\S+)(?: --version (\S+))?", readme, re.MULTILINE))
    assert charts.keys() == {
        "minio/minio",
        "nessie/nessie",
        "trino/trino",
        "airbyte-v2/airbyte",
        "dagster/dagster",
    }
    assert all(charts.values()), charts
    assert charts["dagster/dagster"] == dagster
    assert charts["nessie/nessie"] == IMAGES["nessie"].partition(":")[2]


def test_services_are_told_what_the_stack_tells_its_own(project: Path, services: dict[str, Any]) -> None:
    at = Endpoints("http://trino:8080", "http://nessie:19120", "http://minio:9000", "key", "secret")
    told = services["nessie"]["environment"]
    for name, value in nessie_properties(at, None).items():
        if name.startswith("nessie.catalog.") and not name.endswith("external-endpoint"):
            assert told[name] == value
    assert f"/data/{BUCKET}" in services["minio"]["entrypoint"][2]
    lines = (project / "deploy/trino/config.properties").read_text().splitlines()
    config = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    own = trino_properties(8080, 1024)
    assert config.keys() <= own.keys()
    for name in ("catalog.management", "catalog.store", "coordinator", "http-server.http.port"):
        assert config[name] == str(own[name])
    charted = dict(line.split("=") for line in values(project, "trino")["additionalConfigProperties"])
    assert charted == {name: own[name] for name in ("catalog.management", "catalog.store")}
    assert "LAKEKIT_S3_ACCESS_KEY" in services["trino"]["environment"]


def test_no_secret_has_a_default_and_none_is_in_git(project: Path, services: dict[str, Any]) -> None:
    compose = (project / "docker-compose.yml").read_text()
    asked = re.findall(r"\$\{(\w+)([^}]*)\}", compose)
    assert {rest for _, rest in asked} == {":?is not set, see .env.example"}
    lines = (project / ".env.example").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == list(
        dict.fromkeys(f"{name}=" for name, _ in asked)
    )
    assert ".env" in (project / ".gitignore").read_text().splitlines()
    assert ".env" in (project / ".dockerignore").read_text().splitlines()
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            if value is None:  # only what .env has
                assert f"# {name}=" in (project / ".env.example").read_text()
            elif SECRET.search(name) and "urn:" not in value:
                assert re.fullmatch(r"\$\{\w+:\?[^}]*\}", value), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    # In values there are names of secrets alone.
    for file in (project / "deploy").rglob("*.yaml"):
        for line in file.read_text().splitlines():
            if SECRET.search(line) and not line.lstrip().startswith("#"):
                assert re.search(
                    r"lake-(s3|minio|postgres|cube|airbyte)|LAKEKIT_S3|postgresql-password|userSecretKey|Secret(Ref)?:$|Secret: false|env: |secret:$",
                    line,
                ), line
    # What charts would come with: MinIO an administrator, Airbyte a Postgres and a MinIO of its own, all with known passwords.
    assert values(project, "minio")["users"] == []
    airbyte = values(project, "airbyte")
    assert not airbyte["postgresql"]["enabled"]
    assert not airbyte["minio"]["enabled"]
    buckets = {bucket["name"] for bucket in values(project, "minio")["buckets"]}
    assert buckets == {BUCKET, *airbyte["global"]["storage"]["bucket"].values()}


def test_on_kubernetes_dagster_follows_the_airbyte_beside_it(project: Path, services: dict[str, Any]) -> None:
    [lake] = values(project, "dagster")["dagster-user-deployments"]["deployments"]
    # The code server has all of it, and a run what the code server has.
    assert lake["includeConfigInLaunchedRuns"] == {"enabled": True}
    readme = (project / "deploy/README.md").read_text()
    made = dict(re.findall(r"^kubectl create secret generic (\S+)((?:.*\\\n)*.*)$", readme, re.MULTILINE))
    given = [secret["name"] for secret in lake["envSecrets"]]
    variables = {one["name"] for one in lake["env"]}
    for name in given:
        variables |= set(re.findall(r"--from-literal=(\w+)=", made[name]))
    # What compose gives the project, but for Dagster's Postgres, whose chart has a value for it.
    told = services["dagster-code"]["environment"]
    assert {name for name in told if name.startswith("LAKEKIT_")} <= variables
    # It is there, under the address that the chart gives it, before Dagster begins to wait for the secret.
    [url] = [one["value"] for one in lake["env"] if one["name"] == "LAKEKIT_AIRBYTE__URL"]
    assert url == "http://airbyte-airbyte-server-svc:8001"
    steps = [
        readme.index(step)
        for step in ("helm install airbyte ", "secret generic lake-airbyte", "helm install dagster ")
    ]
    assert steps == sorted(steps)


def test_values_have_a_development_cluster_s_resources_and_a_small_profile(project: Path) -> None:
    airbyte, trino = values(project, "airbyte"), values(project, "trino")
    assert airbyte["server"]["resources"] == {
        "requests": {"cpu": "250m", "memory": "512Mi"},
        "limits": {"cpu": "1", "memory": "2Gi"},
    }
    assert airbyte["worker"]["resources"] == {
        "requests": {"cpu": "500m", "memory": "1Gi"},
        "limits": {"cpu": "2", "memory": "4Gi"},
    }
    assert trino["coordinator"]["resources"] == {
        "requests": {"cpu": "1", "memory": "10Gi"},
        "limits": {"cpu": "1", "memory": "12Gi"},
    }
    charts = sorted(file.stem for file in (project / "deploy/helm").glob("*.yaml"))
    assert charts == ["airbyte", "dagster", "minio", "nessie", "trino"]
    for chart in charts:
        asked = dict(resources(values(project, chart)))
        small = dict(resources(values(project, chart, small=True)))
        assert small
        assert all(small[place] <= asked[place] for place in small), chart
    least = dict(resources(values(project, "trino", small=True)))
    assert least[".coordinator.resources.limits.memory"] == 2 * 2**30


def test_compose_takes_the_file_and_says_what_is_missing(project: Path, tmp_path: Path) -> None:
    here = shutil.copytree(project, tmp_path / "shop")
    compose = compose_command()
    environment = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}

    def config() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*compose, "config"], cwd=here, env=environment, capture_output=True, text=True, check=False
        )

    for content in (None, (here / ".env.example").read_text()):
        if content is not None:
            (here / ".env").write_text(content)
        refused = config()
        assert refused.returncode != 0
        assert "see .env.example" in refused.stderr
    (here / ".env").write_text(
        re.sub(r"=$", "=made-up", (here / ".env.example").read_text(), flags=re.MULTILINE)
    )
    taken = config()
    assert taken.returncode == 0, taken.stderr
    assert yaml.safe_load(taken.stdout)["services"].keys() >= {
        "minio",
        "postgres",
        "nessie",
        "trino",
        "dagster-code",
        "dagster-webserver",
        "dagster-daemon",
        "cube",
    }
