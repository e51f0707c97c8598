"""The remote backend: services that someone else runs, over TLS, that want to know who one is."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from lakekit import Lake
from lakekit.catalog.nessie_http import authorization
from lakekit.cli import main
from lakekit.demo.shop import Shop
from lakekit.errors import SettingsError, StackFailed, UsageError
from lakekit.landing import ConfiguredCatalog
from lakekit.scaffold import new
from lakekit.settings import Settings
from lakekit.stack import stack_of
from lakekit.stack.endpoints import NessieAuth

from .secured import CLIENT, PASSWORD, SECRET, USER, secured

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .secured import Secured


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with secured(tmp_path_factory.mktemp("company")) as running:
        yield running


@pytest.fixture
def project(company: Secured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that comes in with a JWT, and a client's credentials for Nessie."""
    made = new(tmp_path / "shop", engine="trino")
    told = company.lakekit_toml(
        trino_user=USER, nessie_client_id=CLIENT, nessie_token_uri=f"{company.identity.uri}/token"
    )
    (made / "lakekit.toml").write_text(told)
    for name, value in {
        "TRINO_TOKEN": company.identity.token(USER),
        "NESSIE_CLIENT_SECRET": SECRET,
        "S3_ACCESS_KEY": company.s3_access_key,
        "S3_SECRET_KEY": company.s3_secret_key,
    }.items():
        monkeypatch.setenv(f"LAKEKIT_REMOTE__{name}", value)
    monkeypatch.chdir(made)
    return made


def land_and_build(project: Path) -> int:
    """From messages to a core table on a branch, and published; how many orders there are."""
    shop = Shop(seed=3, orders=20)
    with Lake.connect(project) as lake:
        configured = ConfiguredCatalog.parse(shop.configured_catalog("shopify"))
        lake.land("shopify", configured, shop.messages("shopify", sync=1))
        with lake.branch() as work:
            report = work.build("+int_shopify__orders", exclude="test_type:data")
            assert report.ok, report.failures
            work.publish(unchecked=True)
        return int(lake.sql("select count(*) as n from core.int_shopify__orders").rows()[0]["n"])


def test_a_model_is_built_with_a_token_and_a_client_s_credentials(project: Path, company: Secured) -> None:
    given = company.identity.given
    assert land_and_build(project) > 0
    assert company.identity.given > given


