"""From a CI's token to a token of this registry: for the robot's rights, and for no longer than the trust says."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from orlop.bootstrap.server.sign_in import Sources
from orlop.config import ConfigurationInvalid
from orlop.config.workload import Trusts, check_trusts
from orlop.domain.access import Action
from orlop.domain.access.scopes import parse_scopes
from orlop.domain.errors import Denied, Unauthorized
from orlop.domain.identity.authorization import Basic
from orlop.domain.identity.trusts import KIND
from orlop.ports.clock import SECOND
from orlop.ports.identity import AccountChange, Document
from orlop.services.identity.workload import Workloads
from tests.unit.sign_in.scene import HOME, Scene, basic, bearer
from tests.workload.issuers import AUDIENCE, Issuer, github, github_claims, running
from tests.workload.scene import ROBOT
from tests.workload.scene import Scene as Trusting


@asynccontextmanager
async def signing_in(issuer: Issuer, **fields: Any) -> AsyncGenerator[Scene, None]:
    """A registry with a robot that may push below `team`, and workflows of one repository trusted to be it."""
    scene, trusting = Scene(), Trusting()
    source = Workloads(scene.identity.documents, trusting.issuers, trusting.sts, scene.clock, trusting.refusals.append)
    scene.sources = Sources((), (source,), scene.failures.append)
    scene.close()
    scene.sign_in = scene.worker()
    async with running(issuer):
        body = {
            "kind": "oidc",
            "preset": "github",
            "robot": ROBOT,
            "audience": AUDIENCE,
            "issuer": issuer.url,
            "claims": {"repository": "octo-org/octo-repo"},
            **fields,
        }
        await scene.identity.documents.put(Document(KIND, "main", msgspec.json.encode(body)), scene.by())
        await scene.robot(ROBOT)
        await scene.grant(ROBOT, "publisher", "team/*")
        yield scene
    scene.close()


def now(scene: Scene) -> int:
    """Seconds since 1970."""
    return scene.clock.now() // SECOND


@pytest.mark.parametrize(("minutes", "seconds"), [(1, 60), (3, 180), (60, 300)])
async def test_docker_login_with_the_ci_s_token(minutes: int, seconds: int) -> None:
    issuer = github()
    async with signing_in(issuer, minutes=minutes) as scene:
        token = issuer.token(github_claims(now(scene)))
        proof = await scene.sign_in.authentication.proof(Basic("oidc", token), address=HOME, request="r-1")
        assert proof.subject.name == ROBOT
        assert proof.subject.credential == "trust main: repo:octo-org/octo-repo:environment:prod"
        caller = await scene.caller(basic("oidc", token))
        minted = await scene.sign_in.tokens.mint(
            caller, parse_scopes(["repository:team/app:pull,push", "repository:other/app:pull"]), until=proof.ends
        )
        assert minted.expires_in == seconds, "the shorter of what the trust and the registry allow"
        assert [(allowance.name, allowance.actions) for allowance in minted.access] == [("team/app", ("pull", "push"))]
        assert await scene.sign_in.tokens.keep(caller, token, "docker") == "", "nothing is kept for later"
        by_token = await scene.caller(bearer(minted.token))
        assert by_token.subject.credential == caller.subject.credential
        await scene.access.check(by_token, Action.PUSH_NEW, repository="team/app")
        scene.clock.forward(seconds + 61)
        with pytest.raises(Unauthorized):
            await scene.caller(bearer(minted.token))


async def test_the_ci_s_token_is_good_without_a_detour_too() -> None:
    issuer = github()
    async with signing_in(issuer) as scene:
        token = issuer.token(github_claims(now(scene)))
        for header in (basic("oidc", token), bearer(token)):
            caller = await scene.caller(header)
            await scene.access.check(caller, Action.PUSH_NEW, repository="team/app")
            with pytest.raises(Denied):
                await scene.access.check(caller, Action.DELETE, repository="team/app")


async def test_a_robot_that_is_disabled_or_gone_stays_out() -> None:
    issuer = github()
    async with signing_in(issuer) as scene:
        token = issuer.token(github_claims(now(scene)))
        caller = await scene.caller(basic("oidc", token))
        await scene.identity.accounts.change(ROBOT, AccountChange(disabled="leaked"), scene.by())
        with pytest.raises(Unauthorized, match="disabled: leaked"):
            await scene.caller(basic("oidc", token))
        with pytest.raises(Unauthorized, match="disabled"):
            await scene.access.check(caller, Action.PULL, repository="team/app")
        await scene.identity.accounts.remove(ROBOT, scene.by())
        with pytest.raises(Unauthorized, match="is gone"):
            await scene.caller(basic("oidc", token))


async def test_a_trust_that_is_removed_ends_at_once() -> None:
    issuer = github()
    async with signing_in(issuer) as scene:
        token = issuer.token(github_claims(now(scene)))
        await scene.caller(basic("oidc", token))
        await scene.identity.documents.remove(KIND, "main", scene.by())
        with pytest.raises(Unauthorized, match="nobody here vouches for this token"):
            await scene.caller(basic("oidc", token))


async def test_a_refusal_is_recorded_under_its_request_and_reference() -> None:
    issuer = github()
    async with signing_in(issuer) as scene:
        with pytest.raises(Unauthorized) as refused:
            await scene.caller(basic("oidc", issuer.token(github_claims(now(scene), repository="evil-org/octo-repo"))))
        (failure,) = scene.failures
        assert refused.value.message in repr(failure)
        assert "r-1" in repr(failure)


@pytest.mark.parametrize("endpoint", ["", "https://sts.example.com", "http://127.0.0.1:8080/"])
def test_endpoints_that_can_be_asked(endpoint: str) -> None:
    check_trusts(Trusts(sts_endpoint=endpoint))


@pytest.mark.parametrize(
    "endpoint",
    ["sts.example.com", "ftp://sts.example.com", "https://", "https://a/b", "https://a?b", "http://[", "x y"],
)
def test_endpoints_that_cannot(endpoint: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"trusts\.sts_endpoint"):
        check_trusts(Trusts(sts_endpoint=endpoint))
