"""Tokens of well-known issuers as they really look: who gets in, and every forgery that has to stay out."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from orlop.domain.errors import RegistryError, Unauthorized
from orlop.ports.clock import SECOND
from tests.workload.issuers import (
    AUDIENCE,
    Issuer,
    github,
    github_claims,
    gitlab,
    gitlab_claims,
    google_claims,
    kubernetes,
    kubernetes_claims,
    running,
)
from tests.workload.keys import base64url, ec, okp, public, rsa, sign, sign_by_secret
from tests.workload.scene import NOW, ROBOT, Scene

GITHUB = {"repository": "octo-org/octo-repo", "environment": "prod", "ref": "refs/heads/main"}
GITLAB = {"project_path": "my-group/*", "ref_type": "branch", "ref": "feature-*"}
KUBERNETES = {"namespace": "my-namespace", "serviceaccount": "my-serviceaccount"}
GOOGLE = {"email": "ci@project.iam.gserviceaccount.com"}


@asynccontextmanager
async def a_scene(issuer: Issuer, preset: str, claims: dict[str, Any], **fields: Any) -> AsyncGenerator[Scene, None]:
    """A registry that trusts an issuer which runs."""
    async with running(issuer):
        scene = Scene()
        await scene.trust(preset=preset, issuer=issuer.url, claims=claims, **fields)
        yield scene


async def test_a_workflow_of_github_becomes_the_robot() -> None:
    issuer = github()
    async with a_scene(issuer, "github", GITHUB, minutes=7) as scene:
        token = issuer.token(github_claims(NOW))
        for _ in range(2):  # one token serves all requests of a job
            vouched = await scene.workloads.verify(token)
            assert vouched is not None
            assert vouched.account == ROBOT
            assert vouched.credential == "trust main: repo:octo-org/octo-repo:environment:prod"
            assert vouched.expires_at == (NOW + 7 * 60) * SECOND
        assert scene.refusals == []
        assert len(issuer.asked) == 2, "metadata and keys, once"


async def test_a_job_of_gitlab_becomes_the_robot() -> None:
    issuer = gitlab()
    async with a_scene(issuer, "gitlab", GITLAB) as scene:
        vouched = await scene.workloads.verify(issuer.token(gitlab_claims(NOW)))
        assert vouched is not None
        assert vouched.account == ROBOT


async def test_a_pod_of_a_cluster_becomes_the_robot() -> None:
    issuer = kubernetes()
    async with a_scene(issuer, "kubernetes", KUBERNETES) as scene:
        # A cluster's header has no typ.
        token = sign({"iss": issuer.url, **kubernetes_claims(NOW)}, rsa("key-1"), header={"typ": None})
        vouched = await scene.workloads.verify(token)
        assert vouched is not None
        assert vouched.credential == "trust main: system:serviceaccount:my-namespace:my-serviceaccount"


@pytest.mark.parametrize(
    "claims", [GOOGLE, {"google/compute_engine/project_number": "739419398126"}, {"sub": "107517467455664443766"}]
)
async def test_a_service_account_of_google_becomes_the_robot(claims: dict[str, Any]) -> None:
    scene = Scene()
    await scene.trust(preset="google", claims=claims, jwks={"keys": [public(rsa("google"))]})
    vouched = await scene.workloads.verify(sign(google_claims(NOW), rsa("google")))
    assert vouched is not None
    assert vouched.account == ROBOT


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa("key-1"), "RS384"),
        (rsa("key-1"), "PS256"),
        (ec("e"), "ES256"),
        (ec("f", "P-384"), "ES384"),
        (ec("g", "P-521"), "ES512"),
        (okp("o"), "EdDSA"),
        (okp("o"), "Ed25519"),
    ],
)
async def test_every_algorithm_that_a_trust_may_name(key: Any, algorithm: str) -> None:
    scene = Scene()
    jwks = {"keys": [public(key)]}
    issuer = "https://issuer.example.com"
    await scene.trust(issuer=issuer, claims={"sub": "machine"}, algorithms=[algorithm], jwks=jwks)
    claims = {"iss": issuer, "aud": AUDIENCE, "sub": "machine", "iat": NOW, "exp": NOW + 60}
    assert await scene.workloads.verify(sign(claims, key, algorithm=algorithm)) is not None


#: What is changed in a good token of GitHub, for a trust that asks for GITHUB.
OTHER_CLAIMS: dict[str, dict[str, Any]] = {
    "the same repository name elsewhere": {"repository": "evil-org/octo-repo", "repository_owner": "evil-org"},
    "an owner that begins alike": {"repository": "octo-org-evil/octo-repo"},
    "a repository that begins alike": {"repository": "octo-org/octo-repo2"},
    "another case": {"repository": "Octo-Org/octo-repo"},
    "a repository as a list of ours and theirs in one text": {"repository": "octo-org/octo-repo,evil/x"},
    "a repository within an object": {"repository": {"name": "octo-org/octo-repo"}},
    "no repository": {"repository": None},
    "a pull request": {
        "sub": "repo:octo-org/octo-repo:pull_request",
        "ref": "refs/pull/7/merge",
        "event_name": "pull_request",
        "environment": None,
    },
    "a pull request from a fork": {
        "sub": "repo:evil-org/octo-repo:pull_request",
        "repository": "evil-org/octo-repo",
        "ref": "refs/pull/7/merge",
        "head_ref": "main",
        "base_ref": "main",
    },
    "a branch named like the ref": {"ref": "refs/heads/refs/heads/main"},
    "a tag named like the branch": {"ref": "refs/tags/main", "ref_type": "tag"},
    "a branch that begins alike": {"ref": "refs/heads/main2"},
    "a bare branch": {"ref": "main"},
    "no environment": {"environment": None},
    "an empty environment": {"environment": ""},
    "another environment": {"environment": "dev"},
    "an environment that begins alike": {"environment": "production"},
    "an environment with a blank": {"environment": "prod "},
}


@pytest.mark.parametrize("name", OTHER_CLAIMS)
async def test_other_claims_stay_out_and_learn_nothing(name: str) -> None:
    issuer = github()
    async with a_scene(issuer, "github", GITHUB) as scene:
        with pytest.raises(Unauthorized) as refused:
            await scene.workloads.verify(issuer.token(github_claims(NOW, **OTHER_CLAIMS[name])))
        refusal = scene.refusals[-1]
        assert refusal.reference in refused.value.message
        assert refused.value.message.startswith("no trust here accepts a token with these claims")
        for secret in ("octo-org", "octo-repo", "prod", "refs/heads", ROBOT, "main:", "environment"):
            assert secret not in refused.value.message
        assert refusal.reasons[0].claim in GITHUB
        assert refusal.reasons[0].wanted == (GITHUB[refusal.reasons[0].claim],)


#: What is changed in a good token, and a word of what is said to whoever comes with it.
TIMES_AND_AUDIENCES: dict[str, tuple[dict[str, Any], str]] = {
    "another registry": ({"aud": "other.example.com"}, "audience"),
    "this registry and another": ({"aud": [AUDIENCE, "other.example.com"]}, "audience"),
    "the default audience of GitHub": ({"aud": "https://github.com/octo-org"}, "audience"),
    "an audience with a slash": ({"aud": f"{AUDIENCE}/"}, "audience"),
    "an audience with a scheme": ({"aud": f"https://{AUDIENCE}"}, "audience"),
    "an audience that begins alike": ({"aud": f"{AUDIENCE}.evil.example"}, "audience"),
    "an audience in another case": ({"aud": AUDIENCE.upper()}, "audience"),
    "no audience": ({"aud": None}, "audience"),
    "no audience in a list": ({"aud": []}, "audience"),
    "an audience that is a number": ({"aud": 5}, "audience"),
    "expired": ({"exp": NOW - 31}, "expired"),
    "expired long ago": ({"exp": 1}, "expired"),
    "no expiry": ({"exp": None}, "does not say"),
    "an expiry as text": ({"exp": str(NOW + 300)}, "no time"),
    "an expiry that is true": ({"exp": True}, "no time"),
    "an expiry in milliseconds": ({"exp": (NOW + 300) * 1000}, "no time"),
    "an expiry beyond all numbers": ({"exp": 1e308}, "no time"),
    "issued in the future": ({"iat": NOW + 60}, "not good yet"),
    "no time of issue": ({"iat": None}, "does not say"),
    "not good yet": ({"nbf": NOW + 60}, "not good yet"),
    "a beginning that is no time": ({"nbf": "now"}, "no time"),
    "an expiry before the time of issue": ({"iat": NOW + 20, "exp": NOW + 10}, "before"),
}


@pytest.mark.parametrize("name", TIMES_AND_AUDIENCES)
async def test_what_is_wrong_with_the_token_itself_is_said(name: str) -> None:
    changed, word = TIMES_AND_AUDIENCES[name]
    if any(isinstance(value, int) and not isinstance(value, bool) and value > 1 << 40 for value in changed.values()):
        assert word == "no time"
    issuer = github()
    async with a_scene(issuer, "github", GITHUB) as scene:
        with pytest.raises(Unauthorized, match=word):
            await scene.workloads.verify(issuer.token(github_claims(NOW, **changed)))


def _part(value: Any) -> str:
    return base64url(value if isinstance(value, bytes) else msgspec.json.encode(value))


def _unsigned(issuer: Issuer) -> str:
    header = {"alg": "none", "typ": "JWT"}
    return f"{_part(header)}.{_part({'iss': issuer.url, **github_claims(NOW)})}."


def _resigned(text: str, **claims: Any) -> str:
    """The same signature over other claims."""
    header, _, signature = text.split(".")
    return f"{header}.{_part(claims)}.{signature}"


def _whole(issuer: Issuer, **changed: Any) -> dict[str, Any]:
    return {"iss": issuer.url, **github_claims(NOW, **changed)}


FORGED: dict[str, Callable[[Issuer], str]] = {
    "not signed": _unsigned,
    "signed with nothing, by its real name": lambda issuer: _unsigned(issuer) + "c2ln",
    "other claims under a good signature": lambda issuer: _resigned(
        issuer.token(github_claims(NOW, repository="evil-org/octo-repo")), **_whole(issuer)
    ),
    "a signature cut short": lambda issuer: issuer.token(github_claims(NOW))[:-8],
    "no signature": lambda issuer: issuer.token(github_claims(NOW)).rpartition(".")[0] + ".",
    "another key under the right name": lambda issuer: sign(_whole(issuer), rsa("x"), header={"kid": "key-1"}),
    "a key of another issuer": lambda issuer: sign(_whole(issuer), rsa("gitlab-key")),
    "another key without a name": lambda issuer: sign(_whole(issuer), rsa("x"), header={"kid": None}),
    "a shared secret that is the public key": lambda issuer: sign_by_secret(
        _whole(issuer), rsa("key-1").as_pem(private=False), "key-1"
    ),
    "a shared secret that is the modulus": lambda issuer: sign_by_secret(
        _whole(issuer), str(public(rsa("key-1"))["n"]).encode(), "key-1"
    ),
    "an algorithm the trust does not name": lambda issuer: sign(_whole(issuer), rsa("key-1"), algorithm="RS512"),
    "another padding": lambda issuer: sign(_whole(issuer), rsa("key-1"), algorithm="PS256"),
    "a key that it brings": lambda issuer: sign(
        _whole(issuer), rsa("x"), header={"kid": "key-1", "jwk": public(rsa("x"))}
    ),
    "a key at an address that it names": lambda issuer: sign(
        _whole(issuer), rsa("x"), header={"kid": "key-1", "jku": f"{issuer.url}/evil"}
    ),
    "a certificate that it brings": lambda issuer: sign(
        _whole(issuer), rsa("x"), header={"kid": "key-1", "x5c": ["AAAA"]}
    ),
    "a curve for the name of an RSA key": lambda issuer: sign(
        _whole(issuer), ec("key-1"), algorithm="ES256", header={"kid": "key-1"}
    ),
    "a name that climbs": lambda issuer: sign(_whole(issuer), rsa("x"), header={"kid": "../../key-1"}),
    "an empty name": lambda issuer: sign(_whole(issuer), rsa("x"), header={"kid": ""}),
}


@pytest.mark.parametrize("name", FORGED)
async def test_forgeries_stay_out(name: str) -> None:
    issuer = github()
    async with a_scene(issuer, "github", GITHUB) as scene:
        with pytest.raises(Unauthorized, match=r"signed|signature"):
            await scene.workloads.verify(FORGED[name](issuer))
        assert len(issuer.asked) <= 2, "a stranger's token makes nobody ask again and again"


#: Tokens that are none of a trusted issuer: they are left to others, who may know them.
FOREIGN: dict[str, Callable[[Issuer], str]] = {
    "a slash behind the issuer": lambda issuer: sign(_whole(issuer) | {"iss": f"{issuer.url}/"}, rsa("key-1")),
    "no path in the issuer": lambda issuer: sign(
        _whole(issuer) | {"iss": issuer.url.removesuffix("/_services/token")}, rsa("key-1")
    ),
    "an issuer in another case": lambda issuer: sign(_whole(issuer) | {"iss": issuer.url.upper()}, rsa("key-1")),
    "an issuer that nobody trusts": lambda issuer: sign(
        _whole(issuer) | {"iss": "https://token.actions.githubusercontent.com"}, rsa("key-1")
    ),
    "issuers in a list": lambda issuer: sign(_whole(issuer) | {"iss": [issuer.url]}, rsa("key-1")),
    "no issuer": lambda issuer: sign(github_claims(NOW), rsa("key-1")),
    "a logout token": lambda issuer: sign(_whole(issuer), rsa("key-1"), header={"typ": "logout+jwt"}),
    "an access token": lambda issuer: sign(_whole(issuer), rsa("key-1"), header={"typ": "at+jwt"}),
    "what it wants understood": lambda issuer: (
        _part({"alg": "RS256", "kid": "key-1", "crit": ["x"], "x": 1})
        + "."
        + sign(_whole(issuer), rsa("key-1")).partition(".")[2]
    ),
    "claims that are no object": lambda issuer: sign(b"[]", rsa("key-1")),
    "a password": lambda issuer: "correct horse battery staple",
    "nothing": lambda issuer: "",
    "too long": lambda issuer: sign(_whole(issuer) | {"pad": "x" * 20_000}, rsa("key-1")),
}


@pytest.mark.parametrize("name", FOREIGN)
async def test_tokens_of_others_are_left_to_others(name: str) -> None:
    issuer = github()
    async with a_scene(issuer, "github", GITHUB) as scene:
        assert await scene.workloads.verify(FOREIGN[name](issuer)) is None
        assert issuer.asked == []


OTHER_PLATFORMS: dict[str, tuple[Callable[[], Issuer], str, dict[str, Any], dict[str, Any]]] = {
    "gitlab: another group": (gitlab, "gitlab", GITLAB, gitlab_claims(NOW, project_path="evil/my-project")),
    "gitlab: a subgroup": (gitlab, "gitlab", GITLAB, gitlab_claims(NOW, project_path="my-group/sub/my-project")),
    "gitlab: a tag": (gitlab, "gitlab", GITLAB, gitlab_claims(NOW, ref_type="tag")),
    "gitlab: a branch that only contains it": (gitlab, "gitlab", GITLAB, gitlab_claims(NOW, ref="x-feature-1")),
    "gitlab: a branch below": (gitlab, "gitlab", GITLAB, gitlab_claims(NOW, ref="feature-1/x")),
    "gitlab: no project": (gitlab, "gitlab", GITLAB, gitlab_claims(NOW, project_path=None)),
    "kubernetes: another namespace": (
        kubernetes,
        "kubernetes",
        KUBERNETES,
        kubernetes_claims(
            NOW, **{"kubernetes.io": {"namespace": "evil", "serviceaccount": {"name": "my-serviceaccount"}}}
        ),
    ),
    "kubernetes: another service account": (
        kubernetes,
        "kubernetes",
        KUBERNETES,
        kubernetes_claims(
            NOW, **{"kubernetes.io": {"namespace": "my-namespace", "serviceaccount": {"name": "default"}}}
        ),
    ),
    "kubernetes: claims one floor up": (
        kubernetes,
        "kubernetes",
        KUBERNETES,
        kubernetes_claims(NOW, **{"kubernetes.io": None}, namespace="my-namespace", serviceaccount="my-serviceaccount"),
    ),
    "kubernetes: for the cluster itself": (
        kubernetes,
        "kubernetes",
        KUBERNETES,
        kubernetes_claims(NOW, aud=["https://kubernetes.default.svc.cluster.local"]),
    ),
    "kubernetes: a token that never ends": (kubernetes, "kubernetes", KUBERNETES, kubernetes_claims(NOW, exp=None)),
}


@pytest.mark.parametrize("name", OTHER_PLATFORMS)
async def test_other_tenants_of_other_platforms_stay_out(name: str) -> None:
    make, preset, wanted, claims = OTHER_PLATFORMS[name]
    issuer = make()
    async with a_scene(issuer, preset, wanted) as scene:
        with pytest.raises(Unauthorized):
            await scene.workloads.verify(issuer.token(claims))


@pytest.mark.parametrize(
    "changed",
    [
        {"email": "ci@evil.iam.gserviceaccount.com"},
        {"email": "CI@project.iam.gserviceaccount.com"},
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "true"},
        {"aud": "https://other.example.com"},
    ],
)
async def test_other_accounts_of_google_stay_out(changed: dict[str, Any]) -> None:
    scene = Scene()
    await scene.trust(preset="google", claims=GOOGLE, jwks={"keys": [public(rsa("google"))]})
    with pytest.raises(Unauthorized):
        await scene.workloads.verify(sign(google_claims(NOW, **changed), rsa("google")))


async def test_the_first_trust_by_name_that_accepts_decides() -> None:
    issuer = github()
    async with a_scene(issuer, "github", GITHUB) as scene:
        others = {"preset": "github", "issuer": issuer.url}
        await scene.trust("aaa", robot="robot+other", claims={"repository": "octo-org/other"}, **others)
        await scene.trust("zzz", robot="robot+wide", claims={"repository_owner": "octo-org"}, **others)
        vouched = await scene.workloads.verify(issuer.token(github_claims(NOW)))
        assert vouched is not None
        assert vouched.credential.startswith("trust main: ")
        vouched = await scene.workloads.verify(issuer.token(github_claims(NOW, ref="refs/heads/x")))
        assert vouched is not None
        assert vouched.account == "robot+wide"


async def test_a_trust_that_cannot_be_read_opens_nothing_and_stops_nobody() -> None:
    issuer = github()
    async with a_scene(issuer, "github", GITHUB) as scene:
        await scene.trust("aaa", preset="github", claims={"repository": "*"})
        assert await scene.workloads.verify(issuer.token(github_claims(NOW))) is not None
        assert "begins with a wildcard" in scene.said


async def test_a_trust_that_is_gone_or_changed_counts_at_once() -> None:
    issuer = github()
    async with a_scene(issuer, "github", GITHUB) as scene:
        token = issuer.token(github_claims(NOW))
        assert await scene.workloads.verify(token) is not None
        await scene.trust(preset="github", issuer=issuer.url, claims={"repository": "octo-org/renamed"})
        with pytest.raises(RegistryError):
            await scene.workloads.verify(token)
