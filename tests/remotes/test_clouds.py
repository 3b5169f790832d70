"""What clouds lend for their registries: renewed in time, by one question, for a key or for the machine itself."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from orlop.adapters.upstream.ecr import AccessKey, EcrLender
from orlop.adapters.upstream.transport import Answer, Call
from orlop.domain.errors import TooManyRequests, Unauthorized, Unavailable
from orlop.domain.identity.secret_references import SecretPlaces
from orlop.domain.upstreams.budget import Need
from orlop.domain.upstreams.clouds import EcrApi, azure_audience, azure_tokens, ecr_api
from orlop.ports.upstream import UpstreamError
from tests.remotes.clouds import Azure, AzureOfAMachine, Ecr, Google, GoogleOfAMachine
from tests.remotes.scene import pooling
from tests.remotes.systems import IMAGE


@pytest.mark.parametrize(
    ("host", "api", "region"),
    [
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "api.ecr.eu-west-1.amazonaws.com", "eu-west-1"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "api.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", "api.ecr-fips.us-east-1.amazonaws.com", "us-east-1"),
        ("123456789012.dkr-ecr.us-west-2.on.aws", "ecr.us-west-2.api.aws", "us-west-2"),
        ("public.ecr.aws", "api.ecr-public.us-east-1.amazonaws.com", "us-east-1"),
        ("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "api.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
    ],
)
def test_the_api_of_ecr_is_told_by_the_host(host: str, api: str, region: str) -> None:
    found = ecr_api(host)
    assert found is not None
    assert (found.url, found.region) == (f"https://{api}/", region)
    assert found.service == ("ecr-public" if host == "public.ecr.aws" else "ecr")


@pytest.mark.parametrize(
    "host", ["mirror.example.org", "x.dkr.ecr.eu-central-1.amazonaws.com", "123456789012.dkr.ecr.a.b.amazonaws.com"]
)
def test_elsewhere_the_region_has_to_be_said(host: str) -> None:
    assert ecr_api(host) is None
    assert ecr_api(host, "eu-west-1") == EcrApi("https://api.ecr.eu-west-1.amazonaws.com/", "eu-west-1")
    assert ecr_api(host, "cn-north-1") == EcrApi("https://api.ecr.cn-north-1.amazonaws.com.cn/", "cn-north-1")


def test_tokens_of_azure_are_had_in_the_cloud_of_the_registry() -> None:
    assert azure_tokens("x.azurecr.io", "t") == "https://login.microsoftonline.com/t/oauth2/v2.0/token"
    assert azure_tokens("x.azurecr.us", "t") == "https://login.microsoftonline.us/t/oauth2/v2.0/token"
    assert azure_audience("x.azurecr.cn") == "https://management.chinacloudapi.cn"


async def test_a_password_of_ecr_is_renewed_before_its_end_by_one_question() -> None:
    system = Ecr()
    async with system.running() as url, pooling() as hands:

        async def ask() -> None:
            remote = await hands.at(url, system.repository, **system.fields())
            assert (await remote.resolve("1")).digest == IMAGE.digest

        await asyncio.gather(*(ask() for _ in range(20)))
        assert system.sign_ins == 1
        hands.later = 43_200 - 400
        await asyncio.gather(*(ask() for _ in range(20)))
        assert system.sign_ins == 1
        hands.later = 43_200 - 290
        await asyncio.gather(*(ask() for _ in range(20)))
        assert system.sign_ins == 2
    assert system.faults == []


async def test_while_aws_is_away_a_password_is_used_to_its_end() -> None:
    class Away(Ecr):
        away = False

        async def lend(self, request: web.Request) -> web.StreamResponse:
            return web.Response(status=503) if self.away else await super().lend(request)

    system = Away()
    async with system.running() as url, pooling() as hands:
        remote = await hands.at(url, system.repository, **system.fields())
        await remote.resolve("1")
        system.away = True
        hands.later = 43_200 - 200
        assert (await remote.resolve("1")).digest == IMAGE.digest
        hands.later = 43_200 + 1
        with pytest.raises(Unavailable, match=r"^signing in at 127\.0\.0\.1:[0-9]+: the registry answered 503"):
            await remote.resolve("1")
        system.away = False
        assert (await remote.resolve("1")).digest == IMAGE.digest
    assert system.sign_ins == 2


class _PublicEcr(Ecr):
    region, aws_service = "us-east-1", "ecr-public"
    target = "SpencerFrontendService.GetAuthorizationToken"

    def data(self, granted: dict[str, Any]) -> Any:
        return granted


async def test_the_public_registry_of_amazon_has_an_api_of_its_own() -> None:
    system = _PublicEcr()
    async with system.running() as url, pooling() as hands:
        remote = await hands.at(url)  # for its way to ask
        async with hands.pool.connected(remote._showing, remote._origin, Need.FIRST) as repository:  # type: ignore[attr-defined]
            ask = repository._connection.ask

            async def key() -> AccessKey:
                return AccessKey(system.user, system.password)

            lent = await EcrLender(ask, EcrApi(f"{url}/lend", "us-east-1", "ecr-public"), key, time.time)()
    assert lent.credentials.username == "AWS"
    assert lent.seconds == pytest.approx(43_200, abs=60)
    assert system.faults == []


async def test_aws_that_wants_fewer_questions_is_not_taken_for_a_refusal() -> None:
    async def ask(call: Call) -> Answer:
        body = b'{"__type":"com.amazonaws#ThrottlingException","message":"Rate exceeded"}'
        return Answer(400, "Bad Request", {}, body, call.url)

    async def key() -> AccessKey:
        return AccessKey("a", "b")

    with pytest.raises(TooManyRequests, match="Rate exceeded"):
        await EcrLender(ask, EcrApi("https://api.example/", "eu-west-1"), key, time.time)()


async def test_the_keys_of_this_machine_sign_where_no_user_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    system = Ecr()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", system.user)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", system.password)
    async with system.running() as url, pooling() as hands:
        fields = {"sign_in": "ecr", "region": system.region, "sign_in_url": f"{url}/lend"}
        remote = await hands.at(url, system.repository, **fields)
        assert (await remote.resolve("1")).digest == IMAGE.digest
    assert system.faults == []


async def test_a_machine_without_keys_of_aws_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    system = Ecr()
    async with system.running() as url, pooling() as hands:
        remote = await hands.at(url, system.repository, sign_in="ecr", region=system.region)
        with pytest.raises(UpstreamError, match=r"^this machine has no credentials of AWS; give the upstream a user"):
            await remote.resolve("1")


async def test_google_is_asked_for_a_token_an_hour() -> None:
    system = Google()
    async with system.running() as url, pooling() as hands:
        remote = await hands.at(url, system.repository, **system.fields())
        for later in (0, 301, 3000, 3300):
            hands.later = later
            await remote.resolve("1")
    assert (system.questions, system.sign_ins) == (2, 4)
    assert system.faults == []


async def test_the_service_account_of_this_machine_is_asked_for_where_no_user_is_given() -> None:
    system = GoogleOfAMachine()
    async with system.running() as url:
        async with pooling(environment={"GCE_METADATA_HOST": system.authority}) as hands:
            remote = await hands.at(url, system.repository, **system.fields())
            assert (await remote.resolve("1")).digest == IMAGE.digest
        assert (system.questions, system.faults) == (1, [])
        async with pooling(environment={"GCE_METADATA_HOST": "127.0.0.1:1"}) as hands:
            with pytest.raises(UpstreamError, match=r"^Google's metadata server cannot be reached; give the upstream"):
                await (await hands.at(url, system.repository, **system.fields())).resolve("1")


async def test_azure_exchanges_anew_before_its_token_ends() -> None:
    system = Azure()
    async with system.running() as url, pooling() as hands:
        remote = await hands.at(url, system.repository, **system.fields())
        for later in (0, 100, 10_000, 10_600):
            hands.later = later
            await remote.resolve("1")
    assert (system.questions, system.sign_ins) == (2, 4)
    assert system.faults == []


async def test_a_directory_of_azure_that_the_registry_does_not_know_is_told() -> None:
    system = Azure()
    async with system.running() as url, pooling() as hands:
        remote = await hands.at(url, system.repository, **(system.fields() | {"tenant": "other.example.org"}))
        with pytest.raises(Unauthorized, match=r"^127\.0\.0\.1 gives no token: unauthorized; look at the user"):
            await remote.resolve("1")


async def test_the_identity_of_this_machine_signs_in_to_azure(tmp_path: Path) -> None:
    system = AzureOfAMachine()
    async with system.running() as url, pooling(environment={"AZURE_POD_IDENTITY_AUTHORITY_HOST": url}) as hands:
        remote = await hands.at(url, system.repository, **system.fields())
        assert (await remote.resolve("1")).digest == IMAGE.digest
    assert (system.questions, system.faults) == (1, [])


async def test_the_workload_identity_of_a_pod_signs_in_to_azure(tmp_path: Path) -> None:
    class Federated(Azure):
        async def lend(self, request: web.Request) -> web.StreamResponse:
            fields = await self.form(request)
            assertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            if (fields["client_assertion"], fields["client_assertion_type"]) != ("token-of-a-pod", assertion):
                return self.fault(f"{fields}")
            return self.lend_entra() if fields["client_id"] == "client" else self.fault(f"{fields}")

    system, file = Federated(), tmp_path / "token"
    file.write_text("token-of-a-pod\n")
    environment = {
        "AZURE_FEDERATED_TOKEN_FILE": str(file),
        "AZURE_CLIENT_ID": "client",
        "AZURE_TENANT_ID": system.tenant,
    }
    async with system.running() as url, pooling(environment=environment) as hands:
        remote = await hands.at(url, system.repository, sign_in="azure", sign_in_url=f"{url}/lend")
        assert (await remote.resolve("1")).digest == IMAGE.digest
    assert system.faults == []


@pytest.mark.parametrize("kind", [Ecr, Google, Azure])
@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"access_token": 7}', b"\xff"])
async def test_nonsense_of_a_lender_is_no_token(kind: type[Ecr | Google | Azure], body: bytes) -> None:
    class Nonsense(kind):  # type: ignore[misc, valid-type]
        async def lend(self, request: web.Request) -> web.StreamResponse:
            return web.Response(body=body)

    system = Nonsense()
    async with system.running() as url, pooling() as hands:
        with pytest.raises(UpstreamError, match=r"^127\.0\.0\.1:[0-9]+ did not answer with a token$"):
            await (await hands.at(url, system.repository, **system.fields())).resolve("1")


async def test_no_key_of_a_service_account_in_a_file_is_told(tmp_path: Path) -> None:
    file, system = tmp_path / "key.json", Google()
    file.write_text(json.dumps({"client_email": "a@b", "private_key": "none"}))
    fields = {"user": "a@b", "password": f"file:{file}", "sign_in": "google"}
    async with system.running() as url, pooling(places=SecretPlaces((str(tmp_path),))) as hands:
        with pytest.raises(
            UpstreamError, match=r"^the password of the upstream is no key of a service account, as JSON$"
        ):
            await (await hands.at(url, system.repository, **fields)).resolve("1")
