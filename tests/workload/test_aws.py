"""Principals of AWS: questions signed by botocore, and answered by a service that checks every signature."""

import base64
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, urlencode

import pytest
from aiohttp import web
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from orlop.domain.errors import Unauthorized, Unavailable
from orlop.ports.clock import SECOND
from tests.clientside.loopback import serving
from tests.workload.issuers import AUDIENCE
from tests.workload.scene import NOW, ROBOT, Scene
from tests.workload.sts import ACCOUNT, Key, Sts

KEY = "ASIAIOSFODNN7EXAMPLE"
SECRET = Credentials(KEY, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "session/+=token")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ci-*"


def question(
    *,
    server: str = AUDIENCE,
    host: str = "sts.eu-central-1.amazonaws.com",
    region: str = "eu-central-1",
    credentials: Credentials = SECRET,
    at: float = NOW,
    expires: int = 600,
    action: str = "GetCallerIdentity",
    extra: str = "",
    headers: dict[str, str] | None = None,
) -> str:
    """The URL of a presigned question, signed at a time of the test's own."""
    given = {"x-orlop-server-id": server} if headers is None else headers
    request = AWSRequest("GET", f"https://{host}/?Action={action}&Version=2011-06-15{extra}", headers=given)
    moment = datetime.fromtimestamp(at, UTC)
    with mock.patch("botocore.auth.get_current_datetime", return_value=moment.replace(tzinfo=None)):
        SigV4QueryAuth(credentials, "sts", region, expires=expires).add_auth(request)
    return str(request.url)


def token(url: str) -> str:
    """As clients send it."""
    return "orlop-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


@asynccontextmanager
async def a_scene(principal: str = ROLE, **fields: Any) -> AsyncGenerator[tuple[Scene, Sts], None]:
    """A registry that trusts roles of an account, and the service that knows them."""
    sts = Sts(NOW)
    async with serving(sts.handle) as server:
        scene = Scene(endpoint=server.url)
        await scene.trust("aws", kind="aws-iam", principal=principal, **fields)
        yield scene, sts


async def test_a_role_becomes_the_robot() -> None:
    async with a_scene(minutes=10) as (scene, _):
        vouched = await scene.workloads.verify(token(question()))
        assert vouched is not None
        assert vouched.account == ROBOT
        assert vouched.credential == f"trust aws: arn:aws:sts::{ACCOUNT}:assumed-role/ci-push/i-0123456789abcdef0"
        assert vouched.expires_at == (NOW + 600) * SECOND


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("sts.us-east-1.amazonaws.com", "us-east-1"),
        ("sts.ap-southeast-2.amazonaws.com", "ap-southeast-2"),
        ("sts.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("sts-fips.us-east-1.amazonaws.com", "us-east-1"),
        ("sts.cn-northwest-1.amazonaws.com.cn", "cn-northwest-1"),
    ],
)
async def test_every_kind_of_regional_endpoint(host: str, region: str) -> None:
    async with a_scene() as (scene, _):
        assert await scene.workloads.verify(token(question(host=host, region=region))) is not None


async def test_a_user_with_a_key_that_lasts() -> None:
    async with a_scene(f"arn:aws:iam::{ACCOUNT}:user/ops/ci") as (scene, sts):
        sts.keys["AKIAIOSFODNN7EXAMPLE"] = Key("secret", f"arn:aws:iam::{ACCOUNT}:user/ops/ci")
        asked = token(question(credentials=Credentials("AKIAIOSFODNN7EXAMPLE", "secret")))
        assert await scene.workloads.verify(asked) is not None


async def test_of_two_registries_each_hears_its_own_question() -> None:
    async with a_scene() as (scene, sts):
        await scene.trust("a", kind="aws-iam", principal=ROLE, audience="a.example.com", robot="robot+a")
        vouched = await scene.workloads.verify(token(question()))
        assert vouched is not None
        assert vouched.account == ROBOT
        vouched = await scene.workloads.verify(token(question(server="a.example.com")))
        assert vouched is not None
        assert vouched.account == "robot+a"
        assert sts.asked == 3


def _with(url: str, **changed: str | None) -> str:
    base, _, query = url.partition("?")
    fields = dict(parse_qsl(query)) | changed
    return f"{base}?{urlencode({name: value for name, value in fields.items() if value is not None})}"