def test_the_same_with_a_password_and_a_nessie_token(
    project: Path, company: Secured, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = company.lakekit_toml(trino_user=USER, trino=company.trino_behind_password)
    # Trino's own way to Nessie is by the same kind of credentials as ours.
    (project / "lakekit.toml").write_text(told)
    monkeypatch.delenv("LAKEKIT_REMOTE__TRINO_TOKEN")
    monkeypatch.delenv("LAKEKIT_REMOTE__NESSIE_CLIENT_SECRET")
    monkeypatch.setenv("LAKEKIT_REMOTE__TRINO_PASSWORD", PASSWORD)
    monkeypatch.setenv("LAKEKIT_REMOTE__NESSIE_TOKEN", company.identity.token(CLIENT))
    assert land_and_build(project) > 0


def test_the_command_line_starts_and_stops_nothing(project: Path, company: Secured) -> None:
    run = CliRunner().invoke
    assert company.trino in run(main, ["up"]).stderr
    status = run(main, ["status"])
    assert status.exit_code == 0, status.output
    assert "476" in status.stdout
    assert [line.split()[0] for line in status.stdout.splitlines()[1:]] == ["s3", "nessie", "trino"]
    assert run(main, ["doctor"]).exit_code == 0
    down = run(main, ["down"])
    assert down.exit_code == 2
    assert "did not start it" in down.stderr


def test_the_doctor_sees_who_is_not_let_in(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEKIT_REMOTE__TRINO_TOKEN", "no.such.token")
    told = CliRunner().invoke(main, ["doctor"])
    assert told.exit_code == 1
    assert f"does not let {USER} in" in told.stdout


def test_a_store_that_does_not_let_one_in_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEKIT_REMOTE__S3_SECRET_KEY", "guessed")
    up = CliRunner().invoke(main, ["up"])
    assert up.exit_code == 1
    assert "does not let these keys into the bucket 'lake'" in up.stderr
    assert "guessed" not in up.output
    status = CliRunner().invoke(main, ["status"])
    assert status.exit_code == 1
    assert "does not let these keys" in status.stderr
    assert "does not let these keys" in CliRunner().invoke(main, ["doctor"]).stdout


def test_a_store_that_does_not_answer_is_named(project: Path, company: Secured) -> None:
    settings = project / "lakekit.toml"
    settings.write_text(settings.read_text().replace(company.s3, "https://127.0.0.1:9"))
    with pytest.raises(StackFailed, match=r"No S3 store answers at https://127\.0\.0\.1:9"):
        stack_of(Settings.load(project)).up()


def test_a_bucket_that_is_not_there_is_named(project: Path, company: Secured) -> None:
    elsewhere = company.bucket.rename(company.bucket.parent.parent / "elsewhere")
    try:
        with pytest.raises(StackFailed, match=f"{company.s3} has no bucket 'lake'"):
            stack_of(Settings.load(project)).up()
    finally:
        elsewhere.rename(company.bucket)
    stack_of(Settings.load(project)).up()


def test_certificates_lie_where_the_project_says(project: Path, company: Secured) -> None:
    (project / "ca.pem").write_bytes(company.ca.read_bytes())
    (project / "lakekit.toml").write_text(company.lakekit_toml(ca="ca.pem"))
    assert Settings.load(project / "orchestration").remote.ca == project / "ca.pem"
    (project / "lakekit.toml").write_text(company.lakekit_toml(ca="gone.pem"))
    with pytest.raises(SettingsError, match="no certificates at"):
        stack_of(Settings.load(project))


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("TRINO_TOKEN", "no.such.token", f"does not let {USER} in"),
        ("NESSIE_CLIENT_SECRET", "guessed", "does not accept the credentials"),
    ],
)
def test_who_is_not_let_in_is_told_by_whom(
    project: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(f"LAKEKIT_REMOTE__{variable}", value)
    with pytest.raises(StackFailed, match=told) as caught, Lake.connect(project) as lake:
        lake.sql("select 1")
    assert "LAKEKIT_REMOTE__" in caught.value.todo
    assert value not in str(caught.value)


def test_a_certificate_of_an_unknown_ca_is_refused(project: Path, company: Secured) -> None:
    settings = (project / "lakekit.toml").read_text().replace(f'ca = "{company.ca}"\n', "")
    (project / "lakekit.toml").write_text(settings)
    with pytest.raises(StackFailed, match="No Trino answers") as caught:
        Lake.connect(project)
    assert "certificate" in caught.value.why.lower()
    assert "remote.ca" in caught.value.todo


def test_a_token_server_of_an_unknown_ca_is_refused(company: Secured) -> None:
    client = NessieAuth(client_id=CLIENT, client_secret=SECRET, token_uri=f"{company.identity.uri}/token")
    assert authorization(client, str(company.ca))().startswith("Bearer ")
    with pytest.raises(StackFailed, match="gives no token for Nessie") as caught:
        authorization(client, "")()
    assert "certificate" in caught.value.why.lower()
    assert "remote.ca" in caught.value.todo


def test_a_token_is_asked_for_once_while_it_is_good(company: Secured) -> None:
    client = NessieAuth(client_id=CLIENT, client_secret=SECRET, token_uri=f"{company.identity.uri}/token")
    header, before = authorization(client, str(company.ca)), company.identity.given
    assert header() == header()
    assert company.identity.given == before + 1


def test_a_secret_in_the_file_is_refused(project: Path, company: Secured) -> None:
    (project / "lakekit.toml").write_text(company.lakekit_toml(trino_password=PASSWORD))
    with pytest.raises(SettingsError, match=r"holds the secret remote\.trino_password") as caught:
        Settings.load(project)
    assert "LAKEKIT_REMOTE__TRINO_PASSWORD" in caught.value.todo
    assert PASSWORD not in str(caught.value)


def test_what_contradicts_itself_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEKIT_REMOTE__TRINO_PASSWORD", PASSWORD)
    with pytest.raises(SettingsError, match="not both") as caught:
        stack_of(Settings.load(project))
    assert PASSWORD not in str(caught.value)
    # Secrets that lie about are nothing to a project that is not remote.
    (project / "lakekit.toml").write_text("")
    assert Settings.load(project).backend is None
    (project / "lakekit.toml").write_text('backend = "remote"\n')
    for name in ("TRINO_PASSWORD", "TRINO_TOKEN", "NESSIE_CLIENT_SECRET", "S3_ACCESS_KEY", "S3_SECRET_KEY"):
        monkeypatch.delenv(f"LAKEKIT_REMOTE__{name}")
    with pytest.raises(SettingsError, match=r"not set: remote\.trino, remote\.nessie, remote\.s3"):
        stack_of(Settings.load(project))


def test_an_ephemeral_remote_stack_is_refused(project: Path) -> None:
    with pytest.raises(UsageError, match="what is in it stays"):
        stack_of(Settings.load(project)).up(ephemeral=True)


def test_services_that_are_too_old_are_named(
    company: Secured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: dict[str, Any] = {
        "/v1/info": {"nodeVersion": {"version": "435"}, "starting": False},
        "/api/v2/config": {"maxSupportedApiVersion": 1},
    }

    class Old(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answers[self.path]).encode())

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Old)
    Thread(target=server.serve_forever, daemon=True).start()
    uri = f"http://127.0.0.1:{server.server_address[1]}"
    (tmp_path / "lakekit.toml").write_text(company.lakekit_toml(trino=uri, nessie=uri))
    monkeypatch.setenv("LAKEKIT_REMOTE__S3_ACCESS_KEY", "a")
    monkeypatch.setenv("LAKEKIT_REMOTE__S3_SECRET_KEY", "b")
    try:
        with pytest.raises(StackFailed, match="is 435") as caught:
            Lake.connect(tmp_path)
        assert "needs 476" in caught.value.why
        answers["/v1/info"]["nodeVersion"]["version"] = "476-special"
        with pytest.raises(StackFailed, match="does not speak its API v2"):
            Lake.connect(tmp_path)
    finally:
        server.shutdown()
        server.server_close()
