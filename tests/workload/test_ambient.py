"""Who a program is by where it runs: each place as it is documented, and what happens where it fails."""

import base64
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from orlop.adapters.ambient import aws
from orlop.adapters.ambient.search import Ambient
from orlop.ports.ambient import AmbientSearch, AmbientUnusable, Surrounding
from tests.clientside.loopback import serving
from tests.workload.givers import MetadataServer, RunnerService
from tests.workload.issuers import AUDIENCE, Issuer, gitlab_claims, kubernetes_claims, running
from tests.workload.keys import public, rsa, sign
from tests.workload.scene import NOW, ROBOT, Scene
from tests.workload.sts import ACCOUNT, Sts

ANYWHERE = AmbientSearch()
TOKEN = sign({"iss": "https://gitlab.com", **gitlab_claims(NOW)}, rsa("key-1"))
#: Where nobody listens.
NO_GOOGLE = {"GCE_METADATA_HOST": "127.0.0.1:1"}


async def nothing(environment: dict[str, str], search: AmbientSearch = ANYWHERE) -> None:
    """There is no identity, and nobody complains."""
    assert await Ambient({**NO_GOOGLE, **environment}, "/nonexistent").find(AUDIENCE, search) is None


async def test_nowhere_there_is_no_identity() -> None:
    await nothing({})


async def test_a_workflow_of_github_gets_in() -> None:
    issuer = Issuer("/keys")
    runner = RunnerService(issuer, NOW)
    async with running(issuer), serving(runner.handle) as server:
        found = await Ambient(RunnerService.environment(server.host), "/nonexistent").find(AUDIENCE, ANYWHERE)
        assert found is not None
        assert (found.where, found.expires_at, runner.faults) == (Surrounding.GITHUB, NOW + 300, [])
        assert found.text not in repr(found)
        scene = Scene()
        await scene.trust(preset="github", issuer=issuer.url, claims={"repository": "octo-org/octo-repo"})
        assert await scene.workloads.verify(found.text) is not None


async def test_an_audience_cannot_bend_the_question() -> None:
    issuer = Issuer("/keys")
    runner = RunnerService(issuer, NOW)
    async with running(issuer), serving(runner.handle) as server:
        strange = "a&audience=b#c d%20"
        found = await Ambient(RunnerService.environment(server.host), "/nonexistent").find(strange, ANYWHERE)
        assert found is not None
        claims = base64.urlsafe_b64decode(found.text.split(".")[1] + "==")
        assert strange.encode() in claims
        assert runner.faults == []


async def test_a_job_that_may_not_ask_github_hears_what_to_do() -> None:
    with pytest.raises(AmbientUnusable, match="id-token: write"):
        await Ambient({"GITHUB_ACTIONS": "true"}, "/nonexistent").find(AUDIENCE, ANYWHERE)


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500},
        {"status": 302, "headers": {"Location": "/"}},
        {"text": "{}"},
        {"text": '{"value": "x"}'},
        {"text": '{"value": 7}'},
        {"text": '{"value": "a.b.c"}'},
        {"body": b"\xff"},
    ],
)
async def test_a_token_service_that_fails_is_told_of(answer: dict[str, Any]) -> None:
    runner = RunnerService(Issuer("/keys"), NOW)
    runner.answer = web.Response(**answer)
    async with serving(runner.handle) as server:
        with pytest.raises(AmbientUnusable):
            await Ambient(RunnerService.environment(server.host), "/nonexistent").find(AUDIENCE, ANYWHERE)


async def test_a_token_service_that_is_not_there_is_told_of() -> None:
    with pytest.raises(AmbientUnusable, match="cannot be reached"):
        await Ambient(RunnerService.environment("127.0.0.1:1"), "/nonexistent").find(AUDIENCE, ANYWHERE)


async def test_a_token_in_a_variable_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(sign({"iss": "https://k", **kubernetes_claims(NOW)}, rsa("key-1")) + "\n")
    places: list[tuple[dict[str, str], AmbientSearch, str]] = [
        ({"REGISTRY_ID_TOKEN": TOKEN}, ANYWHERE, TOKEN),
        ({"OTHER": TOKEN}, AmbientSearch(variable="OTHER"), TOKEN),
        ({"REGISTRY_ID_TOKEN_FILE": str(file)}, ANYWHERE, file.read_text().strip()),
        ({}, AmbientSearch(file=str(file)), file.read_text().strip()),
        ({"REGISTRY_ID_TOKEN": TOKEN}, AmbientSearch(file=str(file)), file.read_text().strip()),
    ]
    for environment, search, text in places:
        found = await Ambient(environment, "/nonexistent").find(AUDIENCE, search)
        assert found is not None
        assert (found.where, found.text) == (Surrounding.TOKEN, text)
    found = await Ambient({}, str(file)).find(AUDIENCE, ANYWHERE)
    assert found is not None
    assert found.expires_at == NOW + 3607