#: Questions that AWS is not even asked.
NOT_ASKED: dict[str, Callable[[], str]] = {
    "another host": lambda: question(host="sts.eu-central-1.amazonaws.com.evil.example"),
    "a host of one's own": lambda: question(host="sts.evil.example"),
    "a host that ends alike": lambda: question(host="evil-sts.eu-central-1.amazonaws.com"),
    "an address": lambda: question(host="169.254.169.254"),
    "a bucket": lambda: question(host="sts.s3.amazonaws.com"),
    "the endpoint without a region": lambda: question(host="sts.amazonaws.com", region="us-east-1"),
    "China without its domain": lambda: question(host="sts.cn-north-1.amazonaws.com", region="cn-north-1"),
    "a port": lambda: question(host="sts.eu-central-1.amazonaws.com:8443"),
    "a user before the host": lambda: question().replace("https://", "https://ada@"),
    "plain http": lambda: question().replace("https://", "http://"),
    "a path": lambda: question().replace("/?", "/path?"),
    "a fragment": lambda: question() + "#x",
    "another action": lambda: question(action="GetSessionToken"),
    "another action beside it": lambda: question() + "&Action=AssumeRole",
    "a parameter more": lambda: question(extra="&RoleArn=x"),
    "another version": lambda: _with(question(), Version="2012-01-01"),
    "another algorithm": lambda: _with(question(), **{"X-Amz-Algorithm": "AWS4-ECDSA-P256-SHA256"}),
    "another service": lambda: _with(
        question(), **{"X-Amz-Credential": f"{KEY}/20961002/eu-central-1/iam/aws4_request"}
    ),
    "another region": lambda: question(region="us-east-1"),
    "the date of another day": lambda: _with(question(), **{"X-Amz-Date": "20200101T000000Z"}),
    "a date that is none": lambda: _with(question(), **{"X-Amz-Date": "20201399T999999Z"}),
    "a signature that is none": lambda: _with(question(), **{"X-Amz-Signature": "x" * 64}),
    "no signature": lambda: _with(question(), **{"X-Amz-Signature": None}),
    "no date": lambda: _with(question(), **{"X-Amz-Date": None}),
    "an expiry that is none": lambda: _with(question(), **{"X-Amz-Expires": "-1"}),
    "an endless expiry": lambda: _with(question(), **{"X-Amz-Expires": "9" * 30}),
    "not bound to any registry": lambda: question(headers={}),
    "bound to a cluster": lambda: question(headers={"x-k8s-aws-id": AUDIENCE}),
    "another header signed, too": lambda: question(headers={"x-orlop-server-id": AUDIENCE, "x-more": "1"}),
    "signed long ago": lambda: question(at=NOW - 901, expires=3600),
    "signed before its own expiry": lambda: question(at=NOW - 61, expires=60),
    "signed in the future": lambda: question(at=NOW + 120),
    "too long": lambda: question(credentials=Credentials(KEY, "s", "t" * 9000)),
    "nothing": lambda: "",
    "no URL": lambda: "GetCallerIdentity",
    "a line in it": lambda: question() + "\r\nX-Evil: 1",
}


@pytest.mark.parametrize("name", NOT_ASKED)
async def test_what_is_not_exactly_that_question_is_not_sent(name: str) -> None:
    async with a_scene() as (scene, sts):
        with pytest.raises(Unauthorized):
            await scene.workloads.verify(token(NOT_ASKED[name]()))
        assert sts.asked == 0


@pytest.mark.parametrize("text", ["orlop-aws-v1.", "orlop-aws-v1.!!!", "orlop-aws-v1.aGVsbG8=", "orlop-aws-v1./w"])
async def test_what_is_no_question_at_all(text: str) -> None:
    async with a_scene() as (scene, sts):
        with pytest.raises(Unauthorized):
            await scene.workloads.verify(text)
        assert sts.asked == 0


#: Questions that AWS refuses, because its signature is about something else.
REFUSED: dict[str, Callable[[], str]] = {
    "signed for another registry": lambda: question(server="other.example.com"),
    "an unknown key": lambda: question(credentials=Credentials("ASIAIOSFODNN7UNKNOWN", "s", "t")),
    "a wrong secret": lambda: question(credentials=Credentials(KEY, "wrong", "session/+=token")),
    "no session token": lambda: question(credentials=Credentials(KEY, SECRET.secret_key)),
    "another session token": lambda: _with(question(), **{"X-Amz-Security-Token": "other"}),
    "another time under the same signature": lambda: _with(question(), **{"X-Amz-Expires": "900"}),
    "another signature": lambda: _with(question(), **{"X-Amz-Signature": "0" * 64}),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_aws_refuses_is_refused(name: str) -> None:
    async with a_scene() as (scene, sts):
        with pytest.raises(Unauthorized, match="AWS does not take the question"):
            await scene.workloads.verify(token(REFUSED[name]()))
        assert sts.asked == 1


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sts::210987654321:assumed-role/ci-push/session",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/session",
        f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/ci-push/session",
        f"arn:aws:iam::{ACCOUNT}:user/ci-push",
        f"arn:aws:iam::{ACCOUNT}:root",
        f"arn:aws:sts::{ACCOUNT}:federated-user/ci-push",
    ],
)
async def test_other_principals_stay_out_and_learn_nothing(arn: str) -> None:
    async with a_scene() as (scene, sts):
        sts.keys[KEY] = sts.keys[KEY]._replace(arn=arn)
        with pytest.raises(Unauthorized, match="no trust here accepts this principal") as refused:
            await scene.workloads.verify(token(question()))
        assert ACCOUNT not in refused.value.message
        assert ROLE in scene.said


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_when_aws_is_down_nobody_gets_in_and_all_may_come_back(status: int) -> None:
    async with a_scene() as (scene, sts):
        sts.answer = web.Response(status=status)
        with pytest.raises(Unavailable):
            await scene.workloads.verify(token(question()))


@pytest.mark.parametrize(
    "answer", [{}, {"GetCallerIdentityResponse": 1}, {"GetCallerIdentityResponse": {"GetCallerIdentityResult": {}}}]
)
async def test_an_answer_without_a_name_lets_nobody_in(answer: Any) -> None:
    async with a_scene() as (scene, sts):
        sts.answer = web.json_response(answer)
        with pytest.raises(Unavailable):
            await scene.workloads.verify(token(question()))


async def test_without_a_trust_for_aws_nothing_is_asked() -> None:
    scene = Scene()
    with pytest.raises(Unauthorized, match="no trust here is for AWS"):
        await scene.workloads.verify(token(question()))