@pytest.mark.parametrize(
    ("environment", "search"),
    [
        ({}, AmbientSearch(variable="OTHER")),
        ({}, AmbientSearch(file="/nonexistent/token")),
        ({"REGISTRY_ID_TOKEN": "glpat-secret"}, ANYWHERE),
        ({"REGISTRY_ID_TOKEN_FILE": "/nonexistent"}, ANYWHERE),
        ({"REGISTRY_ID_TOKEN_FILE": "/"}, ANYWHERE),
        ({}, AmbientSearch(Surrounding.GITHUB)),
        ({}, AmbientSearch(Surrounding.TOKEN)),
        (NO_GOOGLE, AmbientSearch(Surrounding.GOOGLE)),
    ],
)
async def test_what_was_named_has_to_be_there(environment: dict[str, str], search: AmbientSearch) -> None:
    with pytest.raises(AmbientUnusable) as failed:
        await Ambient(environment, "/nonexistent").find(AUDIENCE, search)
    assert "glpat-secret" not in str(failed.value)


async def test_a_machine_of_google_gets_in() -> None:
    metadata = MetadataServer(NOW)
    async with serving(metadata.handle) as server:
        found = await Ambient({"GCE_METADATA_HOST": server.host}, "/nonexistent").find(AUDIENCE, ANYWHERE)
        assert found is not None
        assert (found.where, metadata.faults) == (Surrounding.GOOGLE, [])
        scene = Scene()
        email = {"email": "ci@project.iam.gserviceaccount.com"}
        await scene.trust(preset="google", claims=email, jwks={"keys": [public(rsa("google"))]})
        assert await scene.workloads.verify(found.text) is not None


async def test_a_server_that_is_not_google_s_is_not_believed() -> None:
    metadata = MetadataServer(NOW)
    metadata.flavor = {}
    async with serving(metadata.handle) as server:
        await nothing({"GCE_METADATA_HOST": server.host})


async def test_a_machine_of_google_without_an_account_is_told_of() -> None:
    metadata = MetadataServer(NOW)
    metadata.status = 404
    async with serving(metadata.handle) as server:
        with pytest.raises(AmbientUnusable, match="404"):
            await Ambient({"GCE_METADATA_HOST": server.host}, "/nonexistent").find(AUDIENCE, ANYWHERE)


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Those of a role, as a container or a CI job of AWS has them."""
    variables = {
        "AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_SESSION_TOKEN": "session/+=token",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name in ("AWS_PROFILE", "AWS_ROLE_ARN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


async def test_a_role_of_aws_gets_in_with_a_question_that_holds_no_secret(credentials: dict[str, str]) -> None:
    found = await Ambient(credentials, "/nonexistent").find(AUDIENCE, ANYWHERE)
    assert found is not None
    assert found.where is Surrounding.AWS
    url = base64.urlsafe_b64decode(found.text.removeprefix("orlop-aws-v1.") + "==").decode()
    assert url.startswith("https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity")
    assert credentials["AWS_SECRET_ACCESS_KEY"] not in url
    signed_at = float(found.expires_at - aws.LIFETIME)
    sts = Sts(signed_at + 1)
    async with serving(sts.handle) as server:
        scene = Scene(endpoint=server.url)
        scene.time.wall = signed_at + 1
        await scene.trust("aws", kind="aws-iam", principal=f"arn:aws:iam::{ACCOUNT}:role/ci-push")
        vouched = await scene.workloads.verify(found.text)
        assert vouched is not None
        assert vouched.account == ROBOT


async def test_china_has_a_domain_of_its_own(credentials: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-north-1")
    found = await Ambient(credentials, "/nonexistent").find(AUDIENCE, ANYWHERE)
    assert found is not None
    url = base64.urlsafe_b64decode(found.text.removeprefix("orlop-aws-v1.") + "==").decode()
    assert url.startswith("https://sts.cn-north-1.amazonaws.com.cn/?")


async def test_a_function_of_aws_says_its_region_in_another_variable(credentials: dict[str, str]) -> None:
    found = await Ambient({**credentials, "AWS_REGION": "ap-south-1"}, "/nonexistent").find(AUDIENCE, ANYWHERE)
    assert found is not None
    url = base64.urlsafe_b64decode(found.text.removeprefix("orlop-aws-v1.") + "==").decode()
    assert url.startswith("https://sts.ap-south-1.amazonaws.com/?")


async def test_credentials_of_aws_that_are_half_are_told_of(
    credentials: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(AmbientUnusable, match="AWS"):
        await Ambient(credentials, "/nonexistent").find(AUDIENCE, AmbientSearch(Surrounding.AWS))
